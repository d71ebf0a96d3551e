"""thumbnail on the photographs that ascii-magic ships, and on pictures made to be difficult."""

import io
import zlib
from pathlib import Path

import ascii_magic
import pytest
from PIL import Image, ImageChops, ImageCms, ImageStat, PngImagePlugin

from nowlater import Document, Refused
from operations.images import thumbnail

#: Photographs of a lion (JPEG, with EXIF and XMP) and of a hen (PNG, cut out, with a profile).
PHOTOS = [
    Path(ascii_magic.__file__).parent / "tests" / name
    for name in ("lion.jpg", "chicken_transparent.png")
]
LION = PHOTOS[0].read_bytes()
photo = pytest.mark.parametrize("path", PHOTOS, ids=lambda path: path.stem)
any_format = pytest.mark.parametrize("written", ["jpeg", "png", "webp"])


def made(data: bytes, **options: object) -> Image.Image:
    """Return the decoded thumbnail of a picture."""
    result = thumbnail(Document(data), **options)
    picture = Image.open(io.BytesIO(result.read()))
    picture.load()
    assert result.media_type == f"image/{(picture.format or '').lower()}"
    return picture


def file(picture: Image.Image, written: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, written, **options)
    return buffer.getvalue()


def on_white(picture: Image.Image) -> Image.Image:
    shown = Image.new("RGBA", picture.size, "white")
    shown.alpha_composite(picture.convert("RGBA"))
    return shown.convert("RGB")


def difference(one: Image.Image, other: Image.Image) -> float:
    """Return by how many of 255 steps two pictures differ on average, the finest detail aside."""
    small = [p.convert("RGB").resize((32, 32), Image.Resampling.BOX) for p in (one, other)]
    return max(ImageStat.Stat(ImageChops.difference(*small)).mean)


@photo
@any_format
def test_a_photograph_becomes_a_small_picture_of_the_same_view(path: Path, written: str) -> None:
    original = on_white(Image.open(io.BytesIO(path.read_bytes())))
    found = made(path.read_bytes(), width=128, height=128, format=written)

    assert found.format == written.upper()
    assert max(found.size) == 128
    assert found.width / found.height == pytest.approx(original.width / original.height, abs=0.02)
    assert difference(on_white(found), original) < 4


@photo
def test_without_a_format_the_thumbnail_is_of_its_pictures_own(path: Path) -> None:
    assert made(path.read_bytes()).format == {".jpg": "JPEG", ".png": "PNG"}[path.suffix]


@pytest.mark.parametrize(("width", "height"), [(1, 1), (300, 20), (20, 300), (4096, 10)])
def test_a_thumbnail_fits_its_box(width: int, height: int) -> None:
    found = made(LION, width=width, height=height)

    assert found.width <= width
    assert found.height <= height
    assert found.width == width or found.height == height


def test_a_picture_smaller_than_the_box_keeps_its_size() -> None:
    assert made(LION, width=4096, height=4096).size == Image.open(io.BytesIO(LION)).size


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_that_the_camera_turned_is_upright(orientation: int) -> None:
    turned = {
        1: lambda p: p,
        2: lambda p: p.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
        3: lambda p: p.rotate(180),
        4: lambda p: p.transpose(Image.Transpose.FLIP_TOP_BOTTOM),
        5: lambda p: p.transpose(Image.Transpose.TRANSPOSE),
        6: lambda p: p.rotate(90, expand=True),
        7: lambda p: p.transpose(Image.Transpose.TRANSVERSE),
        8: lambda p: p.rotate(-90, expand=True),
    }[orientation]
    upright = Image.open(io.BytesIO(LION))
    exif = Image.Exif()
    exif[0x0112] = orientation
    found = made(file(turned(upright), "JPEG", exif=exif, quality=95), width=400, height=192)

    assert found.size == (256, 192)
    assert difference(found, upright) < 4


@any_format
def test_what_the_camera_wrote_of_place_and_time_is_gone(written: str) -> None:
    exif = Image.Exif()
    exif[0x010F] = "a maker"
    exif.get_ifd(0x8825)[1] = "N"
    note = PngImagePlugin.PngInfo()
    note.add_text("Comment", "a secret")
    picture = Image.open(io.BytesIO(LION)).resize((300, 200))
    icc = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for given in ("JPEG", "PNG", "WEBP"):
        data = file(
            picture,
            given,
            exif=exif,
            icc_profile=icc,
            comment=b"a secret",
            pnginfo=note,
            dpi=(9, 9),
        )
        found = made(data, format=written)

        assert dict(found.getexif()) == {}
        assert not {"comment", "Comment", "icc_profile", "exif", "xmp", "dpi"} & set(found.info)


