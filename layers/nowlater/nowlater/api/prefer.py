"""The `Prefer` header (RFC 7240): how long a caller waits, and what is to happen then."""

import re
from collections.abc import Iterator

import msgspec

#: A quoted string (one that is not closed goes on to the end), a sign, white space, or a word.
_PART = re.compile(r'"((?:[^"\\]|\\.)*+)("?)|[,;=]|\s++|[^\s",;=]++', re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)

#: A wait of more seconds than this is as long: every door has a bound far below it.
_LONGEST_S = 999_999


class Prefer(msgspec.Struct, frozen=True):
    """The preferences that we know; all others are ignored, as the RFC asks."""

    wait_s: int | None = None
    respond_async: bool = False
    strict: bool = False

    @property
    def is_async_at_once(self) -> bool:
        """Whether not to wait at all: with a `wait`, only a longer run is to be asynchronous (§4.3)."""
        return self.respond_async and not self.wait_s


def preferences(header: str | None) -> Prefer:
    """Return what a Prefer header asks for; the first of two of one name counts (§2)."""
    asked: dict[str, str] = {}
    for name, value in _preferences(header or ""):
        asked.setdefault(name, value)
    wait = asked.get("wait", "")
    return Prefer(
        wait_s=_seconds(wait) if wait.isascii() and wait.isdecimal() else None,
        respond_async="respond-async" in asked,
        strict=asked.get("handling", "").lower() == "strict",
    )


def _preferences(header: str) -> Iterator[tuple[str, str]]:
    """Yield name and value of each preference that has the RFC's form, without its parameters."""
    words = list[str]()
    for word in (*_words(header), ","):
        if word != ",":
            words.append(word)
            continue
        head = words[: words.index(";")] if ";" in words else words
        match head:
            case [name]:
                yield name.lower(), ""
            case [name, "="]:  # an empty value is as good as none
                yield name.lower(), ""
            case [name, "=", value]:
                yield name.lower(), value.removeprefix('"')
        words = []


def _words(header: str) -> Iterator[str]:
    """Yield the signs and words of a header; what was quoted begins with a quote, and has none else.

    What follows a quote that is not closed is part of no preference.
    """
    for part in _PART.finditer(header):
        text, closed = part[1], part[2]
        if text is None:
            if not part[0].isspace():
                yield part[0]
        elif closed:
            yield '"' + _ESCAPED.sub(r"\1", text)
        else:
            yield '"'  # with what stands before it, this has no form
            return


def _seconds(digits: str) -> int:
    """Return a number of seconds; more digits than Python reads as one number are the bound too."""
    few = digits.lstrip("0")
    return int(few or "0") if len(few) <= len(str(_LONGEST_S)) else _LONGEST_S
