"""Whatever Pillow opens becomes the pixels that it should look like, and is told, or is refused in one line."""

import io
import struct
import zlib
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image, ImageCms, ImageOps

from entrec.data.decoding import ORIENTATION, Unreadable, as_it_looks, colours, decoded
from entrec.data.encoding import encoded
from entrec.data.formats import formats
from entrec.data.photographs import PHOTOGRAPHS, packaged_file, photograph
from entrec.data.prepare import prepare
from entrec.data.prepared import open_prepared
from entrec.errors import UserError

RAMP = np.linspace(0, 65535, 16 * 16).astype(np.uint16).reshape(16, 16)
BLOCKS = np.zeros((24, 32, 3), dtype=np.uint8)  # a colour of its own in every corner
BLOCKS[:12, :16], BLOCKS[:12, 16:], BLOCKS[12:, :16] = (255, 0, 0), (0, 255, 0), (0, 0, 255)
WIDE = {"I;16": "<u2", "I;16L": "<u2", "I;16B": ">u2", "I;16N": "=u2"}


def saved(image, kind, **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def wide(values, mode):
    height, width = values.shape
    return Image.frombytes(mode, (width, height), values.astype(WIDE[mode]).tobytes())


def png(values, *, bits, colour, key=b""):
    """A PNG of `values` (h, w, c), already packed where they have fewer bits than 8, with a transparent colour."""

    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    height, width = values.shape[:2]
    rows = b"".join(b"\0" + row.tobytes() for row in values.astype(">u2" if bits == 16 else np.uint8))
    head = struct.pack(">IIBBBBB", width * 8 // bits if bits < 8 else width, height, bits, colour, 0, 0, 0)
    chunks = [(b"IHDR", head), *([(b"tRNS", key)] if key else []), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(kind, content) for kind, content in chunks)


def grey(content):
    found = decoded(content)
    assert found.image.mode == "L"
    return np.asarray(found.image)


@settings(deadline=None)
@given(arrays(np.uint16, st.tuples(st.integers(1, 5), st.integers(1, 5))), st.sampled_from(sorted(WIDE)))
def test_of_16_bits_the_upper_eight_count_in_every_byte_order(values, mode):
    found = as_it_looks(wide(values, mode))
    assert np.array_equal(np.asarray(found.image), values >> 8)
    assert found.conversions[0] == "16 bits to 8"
    assert ("nothing in the upper bits" in found.conversions) == (0 < values.max() < 256)
    assert not found.plain


LZW = {"compression": "tiff_lzw"}


@pytest.mark.parametrize(
    ("mode", "kind", "options"),
    [
        *(("I;16", kind, {}) for kind in ("PNG", "TIFF", "JPEG2000", "PPM", "IM")),
        *(("I;16B", kind, {}) for kind in ("PNG", "TIFF")),
        *((mode, "TIFF", LZW) for mode in ("I;16", "I;16B")),
    ],
)
def test_files_of_16_bits_are_read_as_their_upper_eight(mode, kind, options):
    assert np.array_equal(grey(saved(wide(RAMP, mode), kind, **options)), RAMP >> 8)


def test_tiffs_of_12_bits_and_of_white_as_0_have_their_own_rule():
    twelve = (RAMP >> 4).astype(np.uint32)  # two values are packed into three bytes
    packed = b"".join(int(pair).to_bytes(3) for pair in (twelve[:, ::2] << 12 | twelve[:, 1::2]).ravel())
    assert np.array_equal(grey(tiff(packed, {258: 12, 262: 1})), RAMP >> 8)
    inverted = tiff((65535 - RAMP).astype("<u2").tobytes(), {258: 16, 262: 0})
    assert np.array_equal(grey(inverted), RAMP >> 8)


def tiff(content, tags):
    """A TIFF in one strip of 16x16 pixels with the tags given."""
    tags = {256: 16, 257: 16, 259: 1, 273: 8, 277: 1, 278: 16, 279: len(content), **tags}
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in sorted(tags.items()))
    start = 8 + len(content)
    return b"II*\0" + struct.pack("<I", start) + content + struct.pack("<H", len(tags)) + entries + bytes(4)


def test_integers_of_32_bits_count_as_16_where_they_fit():
    image = Image.fromarray(RAMP.astype(np.int32))
    assert np.array_equal(grey(saved(image, "TIFF")), RAMP >> 8)
    for value in (-1, 65536, 2**31 - 1):
        with pytest.raises(Unreadable, match=rf"^TIFF of mode I: values from .*{value}.*; allowed: 0 to 65535; save"):
            decoded(saved(Image.fromarray(np.array([[0, value]], dtype=np.int32)), "TIFF"))


@pytest.mark.parametrize(("sign", "span"), [(1, f"0 to {2**32 - 1}"), (2, "-1 to 2147483647")])
def test_the_values_of_32_bits_that_are_refused_are_those_of_the_file(sign, span):
    values = np.zeros(RAMP.shape, dtype="<u4")
    values[0, :2] = [2**32 - 1, 2**31 - 1]
    with pytest.raises(Unreadable, match=rf"^TIFF of mode I: values from {span}; allowed: 0 to 65535; save"):
        decoded(tiff(values.tobytes(), {258: 32, 262: 1, 339: sign}))
    assert np.array_equal(grey(tiff(RAMP.astype("<u4").tobytes(), {258: 32, 262: 1, 339: sign})), RAMP >> 8)


def test_signed_numbers_of_8_bits_are_refused():
    content = RAMP.astype(np.uint8).tobytes()
    with pytest.raises(Unreadable, match=r"^TIFF of mode L: signed numbers of 8 bits; save the image without a sign$"):
        decoded(tiff(content, {258: 8, 262: 1, 339: 2}))
    assert np.array_equal(grey(tiff(content, {258: 8, 262: 1, 339: 1})), RAMP.astype(np.uint8))


@pytest.mark.parametrize("kind", ["TIFF", "PPM", "IM"])
def test_floating_point_numbers_are_refused(kind):
    with pytest.raises(Unreadable, match=rf"^{kind} of mode F: these numbers have no stated range; save the image"):
        decoded(saved(Image.fromarray(RAMP.astype(np.float32)), kind))


def test_colours_of_16_bits_are_their_upper_eight():
    values = np.stack([RAMP, RAMP.T, RAMP[::-1]], axis=2)
    found = decoded(png(values, bits=16, colour=2))
    assert np.array_equal(np.asarray(found.image), values >> 8)
    assert found.conversions == ("16 bits to 8",)
    with pytest.raises(Unreadable, match="PNG of mode RGB: a transparent colour of 16 bits"):
        decoded(png(values, bits=16, colour=2, key=bytes(6)))


@pytest.mark.parametrize("largest", [65535, 1023])
def test_colours_of_more_than_8_bits_are_counted_in_pixmaps_too(largest):
    found = decoded(b"P6 1 1 %d\n" % largest + struct.pack(">3H", 0, largest // 2, largest))
    assert np.abs(np.asarray(found.image).ravel() - [0.0, 127.5, 255.0]).max() <= 1
    assert found.conversions == ("16 bits to 8",)


def test_colours_of_16_bits_are_counted_in_sgi_files_too():
    assert decoded(saved(PHOTO, "SGI", bpc=2)).conversions == ("16 bits to 8",)


def test_an_image_without_pixels_is_refused():
    with pytest.raises(Unreadable, match="of mode L: without any pixel"):
        as_it_looks(Image.new("L", (0, 3)))


@pytest.mark.parametrize(
    ("bits", "packed", "key"), [(2, [[0b00011011]], 1), (4, [[0x0F, 0x5A]], 5), (8, [[0, 85, 170]], 85)]
)
def test_a_transparent_grey_is_found_whatever_the_bits(bits, packed, key):
    content = png(np.array(packed)[..., None], bits=bits, colour=0, key=struct.pack(">H", key))
    found = decoded(content)
    levels = np.asarray(Image.open(io.BytesIO(content)))
    expected = np.where(levels == 85, 255, levels)
    assert 85 in levels
    assert np.array_equal(np.asarray(found.image.convert("L")), expected)
    assert found.conversions == ("transparency on white",)


def test_a_transparent_grey_of_16_bits_is_compared_with_all_bits():
    found = decoded(png(np.array([[0x1234, 0x1235]])[..., None], bits=16, colour=0, key=b"\x12\x34"))
    assert np.asarray(found.image).tolist() == [[255, 0x12]]
    assert found.conversions == ("16 bits to 8", "transparency on white")


ALPHA = np.linspace(0, 255, 24 * 32).astype(np.uint8).reshape(24, 32)
RGBA = Image.fromarray(np.dstack([BLOCKS, ALPHA]))
LA = Image.merge("LA", (Image.fromarray(BLOCKS).convert("L"), Image.fromarray(ALPHA)))


def over_white(colour, alpha):
    share = alpha[..., None] / 255
    return colour * share + 255 * (1 - share)


@pytest.mark.parametrize("image", [RGBA, RGBA.convert("RGBa"), LA, LA.convert("La")], ids=lambda image: image.mode)
def test_transparent_pixels_show_white(image):
    found = as_it_looks(image)
    back = image.convert("LA").convert("RGBA") if image.mode == "La" else image.convert("RGBA")
    expected = over_white(np.asarray(back)[..., :3].astype(float), ALPHA)
    assert np.abs(np.asarray(found.image.convert("RGB")) - expected).max() <= 1
    assert found.conversions == ("transparency on white",)


@pytest.mark.parametrize("image", [RGBA, LA], ids=lambda image: image.mode)
def test_an_opaque_alpha_channel_is_no_transparency(image):
    opaque = image.copy()
    opaque.putalpha(255)
    found = as_it_looks(opaque)
    assert np.array_equal(np.asarray(found.image), np.asarray(image.convert("RGB")))
    assert found.conversions == ()


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF", "TGA", "ICO", "AVIF", "DDS", "QOI", "SGI"])
def test_transparency_is_found_in_every_format_that_has_it(kind):
    clear = Image.new("RGBA", (32, 32), (255, 0, 0, 0))
    clear.paste((0, 0, 255, 255), (0, 0, 32, 16))
    options = {"lossless": True} if kind == "WEBP" else {}
    found = decoded(saved(clear, kind, **options))
    corners = [np.asarray(found.image.convert("RGB"))[y, 16].astype(int) for y in (4, 28)]
    assert np.abs(np.array(corners) - [(0, 0, 255), (255, 255, 255)]).max() <= 4
    assert found.conversions == ("transparency on white",)


@pytest.mark.parametrize("transparency", [None, 1, bytes([255, 0])])
@pytest.mark.parametrize("kind", ["PNG", "GIF"])
def test_palettes_are_looked_up_and_their_transparent_entries_show_white(kind, transparency):
    image = Image.frombytes("P", (4, 4), bytes([0, 1] * 8))
    image.putpalette([200, 100, 0, 0, 0, 90])
    options = {} if transparency is None else {"transparency": transparency if kind == "PNG" else 1}
    found = decoded(saved(image, kind, **options))
    second = (0, 0, 90) if transparency is None else (255, 255, 255)
    assert np.asarray(found.image).tolist() == [[[200, 100, 0], list(second)] * 2] * 4
    names = ("from a palette",) if transparency is None else ("from a palette", "transparency on white")
    assert found.conversions == names


PHOTO = photograph("coffee").resize((32, 24))


@pytest.mark.parametrize(
    ("mode", "kind", "tolerance"),
    [
        ("1", "PNG", 0),
        ("CMYK", "TIFF", 0),
        ("CMYK", "JPEG", 12),
        ("LAB", "TIFF", 4),
        ("YCbCr", None, 2),
        ("HSV", None, 4),
        ("RGBX", None, 0),
    ],
)
def test_other_modes_look_as_they_did(mode, kind, tolerance):
    if mode == "LAB":
        srgb, lab = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
        other = ImageCms.applyTransform(PHOTO, ImageCms.buildTransform(srgb, lab, "RGB", "LAB"))
        other.info.clear()
    else:
        other = PHOTO.convert(mode)
    found = decoded(saved(other, kind)) if kind else as_it_looks(other)
    expected = PHOTO.convert("1").convert("RGB") if mode == "1" else PHOTO
    assert found.image.mode == ("L" if mode == "1" else "RGB")
    difference = np.abs(np.asarray(found.image.convert("RGB")).astype(int) - np.asarray(expected))
    assert difference.mean() <= tolerance
    assert found.conversions == ("from 1 bit" if mode == "1" else f"from {mode}",)


ORIENTED = ["TIFF", "JPEG", "PNG", "WEBP", "AVIF", "MPO"]


def oriented(kind, orientation):
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    options = {"TIFF": {"tiffinfo": {ORIENTATION: orientation}}, "MPO": {"exif": exif, "save_all": True}}
    quality = {"lossless": True} if kind == "WEBP" else {} if kind in ("TIFF", "PNG") else {"quality": 95}
    return saved(Image.fromarray(BLOCKS), kind, **(options.get(kind, {"exif": exif}) | quality))


def corners(pixels):
    height, width = pixels.shape[:2]
    places = [(height * y // 4, width * x // 4) for y in (1, 3) for x in (1, 3)]
    return [tuple((pixels[place] > 127).tolist()) for place in places]


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ORIENTED)
def test_every_orientation_of_every_format_is_turned_once_in_both_storages(kind, orientation):
    content = oriented(kind, orientation)
    right = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(content))).convert("RGB"))
    found = decoded(content)
    stored, conversions = encoded(content, 64)
    again = Image.open(io.BytesIO(stored))
    assert corners(colours(content)) == corners(colours(stored)) == corners(right)
    assert found.image.size == again.size == right.shape[1::-1]
    assert again.getexif().get(ORIENTATION, 1) == 1
    assert conversions == found.conversions
    assert ("turned upright" in found.conversions) == (orientation > 1)


@pytest.mark.parametrize("mode", ["I;16", "I;16B", "1", "P", "LA", "RGBA", "CMYK"])
def test_images_of_other_modes_are_turned_too(mode):
    image = Image.fromarray(BLOCKS).convert("L" if mode.startswith("I") else mode)
    image = wide(np.asarray(image).astype(np.uint16) << 8, mode) if mode.startswith("I") else image
    upright = saved(image, "TIFF")
    turned = saved(image, "TIFF", tiffinfo={ORIENTATION: 6})
    assert np.array_equal(colours(turned), np.rot90(colours(upright), -1))


@pytest.mark.parametrize("compression", [None, "tiff_lzw"])
def test_the_first_page_of_a_turned_tiff_is_turned_once(compression):
    image = Image.fromarray(BLOCKS)
    options = {"save_all": True, "append_images": [image], "tiffinfo": {ORIENTATION: 6}, "compression": compression}
    found = decoded(saved(image, "TIFF", **options))
    assert np.array_equal(np.asarray(found.image), np.rot90(BLOCKS, -1))
    assert found.conversions == ("turned upright", "first of several frames")


@pytest.mark.parametrize("exif", [b"", b"Exif\0\0", b"Exif\0\0garbage", b"Exif\0\0II*\0\xff\xff\xff\xff", b"\0" * 40])
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
def test_tags_that_cannot_be_read_leave_the_image_as_it_is(kind, exif):
    found = decoded(saved(PHOTO, kind, exif=exif))
    assert found.image.size == PHOTO.size
    assert set(found.conversions) <= {"unreadable orientation ignored"}


@pytest.mark.parametrize("value", [0, 9, 255])
def test_orientations_that_do_not_exist_turn_nothing(value):
    assert decoded(oriented("JPEG", value)).conversions == ()


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "TIFF", "AVIF", "MPO"])
def test_of_several_frames_the_first_counts(kind):
    frames = [Image.new("RGB", (16, 16), colour) for colour in ("red", "blue", "green")]
    options = {"lossless": True} if kind == "WEBP" else {}
    saved_frames = saved(frames[0], kind, save_all=True, append_images=frames[1:], **options)
    found = decoded(saved_frames)
    assert np.abs(np.asarray(found.image).reshape(-1, 3).mean(axis=0) - (255, 0, 0)).max() < 5
    assert "first of several frames" in found.conversions
    assert not getattr(Image.open(io.BytesIO(encoded(saved_frames, 64).content)), "is_animated", False)


