"""Makes small pictures of large ones."""

import io
import struct
import warnings
from typing import Annotated, Literal

from msgspec import Meta
from PIL import Image, ImageCms, UnidentifiedImageError

from nowlater import Document, Refused, operation

type Format = Literal["jpeg", "png", "webp"]
type Pixels = Annotated[int, Meta(ge=1, le=4096)]

#: Measured on the largest: 400 MB for a progressive JPEG (others take far less), 500 MB for WebP.
_MOST_PIXELS: dict[Format, int] = {"jpeg": 64_000_000, "png": 32_000_000, "webp": 32_000_000}
_MOST_BYTES = 64 * 1024 * 1024

#: What Pillow is known to raise where a file is broken or made to do harm.
_BROKEN = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    IndexError,
    KeyError,
    OverflowError,
    EOFError,
    struct.error,
)
_BOMBS = (Image.DecompressionBombError, Image.DecompressionBombWarning)

_FORMATS: dict[str | None, Format] = {"JPEG": "jpeg", "MPO": "jpeg", "PNG": "png", "WEBP": "webp"}

_ORIENTATION = 0x0112
#: What brings a picture upright, by its EXIF orientation; 1 is upright.
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
#: Of these, those that swap width and height.
_LYING = (5, 6, 7, 8)


#: A picture of one pixel.
_EXAMPLE = {
    "base64": "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
}


@operation(timeout=60, attempts=3)
def thumbnail(
    image: Annotated[Document, Meta(examples=[_EXAMPLE])],
    width: Pixels = 256,
    height: Pixels = 256,
    format: Format | None = None,  # the name callers know it by
    quality: Annotated[int, Meta(ge=1, le=100)] = 85,
) -> Document:
    """Fits a JPEG, PNG or WebP picture into a box, upright, in sRGB, and without its metadata.

    The proportions stay, and a picture smaller than the box keeps its size. The first frame of an
    animated one counts. Without `format` the result is of the picture's own; transparent parts
    become white in JPEG. `quality` is for JPEG and WebP.
    """
    # Read before it is decoded: what goes wrong on the way here is no fault of the picture.
    data = image.read(_MOST_BYTES + 1)
    if len(data) > _MOST_BYTES:
        raise Refused(f"The picture has more than {_MOST_BYTES // 1024**2} MB.")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of broken metadata, which nobody sees
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            picture, own = _small(io.BytesIO(data), width, height)
        except UnidentifiedImageError as error:
            raise Refused("This is not a JPEG, PNG or WebP picture.") from error
        except _BOMBS as error:
            limits = ", ".join(f"{most:,} ({name})" for name, most in _MOST_PIXELS.items())
            raise Refused(f"The picture has too many pixels; the most are {limits}.") from error
        except _BROKEN as error:
            raise Refused("This picture is broken or cut off.") from error
    return _encoded(picture, format or own, quality)


def _small(file: io.BytesIO, width: int, height: int) -> tuple[Image.Image, Format]:
    """Decode a picture and fit it into the box; return it, and the format it came in."""
    with Image.open(file, formats=("JPEG", "PNG", "WEBP")) as opened:
        own = _FORMATS[opened.format]
        if opened.width * opened.height > _MOST_PIXELS[own]:
            raise Image.DecompressionBombError
        orientation = _orientation(opened)
        box = (height, width) if orientation in _LYING else (width, height)
        picture = _resizable(opened)
        # Of a JPEG, no more is decoded than the size needs.
        picture.thumbnail(box, Image.Resampling.LANCZOS, reducing_gap=3)
        picture.load()
        picture = _in_srgb(picture)
        if orientation in _UPRIGHT:
            picture = picture.transpose(_UPRIGHT[orientation])
        return picture, own


def _orientation(picture: Image.Image) -> int:
    try:
        found: int = picture.getexif().get(_ORIENTATION, 1)
    except _BROKEN:  # broken metadata make no broken picture
        return 1
    return found


def _resizable(picture: Image.Image) -> Image.Image:
    """Return the picture in a mode whose pixels can be averaged: grey or colours, 8 bits each."""
    if picture.mode.startswith("I"):
        picture = picture.point(lambda value: value * (1 / 257)).convert("L")  # 16 bits
    if picture.has_transparency_data:
        return picture.convert("RGBA")
    if picture.mode in ("L", "RGB", "CMYK"):
        return picture
    return picture.convert("L" if picture.mode == "1" else "RGB")


def _in_srgb(picture: Image.Image) -> Image.Image:
    """Return the picture in the colours that one without a profile is shown in."""
    if profile := picture.info.get("icc_profile"):
        mode = "RGBA" if picture.mode == "RGBA" else "RGB"
        try:
            given = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            seen = ImageCms.createProfile("sRGB")
            converted = ImageCms.profileToProfile(picture, given, seen, outputMode=mode)
            return converted or picture
        except (ImageCms.PyCMSError, OSError):  # a profile that is broken, or of another kind
            pass
    return picture.convert("RGB") if picture.mode == "CMYK" else picture


def _encoded(picture: Image.Image, format: Format, quality: int) -> Document:
    if format == "jpeg" and picture.mode == "RGBA":
        white = Image.new("RGBA", picture.size, "white")
        picture = Image.alpha_composite(white, picture).convert("RGB")
    picture.info.clear()  # or some of it would be written
    file = io.BytesIO()
    match format:
        case "jpeg":
            picture.save(file, "JPEG", quality=quality, optimize=True)
        case "png":
            picture.save(file, "PNG", optimize=True)
        case "webp":
            picture.save(file, "WEBP", quality=quality)
    return Document(file.getvalue(), f"image/{format}")
