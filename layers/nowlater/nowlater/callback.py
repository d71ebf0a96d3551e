"""Callbacks: where an owner wants to be told of a job's end, and of which ends."""

from typing import Annotated, Literal

import msgspec

from nowlater import addresses
from nowlater.addresses import RefusedUrl, Rules
from nowlater.problems import Problem

type End = Literal["succeeded", "failed", "canceled"]


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


def check(callback: Callback, rules: Rules, bases: tuple[str, ...]) -> None:
    """Raise Problem `callback-refused` where nothing could be sent to a callback's URL.

    `bases` are the URLs of this API itself.
    """
    try:
        addresses.target(callback.url, rules, hosts_of(bases))
    except RefusedUrl as fault:
        pointer = "/callback/url"
        raise Problem("callback-refused", f"{pointer}: {fault}", pointer=pointer) from fault


def hosts_of(bases: tuple[str, ...]) -> set[str]:
    """Return the hosts, as in a `Host` header, of the URLs that are given."""
    return {base.split("/")[2] for base in bases if base}
