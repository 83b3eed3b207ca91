"""How an image is encoded in a prepared dataset: shrunk as torchvision does, upright, in colour."""

import io

import numpy as np
import pytest
from PIL import Image
from torchvision.transforms.functional import resize

from entrec.data.encoding import encoded, shrunk
from entrec.data.stand_in import Picture

SIDE = 32
PHOTOGRAPH = Picture(0, 0, (90, 60)).pixels()


def saved(image, **options):
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
    found = decoded(encoded(saved(image, format="PNG"), SIDE).content)
    expected = resize(image, SIDE)
    assert difference(shrunk(image, SIDE), expected).max() == 0
    assert (found.size, found.format) == (expected.size, "JPEG")
    assert difference(found, expected).mean() < 3


@pytest.mark.parametrize("mode", ["L", "RGB"])
@pytest.mark.parametrize("format", ["JPEG", "PNG"])
def test_a_small_upright_image_keeps_its_own_bytes(format, mode):
    content = saved(PHOTOGRAPH.convert(mode), format=format)
    assert encoded(content, 60) == (content, ())
    assert encoded(content, 59).content != content


@pytest.mark.parametrize(("format", "stored"), [("TIFF", "PNG"), ("BMP", "PNG"), ("WEBP", "JPEG"), ("GIF", "PNG")])
def test_other_formats_are_stored_without_loss_unless_they_are_lossy(format, stored):
    content = saved(PHOTOGRAPH, format=format)
    found = decoded(encoded(content, 60).content)
    assert found.format == stored
    assert difference(found, decoded(content).convert("RGB")).mean() <= (3 if stored == "JPEG" else 0)


@pytest.mark.parametrize("side", [8, 32])
def test_an_image_too_long_for_a_jpeg_is_stored_as_a_png(side):
    content = saved(Image.new("RGB", (80_000, side + 1)), format="BMP")
    found = decoded(encoded(content, side).content)
    assert found.format == "PNG"
    assert min(found.size) == side


@pytest.mark.parametrize("side", [8, 32])
def test_an_image_with_a_damaged_tag_is_turned_too(sideways, side):
    found = decoded(encoded(sideways, side).content)
    expected = shrunk(decoded(sideways).transpose(Image.Transpose.ROTATE_270), side)
    assert found.size == expected.size
    assert difference(found, expected).mean() < 3
