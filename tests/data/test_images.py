"""Images of any size: what is cut of them, what is shown of them, and reading ahead."""

import io
import threading
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from skimage import data as photographs_of
from tests.data.conftest import views_of
from torchvision.transforms.v2 import functional as F

from entrec.data.images import ArrayImages, EncodedImages, Loose, Stack
from entrec.data.read_ahead import ReadAhead
from entrec.data.view_parameters import draw
from entrec.data.views import centre, to_float
from entrec.errors import UserError

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def loose():
    """Photographs of three shapes: upright, wide, and a panorama."""
    astronaut, coffee = photographs_of.astronaut(), photographs_of.coffee()
    return Loose([astronaut[:200, :150], coffee[:120, :210], coffee[100:164, :500], astronaut[:64, :64]] * 3)


def as_bytes(image, kind="PNG"):
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, kind)
    return buffer.getvalue()


def test_a_crop_of_images_of_any_size_is_torchvisions_resized_crop(loose, simclr):
    samples = torch.arange(12)
    view = replace(simclr, jitter=0.0, greyscale=0.0, blur=0.0, solarise=0.0)
    options = {"seed": 1, "epoch": 2, "samples": samples, "index": 0}
    p = draw(view, height=loose.heights, width=loose.widths, **options)
    ours = views_of(loose, view, size=32, **options)
    for i, image in enumerate(loose.values):
        x = torch.from_numpy(image).permute(2, 0, 1) / 255
        box = [int(side[i]) for side in p.boxes]
        expected = F.resized_crop(x, *box, size=[32, 32], antialias=True)
        expected = F.horizontal_flip(expected) if p.flip[i] else expected
        torch.testing.assert_close(ours[i], expected, atol=1e-5, rtol=0)


def test_sizes_given_for_each_image_draw_what_one_size_for_all_draws(simclr):
    options = {"seed": 0, "epoch": 0, "samples": torch.arange(50), "index": 0}
    for_all = draw(simclr, height=40, width=300, **options)
    for_each = draw(simclr, height=torch.full((50,), 40), width=torch.full((50,), 300), **options)
    for ours, theirs in zip(for_each.boxes, for_all.boxes, strict=True):
        assert torch.equal(ours, theirs)


def test_crops_lie_within_their_own_image(loose, simclr):
    for epoch in range(20):
        samples = torch.arange(12)
        p = draw(simclr, seed=0, epoch=epoch, samples=samples, index=0, height=loose.heights, width=loose.widths)
        assert ((p.top >= 0) & (p.top + p.height <= loose.heights)).all()
        assert ((p.left >= 0) & (p.left + p.width <= loose.widths)).all()


def test_what_is_cut_of_a_panorama_is_no_larger_than_a_crop_can_be(loose, simclr):
    samples = torch.arange(12)
    drawn = draw(simclr, seed=0, epoch=0, samples=samples, index=0, height=loose.heights, width=loose.widths)
    shown, _ = loose.cut(drawn.boxes)
    shorter = int(torch.minimum(loose.heights, loose.widths).max())
    assert max(shown.shape[1:3]) <= round(shorter * simclr.crop_ratio[1])


def test_images_of_one_size_make_the_same_views_loose_and_stacked(loose, simclr):
    images = np.stack([image[:60, :60] for image in loose.values])
    options = {"seed": 0, "epoch": 0, "samples": torch.arange(12), "index": 1}
    stacked, cut = (
        views_of(pixels, simclr, size=24, **options)
        for pixels in (Stack(torch.from_numpy(images)), Loose(list(images)))
    )
    torch.testing.assert_close(cut, stacked, atol=1e-6, rtol=0)


def test_the_centre_of_an_image_of_short_side_256_is_imagenets_customary_crop_of_224():
    image = photographs_of.astronaut()[:256, :300]
    x = torch.from_numpy(image).permute(2, 0, 1) / 255
    torch.testing.assert_close(centre(Loose([image]), 224, CPU)[0], F.center_crop(x, [224, 224]), atol=1e-6, rtol=0)


def test_the_centre_of_a_square_image_at_the_networks_size_is_the_image_bit_for_bit(photographs):
    assert torch.equal(centre(Stack(photographs), 32, CPU), to_float(photographs))


def test_encoded_images_are_their_pixels_in_the_order_asked_for(loose):
    images = EncodedImages([as_bytes(image) for image in loose.values])
    read = images.read(np.array([2, 0, 2]))
    for ours, row in zip(read.values, (2, 0, 2), strict=True):
        assert np.array_equal(ours, loose.values[row])
    assert len(images) == 12


def test_grey_images_are_read_in_colour():
    grey = photographs_of.camera()[:20, :30]
    (image,) = EncodedImages([as_bytes(grey)]).read(np.array([0])).values
    assert np.array_equal(image, np.repeat(grey[..., None], 3, axis=2))


def test_an_image_that_cannot_be_decoded_is_named(loose):
    whole = as_bytes(loose.values[0], "JPEG")
    with pytest.raises(UserError, match=r"^image 1 cannot be decoded"):
        EncodedImages([whole, whole[:300]]).read(np.array([0, 1]))
    with pytest.raises(UserError, match=r"^image 0 cannot be decoded \(in no format that Pillow knows\); prepare "):
        EncodedImages([b"no image"]).read(np.array([0]))


def test_an_array_is_read_by_rows(photographs):
    array = photographs.numpy()
    assert np.array_equal(ArrayImages(array).read(np.array([5, 1])).values, array[[5, 1]])


def test_reading_ahead_gives_what_reading_gives_whatever_the_order():
    ahead = ReadAhead(lambda number: number**2, depth=2)
    for number in (0, 1, 2, 7, 8, 3, 3, 100):
        assert ahead(number) == number**2


def test_the_next_numbers_are_under_way_before_they_are_asked_for():
    begun = {number: threading.Event() for number in range(4)}
    ahead = ReadAhead(lambda number: begun[number].set(), depth=2)
    ahead(0)
    assert begun[1].wait(5)
    assert begun[2].wait(5)
    assert not begun[3].is_set()


def test_work_that_fails_fails_where_its_number_is_asked_for():
    def work(number):
        if number == 2:
            raise UserError("two")
        return number

    ahead = ReadAhead(work, depth=2)
    assert [ahead(0), ahead(1)] == [0, 1]
    with pytest.raises(UserError, match=r"^two$"):
        ahead(2)
    assert ahead(3) == 3
