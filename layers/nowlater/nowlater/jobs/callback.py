"""Callbacks: where an owner wants to be told of a job's end, of which ends, and in what format."""

from typing import Annotated, Literal

import msgspec

from nowlater.outbound import targets
from nowlater.outbound.targets import RefusedUrl, Rules
from nowlater.problems import Problem

type End = Literal["succeeded", "failed", "canceled"]
#: The media types that an event can be sent as; its bytes are the same.
type Format = Literal["application/json", "application/cloudevents+json"]
#: What it is sent as where the callback names none: what web frameworks parse by themselves.
USUAL_FORMAT = "application/json"


class Callback(msgspec.Struct, frozen=True):
    """`callback`: a public https URL, and the ends that it is told of; all, unless it says.

    Where a later version has kept more of it, that is read past; a request may say no more.
    """

    url: str
    events: Annotated[tuple[End, ...], msgspec.Meta(min_length=1, max_length=3)] = (
        "succeeded",
        "failed",
        "canceled",
    )
    #: Unset and not the usual one: so requests without it have the fingerprint that they ever had.
    format: str | msgspec.UnsetType = msgspec.UNSET

    @property
    def media_type(self) -> str:
        return USUAL_FORMAT if self.format is msgspec.UNSET else self.format


def check(callback: Callback, rules: Rules, own_hosts: set[str]) -> None:
    """Raise Problem `callback-refused` where nothing could be sent to a callback's URL.

    `own_hosts` are the names of this API itself, as `addresses.target` takes them.
    """
    try:
        targets.target(callback.url, rules, own_hosts)
    except RefusedUrl as fault:
        pointer = "/callback/url"
        raise Problem("callback-refused", f"{pointer}: {fault}", pointer=pointer) from fault


def hosts_of(bases: tuple[str, ...]) -> set[str]:
    """Return the hosts, as in a `Host` header, of the URLs that are given."""
    return {base.split("/")[2] for base in bases if base}
