"""thumbnail on the photographs that ascii-magic ships, and on pictures made to be difficult."""

import io
import struct
import time
import tracemalloc
import zlib
from pathlib import Path

import pytest
from PIL import Image, ImageChops, ImageCms, ImageStat, PngImagePlugin

from nowlater import Document, Refused
from operations.images import thumbnail
from operations.tests.real_data import PHOTOS

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


def _chunk(kind: bytes, data: bytes) -> bytes:
    return len(data).to_bytes(4) + kind + data + zlib.crc32(kind + data).to_bytes(4)


def _png(
    width: int, height: int, bits: int, colours: int, data: bytes, *more: bytes, way: int = 0
) -> bytes:
    """Return a PNG of these bytes, filters included, with more chunks before them."""
    header = width.to_bytes(4) + height.to_bytes(4) + bytes([bits, colours, 0, 0, way])
    pixels = _chunk(b"IDAT", zlib.compress(data)) + _chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + b"".join(more) + pixels


def _png_of(side: int) -> bytes:
    """Return the beginning of a black-and-white PNG of that many pixels squared."""
    return _png(side, side, 1, 0, b"\0")


GREY, RGB = 0, 2
#: A colour that is transparent, and one that is nearly it: bits, kind of colours, samples of both.
KEYED = [
    (1, GREY, [0], [1]),
    (1, GREY, [1], [0]),
    *[(2, GREY, [key], [key ^ 1]) for key in (0, 1, 2, 3)],
    *[(4, GREY, [key], [key ^ 1]) for key in (0, 1, 7, 15)],
    *[(8, GREY, [key], [key ^ 1]) for key in (0, 1, 200, 255)],
    *[(16, GREY, [key], [key ^ 1]) for key in (0, 0x0100, 0x8000, 0x1234, 0xFFFF)],
    (8, RGB, [1, 2, 3], [1, 2, 2]),
    (8, RGB, [0, 0, 0], [0, 1, 0]),
    (16, RGB, [0x8000, 0x8000, 0x8000], [0, 0, 0]),
    (16, RGB, [0xFF00, 0x1122, 0x3344], [0xFF01, 0x1122, 0x3344]),
    (16, RGB, [0xFF00, 0x1122, 0x3344], [0xFF00, 0x1122, 0x3244]),
    (16, RGB, [0, 0, 0], [0, 0, 1]),
]


