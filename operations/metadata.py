"""What a picture's file says besides its pixels, as far as showing it needs that."""

import re
import zlib
from dataclasses import dataclass

#: A larger profile is not used, and a larger XMP not searched. The largest in use, of presses, have some 2 MB.
MAX_BYTES = 4 * 1024**2
#: The transforms of a profile that are made of steps, as many as there is room for: each costs time for
#: each colour. Those that cameras and presses use are in other tags, and of a few steps.
_STEPS = b"mpet"

_ORIENTATION, _SHORT = 0x0112, 3
_IN_XMP = re.compile(rb'tiff:Orientation(?:\s*=\s*["\']|>)([1-8])')


@dataclass
class File:
    """A picture's file, and its EXIF, XMP and colour profile; empty where there is none."""

    file: bytes
    exif: bytes = b""
    xmp: bytes = b""
    profile: bytes = b""

    @property
    def orientation(self) -> int:
        """Which of the eight ways the picture lies, as EXIF counts them; 1 is upright."""
        in_xmp = _IN_XMP.search(self.xmp[:MAX_BYTES])
        return _in_exif(self.exif) or (int(in_xmp[1]) if in_xmp else 1)

    @property
    def usable_profile(self) -> bytes:
        """The profile, or nothing where applying it could take any time."""
        is_bounded = len(self.profile) <= MAX_BYTES and _STEPS not in self.profile
        return self.profile if is_bounded else b""


def inflated(data: bytes) -> bytes:
    """Return what was compressed; nothing where that is broken, or has more than MAX_BYTES."""
    reader = zlib.decompressobj()
    try:
        text = reader.decompress(data, MAX_BYTES)
    except zlib.error:
        return b""
    return text if reader.eof else b""


def _in_exif(exif: bytes) -> int | None:
    """Return the orientation of the main picture, as its first directory has it."""
    tiff = exif.removeprefix(b"Exif\0\0")
    if tiff[:4] not in (b"II*\0", b"MM\0*"):
        return None

    def number(start: int, size: int) -> int:
        return int.from_bytes(tiff[start : start + size], "little" if tiff[:2] == b"II" else "big")

    first = number(4, 4)
    for entry in range(first + 2, min(first + 2 + 12 * number(first, 2), len(tiff) - 11), 12):
        if number(entry, 2) == _ORIENTATION and number(entry + 2, 2) == _SHORT:
            return value if 1 <= (value := number(entry + 8, 2)) <= 8 else None
    return None