def test_a_profile_is_not_applied_and_counts_unless_it_is_that_of_srgb():
    with Image.open(packaged_file(*PHOTOGRAPHS["rocket"][:2])) as rocket:
        adobe = rocket.info["icc_profile"]
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for profile, names in ((adobe, ("colour profile ignored",)), (b"damaged", ("colour profile ignored",)), (srgb, ())):
        for kind in ("PNG", "TIFF"):
            found = decoded(saved(PHOTO, kind, icc_profile=profile))
            assert np.array_equal(np.asarray(found.image), np.asarray(PHOTO))
            assert found.conversions == names
    kept, _ = encoded(saved(PHOTO.convert("LA"), "PNG", icc_profile=adobe), 64)
    assert "icc_profile" not in Image.open(io.BytesIO(kept)).info  # its numbers are stored, not its meaning


@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_the_packaged_photographs_keep_their_numbers(name):
    with Image.open(packaged_file(*PHOTOGRAPHS[name][:2])) as image:
        assert np.array_equal(np.asarray(photograph(name)), np.asarray(image.convert("RGB")))


def test_a_file_of_a_format_that_is_not_read_is_never_opened_in_it_whatever_its_name():
    for kind in ("EPS", "FITS", "MPEG", "HDF5", "WMF"):
        assert kind not in formats()
    with pytest.raises(Unreadable, match="in no format that Pillow knows"):
        decoded(saved(PHOTO, "EPS"))