def _packed(bits: int, *samples: int) -> bytes:
    """Return a row of samples with the filter that leaves them as they are."""
    text = "".join(f"{sample:0{bits}b}" for sample in samples)
    return b"\0" + int(text.ljust(-(-len(text) // 8) * 8, "0"), 2).to_bytes(-(-len(text) // 8))


@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize(("bits", "colours", "key", "other"), KEYED)
def test_the_colour_that_a_png_names_is_transparent_and_no_other(
    bits: int, colours: int, key: list[int], other: list[int], interlaced: bool
) -> None:
    named = _chunk(b"tRNS", b"".join(sample.to_bytes(2) for sample in key))
    # Of two pixels in a row, the first is in the first pass, and the second in the sixth.
    rows = (
        [_packed(bits, *key), _packed(bits, *other)]
        if interlaced
        else [_packed(bits, *key, *other)]
    )
    found = made(_png(2, 1, bits, colours, b"".join(rows), named, way=interlaced))

    assert found.mode == "RGBA"
    assert [found.getpixel((x, 0))[3] for x in (0, 1)] == [0, 255]
    shown = [round(sample * 255 / (2**bits - 1)) for sample in other]
    assert found.getpixel((1, 0))[:3] == pytest.approx(shown * (1 if colours else 3), abs=1)


def test_a_picture_of_16_bits_a_colour_with_an_opacity_of_its_own_keeps_it() -> None:
    for colours, pixels in ((4, [0x8000, 0, 0x8000, 0xFFFF]), (6, [9, 9, 9, 0, 9, 9, 9, 0xFFFF])):
        found = made(_png(2, 1, 16, colours, _packed(16, *pixels)))

        assert [found.getpixel((x, 0))[3] for x in (0, 1)] == [0, 255]


LONG = 1_100_000
TEXTS = {
    "tEXt": _chunk(b"tEXt", b"Comment\0" + b"x" * LONG),
    "zTXt": _chunk(b"zTXt", b"Comment\0\0" + zlib.compress(b"x" * LONG)),
    "iTXt": _chunk(b"iTXt", b"Comment\0\1\0\0\0" + zlib.compress(b"x" * LONG)),
    "iCCP": _chunk(b"iCCP", b"a profile\0\0" + zlib.compress(b"x" * LONG)),
    "XMP": _chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(b"x" * LONG)),
    "a huge profile": _chunk(b"iCCP", b"a\0\0" + zlib.compress(bytes(100_000_000))),
    "a huge text": _chunk(
        b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(bytes(100_000_000))
    ),
    "many texts": _chunk(b"zTXt", b"k\0\0" + zlib.compress(bytes(LONG))) * 100,
    "many chunks": _chunk(b"teSt", b"") * 10_000,
}


@pytest.mark.parametrize("name", TEXTS)
def test_metadata_of_any_size_are_no_hindrance_and_take_bounded_memory(name: str) -> None:
    data = _png(1, 1, 8, RGB, b"\0\1\2\3", TEXTS[name])

    assert made(data).getpixel((0, 0)) == (1, 2, 3)
    assert _more_memory(data) < 3 * len(data) + 12 * 1024**2


def _more_memory(data: bytes) -> int:
    """Return how many bytes more this takes at most than the same pixel without metadata."""
    most = []
    for given in (_png(1, 1, 8, RGB, b"\0\1\2\3"), data):
        tracemalloc.start()
        made(given)
        most.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    return most[1] - most[0]


def test_a_file_of_nothing_but_profiles_is_not_inflated_again_and_again() -> None:
    profile = _chunk(b"iCCP", b"a\0\0" + zlib.compress(bytes(5_000_000), 9))
    seconds = []
    for times in (1, 200):
        began = time.process_time()
        made(_png(1, 1, 8, RGB, b"\0\1\2\3", profile * times))
        seconds.append(time.process_time() - began)

    assert seconds[1] < 10 * max(seconds[0], 0.02)


def test_exif_that_says_the_same_region_is_of_many_tags_is_not_read_again_and_again() -> None:
    entries = b"".join(struct.pack(">HHII", tag + 300, 7, 500_000, 8) for tag in range(20_000))
    exif = b"MM\0*\0\0\0\x08" + (20_000).to_bytes(2) + entries + bytes(500_000)

    assert _more_memory(_png(1, 1, 8, RGB, b"\0\1\2\3", _chunk(b"eXIf", exif))) < 10_000_000


XMP = b'<x:xmpmeta><rdf:Description tiff:Orientation="6"/></x:xmpmeta>'
LYING = Image.new("RGB", (40, 20))


@pytest.mark.parametrize(
    "data",
    [
        file(LYING, "JPEG", xmp=XMP),
        file(LYING, "WEBP", xmp=XMP),
        _png(2, 1, 8, GREY, b"\0\0\0", _chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + XMP)),
        _png(
            *(2, 1, 8, GREY, b"\0\0\0"),
            _chunk(
                b"zTXt",
                b"Raw profile type exif\0\0"
                + zlib.compress(
                    b"\nexif\n 26\n" + b"49492a0008000000\n010012010300010000000600000000000000\n"
                ),
            ),
        ),
        _png(
            2,
            1,
            8,
            GREY,
            b"\0\0\0",
            _chunk(b"eXIf", b"MM\0*\0\0\0\x08\0\1\1\x12\0\3\0\0\0\1\0\6\0\0"),
        ),
    ],
    ids=["jpeg", "webp", "png", "png of ImageMagick", "png with EXIF"],
)
def test_a_picture_is_turned_upright_by_whatever_metadata_say_so(data: bytes) -> None:
    found = made(data)

    assert found.height == 2 * found.width


def _with_more_scans(data: bytes, times: int) -> bytes:
    """Return a progressive JPEG with its last scan that many times more."""
    return data[:-2] + data[data.rindex(b"\xff\xda") : -2] * times + data[-2:]


def test_a_picture_that_asks_for_more_work_than_its_pixels_do_is_refused() -> None:
    usual = file(Image.new("RGB", (4000, 4000)), "JPEG", progressive=True, subsampling=0)

    assert made(usual).size == (256, 256)
    assert made(_with_more_scans(usual, 20)).size == (256, 256)
    with pytest.raises(Refused, match=r"too long to decode.*baseline"):
        thumbnail(Document(_with_more_scans(usual, 400)))


def test_a_progressive_picture_that_does_not_fit_into_memory_is_refused() -> None:
    large = file(Image.new("RGB", (7600, 7600)), "JPEG", progressive=True, subsampling=0, quality=5)

    with pytest.raises(Refused, match=r"too much memory.*smaller width and height"):
        thumbnail(Document(large), width=4096, height=4096)


def test_a_lossless_jpeg_is_scaled_though_its_decoder_cannot() -> None:
    def segment(kind: int, body: bytes) -> bytes:
        return bytes([0xFF, kind]) + (len(body) + 2).to_bytes(2) + body

    frame = segment(0xC3, b"\x08" + (800).to_bytes(2) * 2 + b"\1\1\x11\0")
    codes = segment(0xC4, b"\0" + bytes([0, 1, 5, 1, 1, 1, 1, 1, 1, *[0] * 7]) + bytes(range(12)))
    data = b"\xff\xd8" + frame + codes + segment(0xDA, b"\1\1\0\1\0\0") + bytes(200) + b"\xff\xd9"

    assert made(data, width=50, height=50).size == (50, 50)


def test_a_picture_with_a_side_of_millions_of_pixels_is_refused() -> None:
    with pytest.raises(Refused, match=r"65,535 pixels\. Scale it down"):
        thumbnail(Document(_png(1, 70_000, 1, GREY, bytes(2 * 70_000))))


def test_a_profile_of_endless_steps_is_not_applied() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    swapped = profile.replace(b"rXYZ", b"tmp.").replace(b"bXYZ", b"rXYZ").replace(b"tmp.", b"bXYZ")
    lion = Image.open(io.BytesIO(LION)).resize((256, 192))

    assert difference(made(file(lion, icc_profile=swapped), format="png"), lion) > 10
    assert difference(made(file(lion, icc_profile=swapped + b"mpet"), format="png"), lion) == 0


@pytest.mark.parametrize("written", ["png", "webp"])
def test_a_large_result_that_is_hard_to_pack_takes_about_as_long_as_others(written: str) -> None:
    """With the effort that a small one is worth, these take 20 times as long, and up to minutes."""
    side, pattern = 2560, bytes([0, 0, 1, 0, 0, 0, 1])
    hard = Image.frombytes("RGBA", (side, side), (pattern * side**2)[: 4 * side**2])
    easy, seconds = Image.new("RGBA", (side, side), (9, 9, 9, 99)), list[float]()
    for data in (file(easy), file(hard)):
        began = time.process_time()
        thumbnail(Document(data), width=4096, height=4096, format=written)
        seconds.append(time.process_time() - began)

    assert seconds[1] < 5 * seconds[0]
