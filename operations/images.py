"""Makes small pictures of large ones."""

import io
import struct
import warnings
from typing import Annotated, Literal

from msgspec import Meta
from PIL import Image, ImageCms, UnidentifiedImageError

from nowlater import Document, Refused, operation
from operations import jpeg, png
from operations.metadata import File

type Format = Literal["jpeg", "png", "webp"]
type Pixels = Annotated[int, Meta(ge=1, le=4096)]

#: Measured on the largest of any kind of pixels: 400 MB for PNG, 510 MB for WebP.
_MAX_PIXELS: dict[Format, int] = {"jpeg": 64_000_000, "png": 32_000_000, "webp": 25_000_000}
#: Rows cost memory of their own. JPEG and WebP have no longer sides.
_MAX_SIDE = 65_535
#: What a JPEG may take while it is decoded: its pixels, four bytes each, and what is kept between scans.
_MAX_DECODED_BYTES = 500_000_000
_MAX_BYTES = 64 * 1024 * 1024
#: Results of more pixels are packed with less effort: with the usual one, some would take minutes.
_LARGE = 1024 * 1024

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
#: How much larger than the box a picture is when the last, careful step makes it smaller.
_GAP = 3
_FORMATS: dict[str | None, Format] = {"JPEG": "jpeg", "MPO": "jpeg", "PNG": "png", "WEBP": "webp"}

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
    image: Annotated[Document, Meta(description="The picture.", examples=[_EXAMPLE])],
    width: Annotated[Pixels, Meta(description="The width of the box.")] = 256,
    height: Annotated[Pixels, Meta(description="The height of the box.")] = 256,
    format: Annotated[  # the name callers know it by
        Format | None, Meta(description="What to make; without it the picture's own.")
    ] = None,
    quality: Annotated[int, Meta(ge=1, le=100, description="Of JPEG and WebP.")] = 85,
) -> Document:
    """Fits a JPEG, PNG or WebP picture into a box, upright, in sRGB, and without its metadata.

    The proportions stay, and a picture smaller than the box keeps its size. The first frame of an
    animated one counts. Without `format` the result is of the picture's own; transparent parts
    become white in JPEG. `quality` is for JPEG and WebP.
    """
    # Read before it is decoded: what goes wrong on the way here is no fault of the picture.
    data = image.read(_MAX_BYTES + 1)
    if len(data) > _MAX_BYTES:
        raise Refused(f"The picture has more than {_MAX_BYTES // 1024**2} MB.")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what is odd and can be shown
        try:
            picture, own = _small(data, width, height)
        except UnidentifiedImageError as error:
            raise Refused("This is not a JPEG, PNG or WebP picture.") from error
        except Image.DecompressionBombError as error:
            raise _too_many_pixels() from error
        except _BROKEN as error:
            raise Refused("This picture is broken or cut off.") from error
    return _encoded(picture, format or own, quality)


def _small(data: bytes, width: int, height: int) -> tuple[Image.Image, Format]:
    """Decode a picture and fit it into the box; return it, and the format it came in."""
    header = _read(data)
    with Image.open(io.BytesIO(header.file), formats=("JPEG", "PNG", "WEBP")) as opened:
        own = _FORMATS[opened.format]
        _refuse_too_large(opened, own)
        if own == "webp":
            header = _of_webp(opened)
        box = (height, width) if header.orientation in _LYING else (width, height)
        if isinstance(header, jpeg.Jpeg):
            _refuse_too_costly(opened, header, box)
            if header.is_lossless:
                opened.load()
        picture = png.in_bytes(opened, header) if isinstance(header, png.Png) else opened
        picture = _resizable(picture)
        picture.thumbnail(box, Image.Resampling.LANCZOS, reducing_gap=_GAP)
        picture.load()
        picture = _in_srgb(picture, header.usable_profile)
        if header.orientation in _UPRIGHT:
            picture = picture.transpose(_UPRIGHT[header.orientation])
        return picture, own


def _read(data: bytes) -> File:
    """Return what a file says, by the format that it begins as."""
    if data.startswith(jpeg.SIGNATURE):
        return jpeg.read(data)
    return png.read(data) if data.startswith(png.SIGNATURE) else File(data)


def _of_webp(opened: Image.Image) -> File:
    """Return what a WebP file says; its decoder finds that by itself."""
    names = {"exif": "exif", "xmp": "xmp", "profile": "icc_profile"}
    return File(b"", **{ours: opened.info.get(name, b"") for ours, name in names.items()})


def _refuse_too_large(opened: Image.Image, own: Format) -> None:
    if opened.width * opened.height > _MAX_PIXELS[own]:
        raise _too_many_pixels()
    if max(opened.size) > _MAX_SIDE:
        raise Refused(f"A side of the picture has more than {_MAX_SIDE:,} pixels. Scale it down.")


def _too_many_pixels() -> Refused:
    limits = ", ".join(f"{most:,} ({name})" for name, most in _MAX_PIXELS.items())
    return Refused(f"The picture has too many pixels; the most are {limits}. Scale it down.")


def _refuse_too_costly(opened: Image.Image, header: jpeg.Jpeg, box: tuple[int, int]) -> None:
    """Refuse a JPEG that takes too much memory; no more of its pixels are decoded than the box needs."""
    shrunk = max(opened.width / box[0], opened.height / box[1], 1)
    scale = max(
        n for n in (1, 2, 4, 8) if n <= (1 if header.is_lossless else max(shrunk / _GAP, 1))
    )
    if header.kept_bytes + 4 * opened.width * opened.height // scale**2 > _MAX_DECODED_BYTES:
        raise Refused(
            "The picture takes too much memory to decode. Ask for a smaller width and height,"
            " scale it down, or save it as a baseline JPEG."
        )


def _resizable(picture: Image.Image) -> Image.Image:
    """Return the picture in a mode whose pixels can be averaged: grey or colours, 8 bits each."""
    if picture.has_transparency_data:
        return picture if picture.mode == "RGBA" else picture.convert("RGBA")
    if picture.mode in ("L", "RGB", "CMYK"):
        return picture
    return picture.convert("L" if picture.mode == "1" else "RGB")


def _in_srgb(picture: Image.Image, profile: bytes) -> Image.Image:
    """Return the picture in the colours that one without a profile is shown in."""
    if profile:
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
    file, is_large = io.BytesIO(), picture.width * picture.height > _LARGE
    match format:
        case "jpeg":
            picture.save(file, "JPEG", quality=quality, optimize=True)
        case "png":
            picture.save(file, "PNG", compress_level=1 if is_large else 6)
        case "webp":
            picture.save(file, "WEBP", quality=quality, method=0 if is_large else 4)
    return Document(file.getvalue(), f"image/{format}")