def test_transparent_parts_are_white_in_jpeg_and_stay_transparent_elsewhere() -> None:
    picture = Image.new("RGBA", (100, 100), (255, 0, 0, 0))
    picture.paste((0, 0, 255, 255), (50, 0, 100, 100))
    data = file(picture)

    assert made(data, format="jpeg").getpixel((10, 50)) == pytest.approx((255, 255, 255), abs=3)
    assert made(data, format="jpeg").getpixel((90, 50)) == pytest.approx((0, 0, 254), abs=3)
    for written in ("png", "webp"):
        found = made(data, format=written, width=50)
        assert found.mode == "RGBA"
        assert [found.getpixel((x, 25))[3] for x in (5, 45)] == [0, 255]


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
@any_format
def test_a_png_of_any_kind_of_pixels_keeps_its_shades(mode: str, written: str) -> None:
    grey = Image.linear_gradient("L")
    if mode == "I;16":
        wide = [257 * (place // 256) for place in range(256 * 256)]
        picture = Image.new("I;16", (256, 256))
        picture.putdata(wide)
    else:
        picture = grey.convert(mode)
    found = made(file(picture), width=64, height=64, format=written)

    assert difference(found, grey) < 4


def test_a_palette_with_a_transparent_colour_becomes_white_in_jpeg() -> None:
    picture = Image.new("P", (64, 64), 0)
    picture.putpalette([10, 20, 30] * 256)

    assert made(file(picture, transparency=0), format="jpeg").getpixel((9, 9)) == (255, 255, 255)


def test_the_four_colours_of_print_become_those_of_a_screen() -> None:
    lion = Image.open(io.BytesIO(LION))
    found = made(file(lion.convert("CMYK"), "JPEG", quality=95))

    assert found.mode == "RGB"
    assert difference(found, lion) < 4


def test_colours_of_another_profile_are_brought_to_srgb() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    # The red and the blue primary changed places: what is stored as blue is seen as red.
    swapped = profile.replace(b"rXYZ", b"tmp.").replace(b"bXYZ", b"rXYZ").replace(b"tmp.", b"bXYZ")
    lion = Image.open(io.BytesIO(LION)).resize((256, 192))
    red, green, blue = lion.split()
    stored = Image.merge("RGB", (blue, green, red))
    found = made(file(stored, icc_profile=swapped), format="png")

    assert difference(stored, lion) > 10
    assert difference(found, lion) < 2


def test_a_broken_profile_is_ignored() -> None:
    lion = Image.open(io.BytesIO(LION)).resize((256, 192))
    found = made(file(lion, icc_profile=b"no profile"), format="png")

    assert difference(found, lion) == 0


def test_broken_metadata_do_not_break_the_picture() -> None:
    lion = Image.open(io.BytesIO(LION)).resize((256, 192))

    assert made(file(lion, "JPEG", exif=b"Exif\0\0MM\0*\xff\xff\xff\xff")).size == (256, 192)


@pytest.mark.parametrize("given", ["PNG", "WEBP"])
def test_of_an_animation_the_first_frame_is_taken(given: str) -> None:
    first, second = (Image.new("RGB", (50, 50), colour) for colour in ("red", "blue"))
    data = file(first, given, save_all=True, append_images=[second], duration=100)
    found = made(data)

    assert getattr(found, "n_frames", 1) == 1
    assert found.convert("RGB").getpixel((25, 25)) == pytest.approx((255, 0, 0), abs=3)


@pytest.mark.parametrize("given", ["JPEG", "PNG", "WEBP"])
def test_a_picture_cut_off_is_refused(given: str) -> None:
    data = file(Image.open(io.BytesIO(LION)), given)

    for kept in (len(data) // 2, 200):
        with pytest.raises(Refused, match=r"broken or cut off|not a JPEG"):
            thumbnail(Document(data[:kept]))


@pytest.mark.parametrize("data", [b"", b"hello", b"GIF89a" + bytes(50), b"%PDF-1.7"])
def test_what_is_no_picture_of_these_formats_is_refused(data: bytes) -> None:
    with pytest.raises(Refused, match="not a JPEG, PNG or WebP"):
        thumbnail(Document(data))


@pytest.mark.parametrize("side", [5_700, 10_000, 20_000])
def test_a_small_file_of_a_huge_picture_is_refused_before_it_is_decoded(side: int) -> None:
    with pytest.raises(Refused, match=r"too many pixels.*32,000,000 \(png\)"):
        thumbnail(Document(_png_of(side)))


def test_a_file_too_large_for_a_picture_is_refused() -> None:
    with pytest.raises(Refused, match="more than 64 MB"):
        thumbnail(Document(bytes(64 * 1024 * 1024 + 1)))


@pytest.mark.parametrize("written", ["jpeg", "webp"])
def test_a_lower_quality_makes_a_smaller_file(written: str) -> None:
    sizes = [
        len(thumbnail(Document(LION), format=written, quality=quality).read())
        for quality in (20, 60, 95)
    ]

    assert sizes[0] < sizes[1] < sizes[2]


def _png_of(side: int) -> bytes:
    """Return the beginning of a black-and-white PNG of that many pixels squared."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = zlib.crc32(kind + data)
        return len(data).to_bytes(4) + kind + data + check.to_bytes(4)

    header = side.to_bytes(4) * 2 + bytes([1, 0, 0, 0, 0])
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0"))
