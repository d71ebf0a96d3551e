"""The `Prefer` header (RFC 7240): how long a caller waits, and what is to happen then."""

import re

import msgspec

#: What stands between commas; a quoted string may hold some.
_PART = re.compile(r'(?:[^,"]|"(?:[^"\\]|\\.)*")+')
_PREFERENCE = re.compile(r'\s*([\w-]+)\s*(?:=\s*"?([\w-]*)"?)?\s*(?:;.*)?')


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
        wait_s=int(wait) if re.fullmatch(r"[0-9]{1,6}", wait) else None,
        respond_async="respond-async" in said,
        strict=said.get("handling", "").lower() == "strict",
    )
