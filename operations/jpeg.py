"""A JPEG file: what its picture is made of, and what decoding that costs."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from nowlater import Refused
from operations.metadata import File

SIGNATURE = b"\xff\xd8\xff"

#: A marker as decoders find it; not a stuffed byte of a scan, a restart, or a second start.
_MARKER = re.compile(rb"\xff+([^\x00\x01\xd0-\xd8\xff])")
_SCAN, _END, _JFIF, _APP1, _APP2, _ADOBE = 0xDA, 0xD9, 0xE0, 0xE1, 0xE2, 0xEE
_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
_PROGRESSIVE = {0xC2, 0xC6, 0xCA, 0xCE}
_LOSSLESS = {0xC3, 0xC7, 0xCB, 0xCF}
#: Tables, and how often a scan restarts.
_TABLES = {0xC4, 0xCC, 0xDB, 0xDD}

#: A visit takes a seventh of a microsecond. Ten scans, as encoders write, of 64 megapixels make 14 million.
_MAX_VISITS = 20_000_000
#: What is kept of a block between scans: 64 coefficients.
_BLOCK_BYTES = 128


@dataclass
class Jpeg(File):
    """A file without what no decoder needs, and its metadata.

    `kept_bytes` is the memory that a decoder needs between scans, besides that of the picture.
    One that `is_lossless` cannot be decoded in a smaller size.
    """

    kept_bytes: int = 0
    is_lossless: bool = False
    _blocks: dict[int, int] = field(default_factory=dict)
    _is_progressive: bool = False


def read(data: bytes) -> Jpeg:
    """Return what a JPEG file says; what is broken is left to its decoder. Raises Refused."""
    found, pieces, visits, scans_from = Jpeg(b""), [data[:2]], 0, len(data)
    profile: dict[int, bytes] = {}
    for kind, start, end in _segments(data):
        body = data[start + 4 : end]
        if kind == _SCAN:
            scans_from = min(scans_from, start)
            visits += _visits(found, body)
            _refuse_too_many(visits)
        elif start > scans_from:
            continue
        elif kind in _FRAMES and not found._blocks:
            _add_frame(found, kind, body)
        elif kind == _APP2 and body.startswith(b"ICC_PROFILE\0"):
            profile.setdefault(int.from_bytes(body[12:13]), body[14:])
        elif kind == _APP1:
            _add_metadata(found, body)
        if start < scans_from and _is_needed(kind, body):
            pieces.append(data[start:end])
    found.profile = b"".join(part for _, part in sorted(profile.items()))
    found.file = b"".join([*pieces, data[scans_from:]])
    return found


def _segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield kind, start and end of each segment of the picture."""
    end = 2
    while marker := _MARKER.search(data, end):
        kind, start = marker[1][0], marker.end() - 2
        if kind == _END:
            return
        end = start + 2 + int.from_bytes(data[start + 2 : start + 4])
        yield kind, start, end


def _is_needed(kind: int, body: bytes) -> bool:
    """Tell whether a decoder needs a segment: by two of the applications' it knows the colours."""
    names = {_JFIF: b"JFIF", _ADOBE: b"Adobe"}
    return kind in _FRAMES | _TABLES or (kind in names and body.startswith(names[kind]))


def _add_frame(found: Jpeg, kind: int, body: bytes) -> None:
    """Note of how many blocks each component consists."""
    height, width = int.from_bytes(body[1:3]), int.from_bytes(body[3:5])
    parts = [body[at : at + 2] for at in range(6, len(body) - 2, 3)]
    across = max((part[1] >> 4 for part in parts), default=1) or 1
    down = max((part[1] & 15 for part in parts), default=1) or 1
    for name, sampling in parts:
        columns = -(-width * (sampling >> 4) // (8 * across))
        rows = -(-height * (sampling & 15) // (8 * down))
        found._blocks[name] = columns * rows
    found._is_progressive, found.is_lossless = kind in _PROGRESSIVE, kind in _LOSSLESS


def _visits(found: Jpeg, body: bytes) -> int:
    """Return through how many blocks a scan goes, and note whether they are kept for later ones."""
    names = body[1 : 1 + 2 * body[0] : 2] if body else b""
    if found._is_progressive or len(names) < len(found._blocks):
        found.kept_bytes = _BLOCK_BYTES * sum(found._blocks.values())
    return sum(found._blocks.get(name, 0) for name in names)


def _refuse_too_many(visits: int) -> None:
    if visits > _MAX_VISITS:
        raise Refused(
            f"The picture takes too long to decode: its scans go through more than {_MAX_VISITS:,}"
            " blocks of pixels. Save it as a baseline JPEG, or scale it down."
        )


def _add_metadata(found: Jpeg, body: bytes) -> None:
    xmp = b"http://ns.adobe.com/xap/1.0/\0"
    if body.startswith(b"Exif\0\0"):
        found.exif = found.exif or body
    elif body.startswith(xmp):
        found.xmp = found.xmp or body[len(xmp) :]
