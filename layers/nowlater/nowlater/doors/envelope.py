"""Reads request bodies: decodes JSON, and validates the envelope of input and options."""

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
from nowlater.jobs.model import MAX_TAGS
from nowlater.problems import Problem

#: Bytes of a body: it must fit into Lambda's 6 MB even when every character is escaped.
MAX_ASYNC_BODY, MAX_SYNC_BODY = 1024 * 1024, 2 * 1024 * 1024


type TagName = Annotated[str, msgspec.Meta(pattern="^[a-z0-9_-]{1,32}$")]
type TagValue = Annotated[str, msgspec.Meta(min_length=1, max_length=256)]

_JSON_TYPE = re.compile(r"application/(?:[\w.+-]+\+)?json\s*+(?:;.*)?", re.IGNORECASE)
_CHARSET = re.compile(r';\s*+charset\s*+=\s*+"?([^";\s]*+)', re.IGNORECASE)
#: Levels of nesting that JSON parsers in any language accept.
_MAX_DEPTH = 200
#: Characters of a member's name: pointers contain the names of all enclosing members.
_MAX_NAME = 1024
#: A double represents every whole number up to here exactly.
_MAX_EXACT = 2**53
_KEY = re.compile(r"[\x20-\x7e]{1,255}")


class CallbackOptions(Callback, frozen=True, forbid_unknown_fields=True):
    """`callback` in a request: without the members that only stored jobs have."""

    format: Format | msgspec.UnsetType = msgspec.UNSET


class Envelope(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The body of a request: the operation's arguments, and the options of the job."""

    input: Any = {}
    start: Start | None = None
    deadline: Deadline | None = None
    retention: Retention | None = None
    callback: CallbackOptions | None = None
    tags: Annotated[dict[TagName, TagValue], msgspec.Meta(max_length=MAX_TAGS)] = {}


def parse_envelope(body: Any) -> Envelope:
    """Return a decoded body as an envelope; raises Problem `malformed-request`."""
    if isinstance(body, dict) and (unknown := [name for name in body if name not in _MEMBERS]):
        raise _unknown_options(unknown)
    try:
        envelope = msgspec.convert(body, Envelope)
    except msgspec.ValidationError as fault:
        raise malformed.malformed_request(fault) from fault
    for name, value in envelope.tags.items():
        if not (name + value).isprintable():
            pointer = f"/tags/{name.strip()}"
            detail = f"{pointer}: a tag has printable characters only."
            raise Problem("malformed-request", detail, pointer=pointer)
    return envelope


_MEMBERS = Envelope.__struct_fields__


def _unknown_options(names: list[str]) -> Problem:
    """Return the problem of members that are no options: mostly arguments outside of `input`."""
    is_single = len(names) == 1
    are = "is no option" if is_single else "are no options"
    hint = wording.suggestion(names[0], _MEMBERS)
    example = ", ".join(f"{wording.quoted(name)}: …" for name in names[:3])
    advice = (
        f" Put the operation's arguments into input: {{{wording.quoted('input')}: {{{example}}}}}."
    )
    detail = (
        f"The body has {wording.members(names)}, which {are}{hint or '.'}"
        f"{'' if hint and is_single else advice} The options are {wording.joined(_MEMBERS[1:])}."
    )
    return Problem("malformed-request", detail, pointer=wording.pointer(names[:1]))


def decode_json(
    body: str | None,
    *,
    is_base64: bool,
    content_type: str | None,
    max_bytes: int,
    uploads: str = "/uploads",
    content_encoding: str | None = None,
) -> Any:
    """Return a JSON body as Python values; numbers without a fraction are ints, however written.

    Those beyond 2**53 with a point or an exponent stay floats, as not all their digits are known.

    Raises Problem `unsupported-media-type`, `too-large` (more than `max_bytes` bytes) or
    `malformed-request`.
    """
    _check_encoding(content_type, content_encoding)
    data = _bytes(body or "", is_base64)
    if len(data) > max_bytes:
        raise Problem(
            "too-large",
            f"The body has {len(data):,} bytes, and this door takes {max_bytes:,}. "
            "Upload large inputs by POST /uploads, and refer to them by id.",
            uploads=uploads,
        )
    value = _decode(data)
    _check_names(data)
    return value


def _decode(data: bytes) -> Any:
    """Return the value of JSON text; raises Problem `malformed-request`."""
    try:
        value = _DECODER.decode(data)
        if data.count(b"[") + data.count(b"{") > _MAX_DEPTH and _is_deeper(value, _MAX_DEPTH):
            raise RecursionError
    except RecursionError as fault:
        detail = f"The body is nested too deep: at most {_MAX_DEPTH} levels."
        raise Problem("malformed-request", detail) from fault
    except (msgspec.MsgspecError, ValueError) as fault:
        detail = f'The body is not JSON ({fault}); send {{"input": {{…}}}}.'
        raise Problem("malformed-request", detail) from fault
    return value


def parse_idempotency_key(header: str | None) -> str | None:
    """Return the value of an Idempotency-Key header; raises Problem `malformed-request`."""
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


def _check_encoding(content_type: str | None, content_encoding: str | None) -> None:
    """Raise Problem `unsupported-media-type` unless the headers allow plain JSON in UTF-8."""
    if content_type is not None and not _JSON_TYPE.fullmatch(content_type.strip()):
        fault = f"as {content_type[:100]}; send it as application/json"
    elif (charset := _CHARSET.search(content_type or "")) and not _is_utf8(charset[1]):
        fault = f"in {charset[1][:100]}; send it in UTF-8"
    elif content_encoding is not None and content_encoding.strip().lower() not in ("", "identity"):
        fault = f"as {content_encoding[:100]}; send it uncompressed"
    else:
        return
    raise Problem("unsupported-media-type", f"The body was sent {fault}.")


def _is_utf8(charset: str) -> bool:
    return charset.lower() in ("utf-8", "utf8", "us-ascii")


def _check_names(data: bytes) -> None:
    """Raise Problem `malformed-request` where an object repeats a name, or has a long one.

    JSON parsers differ in which of two equal names counts (RFC 8259 §4): the value that was validated
    might not be the one that an operation reads.
    """
    json.loads(data, object_pairs_hook=_check_members, parse_int=str, parse_float=str)


def _check_members(members: list[tuple[str, Any]]) -> None:
    for name, _ in members:
        if len(name) > _MAX_NAME:
            raise Problem(
                "malformed-request",
                f"The name of a member, {wording.quoted(name)}, has {len(name):,} characters: "
                f"at most {_MAX_NAME:,} are allowed.",
            )
    if len(dict(members)) == len(members):
        return
    repeated = (name for name, count in Counter(name for name, _ in members).items() if count > 1)
    raise Problem("malformed-request", f"An object has the member {next(repeated)[:100]!r} twice.")


def _is_deeper(value: Any, levels: int) -> bool:
    level = [value]
    for _ in range(levels):
        parents = (v.values() if type(v) is dict else v for v in level if type(v) in (dict, list))
        level = [item for items in parents for item in items]
    return any(type(v) in (dict, list) for v in level)


def _parse_number(text: str) -> int | float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:20]} is too large a number")
    return int(number) if number.is_integer() and abs(number) < _MAX_EXACT else number


_DECODER = msgspec.json.Decoder(float_hook=_parse_number)
