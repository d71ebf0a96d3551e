"""A PNG file: what its picture is made of, and which of its colours is transparent."""

import functools
import io
from collections.abc import Iterator
from dataclasses import dataclass, field

from PIL import Image, ImageChops

from operations.metadata import File, inflated

SIGNATURE = b"\x89PNG\r\n\x1a\n"

_GREY, _RGB, _PALETTE = 0, 2, 3
_NEEDED = (b"IHDR", b"PLTE", b"IDAT", b"IEND")
_METADATA = (b"iCCP", b"eXIf", b"zTXt", b"iTXt")
#: How a grey sample of so many bits is brought to 8.
_TO_BYTE = {1: 255, 2: 85, 4: 17, 8: 1}
#: Shades of 16 bits as those of 8.
_WIDE = range(65536)
_SHADES = [round(shade / 257) for shade in _WIDE]


@dataclass
class Png(File):
    """A file without what no decoder needs, and its metadata.

    `key` has the samples of the colour that is transparent, if one is; of a palette, the file says it.
    """

    bits: int = 8
    key: tuple[int, ...] = ()
    _seen: set[tuple[bytes, bytes]] = field(default_factory=set)


def read(data: bytes) -> Png:
    """Return what a PNG file says; what is broken is left to its decoder."""
    found, pieces, colours, has_pixels = Png(b""), [SIGNATURE], _RGB, False
    for kind, start, end in _chunks(data):
        body = data[start + 8 : end - 4]
        if kind == b"IHDR" and len(pieces) == 1:
            found.bits, colours = int.from_bytes(body[8:9]), int.from_bytes(body[9:10])
        elif kind == b"tRNS" and not has_pixels and colours in (_GREY, _RGB):
            found.key = _key(body, found.bits, 1 if colours == _GREY else 3)
        elif kind in _METADATA:
            _add_metadata(found, kind, body)
        has_pixels |= kind == b"IDAT"
        if kind in _NEEDED or (kind == b"tRNS" and colours == _PALETTE):
            pieces.append(data[start:end])
    found.file = b"".join(pieces)
    return found


def _chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Yield kind, start and end of each chunk up to the last, or where the file is cut off."""
    start, kind = len(SIGNATURE), b""
    while start + 8 <= len(data) and kind != b"IEND":
        kind = data[start + 4 : start + 8]
        end = start + 12 + int.from_bytes(data[start : start + 4])
        yield kind, start, end
        start = end


def _key(body: bytes, bits: int, samples: int) -> tuple[int, ...]:
    """Return the samples that tRNS has, each in the lower bits of two bytes."""
    if len(body) < 2 * samples:
        return ()
    largest = (1 << bits) - 1
    return tuple(int.from_bytes(body[2 * n : 2 * n + 2]) & largest for n in range(samples))


def _add_metadata(found: Png, kind: bytes, body: bytes) -> None:
    """Note the first of each kind; text is metadata where it has the name that ImageMagick or XMP give it."""
    name = body[:100].partition(b"\0")[0] if kind in (b"zTXt", b"iTXt") else b""
    if (kind, name) in found._seen:
        return
    found._seen.add((kind, name))
    rest = body[len(name) + 1 :]
    if kind == b"iCCP":
        found.profile = inflated(body.partition(b"\0")[2][1:])
    elif kind == b"eXIf":
        found.exif = body
    elif kind == b"zTXt" and name == b"Raw profile type exif":
        found.exif = found.exif or _unhexed(inflated(rest[1:]))
    elif kind == b"iTXt" and name == b"XML:com.adobe.xmp":
        text = rest[2:].split(b"\0", 2)[-1]
        found.xmp = inflated(text) if rest[:1] == b"\1" else text


def _unhexed(text: bytes) -> bytes:
    """Return what ImageMagick has written in hexadecimal digits, below a name and a length."""
    try:
        return bytes.fromhex(b"".join(text.split(b"\n")[3:]).decode())
    except ValueError:
        return b""


def in_bytes(picture: Image.Image, found: Png) -> Image.Image:
    """Return the picture with 8 bits a sample, and its transparent colour as transparency."""
    if picture.mode == "I;16":
        wide = picture.convert("I")
        hits = [wide.point([255 * (n == found.key[0]) for n in _WIDE], "L")] if found.key else []
        return _with_key(wide.point(_SHADES, "L"), hits)
    if not found.key:
        return picture
    picture = picture.convert("L") if picture.mode == "1" else picture
    scale = _TO_BYTE.get(found.bits, 1)
    key = [n >> 8 if found.bits == 16 else n * scale for n in found.key]
    hits = _hits(picture, key)
    if found.bits == 16:
        hits += _hits(_lower_halves(found), [n & 255 for n in found.key])
    return _with_key(picture, hits)


def _lower_halves(found: Png) -> Image.Image:
    """Return the lower bytes of a picture of 16 bits: what a decoder takes that has their order wrong."""
    with Image.open(io.BytesIO(found.file), formats=("PNG",)) as opened:
        opened.tile = [tile._replace(args="RGB;16L") for tile in opened.tile]
        opened.load()
        return opened


def _hits(picture: Image.Image, key: list[int]) -> list[Image.Image]:
    """Return for each band where it has the key's sample: 255 there, 0 elsewhere."""
    return [
        band.point([255 * (n == sample) for n in range(256)])
        for band, sample in zip(picture.split(), key, strict=True)
    ]


def _with_key(picture: Image.Image, hits: list[Image.Image]) -> Image.Image:
    """Return the picture, transparent where all of these hit."""
    if hits:
        picture.putalpha(ImageChops.invert(functools.reduce(ImageChops.darker, hits)))
    return picture