@pytest.mark.parametrize("side", [20_000, 2**31 - 1])
def test_a_decompression_bomb_is_one_line(side):
    head = png(np.zeros((1, 1, 1)), bits=8, colour=0)
    bomb = head[:16] + struct.pack(">II", side, side) + head[24:29]
    with pytest.raises(Unreadable) as caught:
        decoded(bomb + struct.pack(">I", zlib.crc32(bomb[12:])) + head[33:])
    assert len(str(caught.value).splitlines()) == 1


CONTENTS = {
    **{
        kind: saved(PHOTO, kind)
        for kind in sorted({"AVIF", "BMP", "DDS", "DIB", "ICNS", "ICO", "IM", "JPEG", "JPEG2000"})
    },
    **{kind: saved(PHOTO, kind) for kind in ("PCX", "PNG", "PPM", "QOI", "SGI", "TGA", "TIFF", "WEBP")},
    **{kind: saved(PHOTO.convert("P"), kind) for kind in ("GIF", "BLP")},
    **{kind: saved(PHOTO.convert("1"), kind) for kind in ("MSP", "XBM")},
    "TIFF of 16 bits": saved(wide(RAMP, "I;16"), "TIFF", compression="tiff_lzw"),
    "turned JPEG": oriented("JPEG", 6),
}


