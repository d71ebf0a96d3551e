"""The `Prefer` header (RFC 7240): how long a caller waits, and what is to happen then."""

import re

import msgspec

#: What stands between commas; a quoted string may hold some.
_PART = re.compile(r'(?:[^,"]|"(?:[^"\\]|\\.)*")+')
_PREFERENCE = re.compile(r'\s*([\w-]+)\s*(?:=\s*"?([\w-]*)"?)?\s*(?:;.*)?')


#: A wait of more seconds than this is as long: every door has a bound far below it.
_LONGEST_S = 999_999


class Prefer(msgspec.Struct, frozen=True):
    """The preferences that we know; all others are ignored, as the RFC asks."""

    wait_s: int | None = None
    respond_async: bool = False
    strict: bool = False


def preferences(header: str | None) -> Prefer:
    """Return what a Prefer header asks for; the first of two that contradict each other counts."""
    said: dict[str, str] = {}
    for part in _PART.findall(header or ""):
        if found := _PREFERENCE.fullmatch(part):
            said.setdefault(found[1].lower(), found[2] or "")
    wait = said.get("wait", "")
    return Prefer(
        wait_s=_seconds(wait) if re.fullmatch(r"[0-9]+", wait) else None,
        respond_async="respond-async" in said,
        strict=said.get("handling", "").lower() == "strict",
    )


def _seconds(digits: str) -> int:
    """Return a number of seconds; more digits than Python reads as one number are the bound too."""
    few = digits.lstrip("0")
    return int(few or "0") if len(few) <= len(str(_LONGEST_S)) else _LONGEST_S
