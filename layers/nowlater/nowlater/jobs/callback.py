"""Callbacks: the URL that an owner wants a job's end sent to, for which ends, and in what format."""

from typing import Annotated, Literal

import msgspec

from nowlater.outbound import targets
from nowlater.outbound.targets import RefusedUrl, Rules
from nowlater.problems import Problem

type End = Literal["succeeded", "failed", "canceled"]
#: The media types that an event can be sent as; the bytes are the same for both.
type Format = Literal["application/json", "application/cloudevents+json"]
#: The media type where the callback names none: web frameworks parse it without configuration.
DEFAULT_FORMAT = "application/json"


class Callback(msgspec.Struct, frozen=True):
    """Hold the `callback` of a request: a public https URL, and the ends that are sent to it.

    Reading a stored callback ignores members that a later version wrote; a request may have no
    others than these.
    """

    url: str
    events: Annotated[tuple[End, ...], msgspec.Meta(min_length=1, max_length=3)] = (
        "succeeded",
        "failed",
        "canceled",
    )
    #: Unset by default, not the default format: the fingerprint of requests without it never changes.
    format: str | msgspec.UnsetType = msgspec.UNSET

    @property
    def media_type(self) -> str:
        return DEFAULT_FORMAT if self.format is msgspec.UNSET else self.format


def check(callback: Callback, rules: Rules, own_hosts: set[str]) -> None:
    """Raise Problem `callback-refused` if webhooks may not be sent to a callback's URL.

    `own_hosts` are the hosts of this API, as for `targets.target`.
    """
    try:
        targets.target(callback.url, rules, own_hosts)
    except RefusedUrl as fault:
        pointer = "/callback/url"
        raise Problem("callback-refused", f"{pointer}: {fault}", pointer=pointer) from fault


def hosts_of(bases: tuple[str, ...]) -> set[str]:
    """Return the hosts, as in a `Host` header, of base URLs; empty ones are skipped."""
    return {base.split("/")[2] for base in bases if base}