def fault(content):
    """Why a file is refused; nothing for one that is decoded as it should be."""
    try:
        assert decoded(content).image.mode in ("L", "RGB")
    except Unreadable as error:
        return str(error)
    return ""


@pytest.mark.parametrize("kind", CONTENTS)
@settings(max_examples=40, deadline=None)
@given(data=st.data())
@pytest.mark.filterwarnings("ignore")
def test_a_damaged_file_is_decoded_or_refused_in_one_line(kind, data):
    content = bytearray(CONTENTS[kind])
    assert decoded(bytes(content)).image.mode in ("L", "RGB")
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, min(len(content), 400) - 1) | st.integers(0, len(content) - 1))
        content[place] = data.draw(st.integers(0, 255))
    cut = data.draw(st.just(len(content)) | st.integers(0, len(content)))
    assert len(fault(bytes(content[:cut])).splitlines()) <= 1


def mixed(root):
    """Ten images for each of two classes, some of which need a conversion."""
    odd = {
        "2.png": partial(saved, wide(RAMP, "I;16"), "PNG"),
        "3.png": partial(saved, RGBA, "PNG"),
        "4.jpg": partial(oriented, "JPEG", 6),
        "5.tif": partial(oriented, "TIFF", 8),
        "6.gif": partial(saved, PHOTO.convert("P"), "GIF"),
    }
    for number, name in enumerate(("ant", "bee")):
        (root / name).mkdir(parents=True)
        for i in range(10):
            image = Image.fromarray(
                np.random.default_rng(10 * number + i).integers(256, size=(9, 9, 3), dtype=np.uint8)
            )
            image.save(root / name / f"{i}.webp", lossless=True)
        for file, content in odd.items():
            (root / name / file).write_bytes(content())
    return root


