"""How an image is encoded in a prepared dataset: shrunk as torchvision does, upright, in colour."""

import io

import numpy as np
import pytest
from PIL import Image, ImageOps
from torchvision.transforms.functional import resize

from entrec.data.encoding import ORIENTATION, shrunk, stored_bytes, upright
from entrec.data.stand_in import Picture

SIDE = 32
PHOTOGRAPH = Picture(0, 0, (90, 60)).pixels()


def encoded(image, **options):
    buffer = io.BytesIO()
    image.save(buffer, **options)
    return buffer.getvalue()


def decoded(content):
    return Image.open(io.BytesIO(content))


def difference(a, b):
    return np.abs(np.asarray(a).astype(int) - np.asarray(b).astype(int))


@pytest.mark.parametrize("size", [(90, 60), (60, 90), (60, 60), (61, 47), (333, 50)])
def test_a_large_image_is_what_torchvisions_resize_makes_of_it_but_for_jpeg(size):
    image = Picture(3, 1, size).pixels()
    found = decoded(stored_bytes(encoded(image, format="PNG"), SIDE))
    expected = resize(image, SIDE)
    assert difference(shrunk(image, SIDE), expected).max() == 0
    assert (found.size, found.format) == (expected.size, "JPEG")
    assert difference(found, expected).mean() < 3


@pytest.mark.parametrize("format", ["JPEG", "PNG"])
def test_a_small_upright_colour_image_keeps_its_own_bytes(format):
    content = encoded(PHOTOGRAPH, format=format)
    assert stored_bytes(content, 60) == content
    assert stored_bytes(content, 59) != content


@pytest.mark.parametrize("mode", ["L", "CMYK", "P", "RGBA", "1"])
def test_every_mode_becomes_colour(mode):
    content = encoded(PHOTOGRAPH.convert(mode), format="TIFF" if mode == "CMYK" else "PNG")
    found = decoded(stored_bytes(content, 60))
    assert (found.mode, found.size) == ("RGB", (90, 60))
    assert difference(found, decoded(content).convert("RGB")).mean() < (24 if mode == "1" else 4)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_an_image_that_its_camera_held_otherwise_is_turned_upright(orientation):
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    content = encoded(PHOTOGRAPH, format="JPEG", quality=95, exif=exif)
    found = decoded(stored_bytes(content, 60))
    expected = ImageOps.exif_transpose(decoded(content))
    assert difference(upright(decoded(content)), expected).max() == 0
    assert found.size == expected.size == ((90, 60) if orientation < 5 else (60, 90))
    assert difference(found, expected).mean() < 2
    assert ImageOps.exif_transpose(found).size == found.size


@pytest.mark.parametrize("side", [8, 32])
def test_an_image_with_a_damaged_tag_is_turned_too(sideways, side):
    found = decoded(stored_bytes(sideways, side))
    expected = shrunk(decoded(sideways).transpose(Image.Transpose.ROTATE_270), side)
    assert found.size == expected.size
    assert difference(found, expected).mean() < 3
