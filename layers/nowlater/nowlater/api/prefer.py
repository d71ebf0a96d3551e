"""Parses the `Prefer` header (RFC 7240): how long a caller waits, and what happens after that."""

import re
from collections.abc import Iterator

import msgspec

#: A quoted string (an unclosed one extends to the end), a separator, white space, or a word.
_PART = re.compile(r'"((?:[^"\\]|\\.)*+)("?)|[,;=]|\s++|[^\s",;=]++', re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)

#: Longer waits are cut to this one, which is far above the limit of every door.
_MAX_WAIT_S = 999_999


class Prefer(msgspec.Struct, frozen=True):
    """The preferences that the API supports; it ignores all others, as the RFC requires."""

    wait_s: int | None = None
    respond_async: bool = False
    strict: bool = False

    @property
    def is_async_at_once(self) -> bool:
        """Whether to respond at once: with a `wait`, only a longer run is asynchronous (§4.3)."""
        return self.respond_async and not self.wait_s


def parse_prefer(header: str | None) -> Prefer:
    """Return the preferences of a Prefer header; of two with one name, the first counts (§2)."""
    values: dict[str, str] = {}
    for name, value in _preferences(header or ""):
        values.setdefault(name, value)
    wait = values.get("wait", "")
    return Prefer(
        wait_s=_seconds(wait) if wait.isascii() and wait.isdecimal() else None,
        respond_async="respond-async" in values,
        strict=values.get("handling", "").lower() == "strict",
    )


def _preferences(header: str) -> Iterator[tuple[str, str]]:
    """Yield name and value of each well-formed preference, without its parameters."""
    words = list[str]()
    for word in (*_words(header), ","):
        if word != ",":
            words.append(word)
            continue
        head = words[: words.index(";")] if ";" in words else words
        match head:
            case [name]:
                yield name.lower(), ""
            case [name, "="]:  # an empty value counts as none
                yield name.lower(), ""
            case [name, "=", value]:
                yield name.lower(), value.removeprefix('"')
        words = []


def _words(header: str) -> Iterator[str]:
    """Yield the separators and words of a header; a quoted string yields as `"` and its content.

    An unclosed quoted string yields a single `"`, and ends the header.
    """
    for part in _PART.finditer(header):
        text, closed = part[1], part[2]
        if text is None:
            if not part[0].isspace():
                yield part[0]
        elif closed:
            yield '"' + _ESCAPED.sub(r"\1", text)
        else:
            yield '"'  # makes its preference malformed
            return


def _seconds(digits: str) -> int:
    """Return digits as seconds, cut to the limit; `int` would reject thousands of digits."""
    significant = digits.lstrip("0")
    return int(significant or "0") if len(significant) <= len(str(_MAX_WAIT_S)) else _MAX_WAIT_S