@pytest.mark.parametrize("short_side", [None, 32])
def test_the_card_counts_the_images_that_needed_each_conversion(spec, tmp_path, capsys, short_side):
    spec = replace(spec, source="folder", path=str(mixed(tmp_path / "own")), short_side=short_side)
    prepare("own", spec, tmp_path / "out")
    card = open_prepared(tmp_path / "out").card
    counts = {"16 bits to 8": 2, "from a palette": 2, "transparency on white": 2, "turned upright": 4}
    assert card.conversions == counts
    said = (
        "own: images that needed a conversion: 16 bits to 8 (2), from a palette (2), transparency on white (2), turned"
    )
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("short_side", [None, 32])
def test_a_refused_image_is_named_with_its_mode(spec, tmp_path, short_side):
    (mixed(tmp_path / "own") / "bee" / "x.tif").write_bytes(saved(Image.new("F", (9, 9)), "TIFF"))
    with pytest.raises(UserError, match=r"own/bee/x.tif: cannot be read as an image \(TIFF of mode F: .*\)"):
        prepare(
            "own", replace(spec, source="folder", path=str(tmp_path / "own"), short_side=short_side), tmp_path / "out"
        )


@pytest.mark.parametrize("kind", CONTENTS)
def test_what_is_stored_without_shrinking_has_the_pixels_of_the_rule(kind):
    content = CONTENTS[kind]
    stored, _ = encoded(content, 1024)
    lossy = stored != content and decoded(stored).format == "JPEG"
    difference = np.abs(colours(stored).astype(int) - colours(content))
    assert difference.mean() < 4 if lossy else difference.max() == 0
    assert decoded(stored).conversions == ()
