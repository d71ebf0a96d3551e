"""The authenticated caller of a request, and what a key can allow."""

from dataclasses import dataclass
from typing import Literal

#: Running operations, reading jobs, and changing or erasing them.
type Scope = Literal["invoke", "read", "manage"]


@dataclass(frozen=True)
class Caller:
    """The caller of a request, and the URL and host names of the API."""

    #: As the authorizer determined it.
    owner: str
    #: The URL of the API that links start with.
    base: str
    #: The API's host names beside that of `base`.
    hosts: tuple[str, ...] = ()
