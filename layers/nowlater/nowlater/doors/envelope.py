"""Reads request bodies: the envelope of input and options that every door takes."""

import base64
import json
import math
import re
from collections import Counter
from typing import Annotated, Any

import msgspec

from nowlater import wording
from nowlater.doors import malformed
from nowlater.doors.time_frame import Deadline, Retention, Start
from nowlater.jobs.callback import Callback, Format
from nowlater.limits import MAX_TAGS
from nowlater.problems import Problem

#: Bytes of a body: each must pass Lambda's 6 MB also when every character is escaped.
MAX_ASYNC_BODY, MAX_SYNC_BODY = 1024 * 1024, 2 * 1024 * 1024


type TagName = Annotated[str, msgspec.Meta(pattern="^[a-z0-9_-]{1,32}$")]
type TagValue = Annotated[str, msgspec.Meta(min_length=1, max_length=256)]

_JSON_TYPE = re.compile(r"application/(?:[\w.+-]+\+)?json\s*+(?:;.*)?", re.IGNORECASE)
_CHARSET = re.compile(r';\s*+charset\s*+=\s*+"?([^";\s]*+)', re.IGNORECASE)
#: Levels of nesting: what whoever reads a job can parse in any language.
_DEEPEST = 200
#: Characters of a member's name: a place in a body is named by all that lead there.
_LONGEST_NAME = 1024
#: Up to here, a double holds every whole number, and no digits but its own.
_EXACT = 2**53
_KEY = re.compile(r"[\x20-\x7e]{1,255}")


class AskedCallback(Callback, frozen=True, forbid_unknown_fields=True):
    """`callback`, as a request may say it."""

    format: Format | msgspec.UnsetType = msgspec.UNSET


class Envelope(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A request for an operation: its arguments, and what is to be done with the answer."""

    input: Any = {}
    start: Start | None = None
    deadline: Deadline | None = None
    retention: Retention | None = None
    callback: AskedCallback | None = None
    tags: Annotated[dict[TagName, TagValue], msgspec.Meta(max_length=MAX_TAGS)] = {}


def envelope(given: Any) -> Envelope:
    """Return what a decoded body asks for; raises Problem `malformed-request`."""
    if isinstance(given, dict) and (unknown := [name for name in given if name not in _MEMBERS]):
        raise _no_options(unknown)
    try:
        asked = msgspec.convert(given, Envelope)
    except msgspec.ValidationError as fault:
        raise malformed.malformed(fault) from fault
    for name, value in asked.tags.items():
        if not (name + value).isprintable():
            pointer = f"/tags/{name.strip()}"
            raise Problem("malformed-request", f"{pointer}: a tag is printable.", pointer=pointer)
    return asked


_MEMBERS = Envelope.__struct_fields__


def _no_options(names: list[str]) -> Problem:
    """Return the problem of members that there are none of: mostly arguments beside `input`."""
    is_one = len(names) == 1
    example = ", ".join(f"{wording.quoted(name)}: …" for name in names[:3])
    hint = wording.suggestion(names[0], _MEMBERS)
    detail = (
        f"The body has {wording.members(names)}, which {'is' if is_one else 'are'} no option"
        f"{'' if is_one else 's'}{hint or '.'} Put the operation's arguments into input: "
        f'{{"input": {{{example}}}}}. The options are {wording.joined(_MEMBERS[1:])}.'
    )
    return Problem("malformed-request", detail, pointer=wording.pointer(names[:1]))


def decoded(
    body: str | None,
    is_base64: bool,
    content_type: str | None,
    most: int,
    uploads: str = "/uploads",
    content_encoding: str | None = None,
) -> Any:
    """Return a JSON body as Python values; numbers without a fraction are ints, however written.

    Those beyond 2**53 with a point or an exponent stay floats: all their digits would be made up.

    Raises Problem `unsupported-media-type`, `too-large` (more than `most` bytes) or
    `malformed-request`.
    """
    _check_form(content_type, content_encoding)
    data = _bytes(body or "", is_base64)
    if len(data) > most:
        raise Problem(
            "too-large",
            f"The body has {len(data):,} bytes, and this door takes {most:,}. "
            "Send large inputs by POST /uploads, and refer to them by their id.",
            uploads=uploads,
        )
    try:
        value = _DECODER.decode(data)
        if data.count(b"[") + data.count(b"{") > _DEEPEST and _is_deeper(value, _DEEPEST):
            raise RecursionError
    except RecursionError as fault:
        raise Problem(
            "malformed-request", f"The body is nested too deep: {_DEEPEST} levels are the most."
        ) from fault
    except (msgspec.MsgspecError, ValueError) as fault:
        raise Problem(
            "malformed-request", f'The body is not JSON ({fault}); send {{"input": {{…}}}}.'
        ) from fault
    _check_names(data)
    return value


def idempotency_key(header: str | None) -> str | None:
    """Return an Idempotency-Key header's value; raises Problem `malformed-request`."""
    if header is not None and not _KEY.fullmatch(header):
        raise Problem(
            "malformed-request", "Idempotency-Key is 1 to 255 printable ASCII characters."
        )
    return header


def _bytes(body: str, is_base64: bool) -> bytes:
    try:
        return base64.b64decode(body) if is_base64 else body.encode()
    except ValueError as fault:
        raise Problem("malformed-request", "The body cannot be decoded.") from fault


def _check_form(content_type: str | None, content_encoding: str | None) -> None:
    """Raise Problem `unsupported-media-type` where the body is said to be anything but JSON in UTF-8."""
    if content_type is not None and not _JSON_TYPE.fullmatch(content_type.strip()):
        said = f"as {content_type[:100]}; send it as application/json"
    elif (charset := _CHARSET.search(content_type or "")) and not _is_utf8(charset[1]):
        said = f"in {charset[1][:100]}; send it in UTF-8"
    elif content_encoding is not None and content_encoding.strip().lower() not in ("", "identity"):
        said = f"as {content_encoding[:100]}; send it as it is, not compressed"
    else:
        return
    raise Problem("unsupported-media-type", f"The body was sent {said}.")


def _is_utf8(charset: str) -> bool:
    return charset.lower() in ("utf-8", "utf8", "us-ascii")


def _check_names(data: bytes) -> None:
    """Raise Problem `malformed-request` where an object has two members of one name, or a long name.

    Which of two counts depends on who reads (RFC 8259 §4): what one checks, another would run.
    """
    json.loads(data, object_pairs_hook=_named_once, parse_int=str, parse_float=str)


def _named_once(members: list[tuple[str, Any]]) -> None:
    for name, _ in members:
        if len(name) > _LONGEST_NAME:
            raise Problem(
                "malformed-request",
                f"The name of a member, {wording.quoted(name)}, has {len(name):,} characters, and "
                f"{_LONGEST_NAME:,} are the most.",
            )
    if len(dict(members)) == len(members):
        return
    twins = (name for name, count in Counter(name for name, _ in members).items() if count > 1)
    raise Problem("malformed-request", f"An object has the member {next(twins)[:100]!r} twice.")


def _is_deeper(value: Any, levels: int) -> bool:
    level = [value]
    for _ in range(levels):
        lists = (v.values() if isinstance(v, dict) else v for v in level if type(v) in (dict, list))
        level = [item for items in lists for item in items]
    return any(type(v) in (dict, list) for v in level)


def _number(text: str) -> int | float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:20]} is too large a number")
    return int(number) if number.is_integer() and abs(number) < _EXACT else number


_DECODER = msgspec.json.Decoder(float_hook=_number)
