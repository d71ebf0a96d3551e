"""Who calls."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Caller:
    """Who calls, as the authorizer says, where they found us, and where else we can be found."""

    owner: str
    base: str
    hosts: tuple[str, ...] = ()
