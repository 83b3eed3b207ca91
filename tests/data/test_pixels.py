"""Size and channels, with Pillow's arithmetic."""

import numpy as np
import pytest
from PIL import Image

from entrec.data.pixels import with_channels, with_size


def test_grey_is_pillows_luma(photographs):
    images = photographs.numpy()
    expected = np.stack([np.asarray(Image.fromarray(image).convert("L")) for image in images])
    assert np.array_equal(with_channels(images, 1)[..., 0], expected)


def test_colour_from_grey_repeats_it(photographs):
    grey = photographs.numpy()[..., :1]
    assert np.array_equal(with_channels(grey, 3), np.concatenate([grey] * 3, axis=3))


@pytest.mark.parametrize("channels", [1, 3])
def test_images_of_the_right_size_are_untouched(photographs, channels):
    images = photographs.numpy()[..., :channels]
    assert with_size(images, 32) is images
    assert with_channels(images, channels) is images


@pytest.mark.parametrize("channels", [1, 3])
def test_shrinking_averages_neighbours(channels):
    # a chequerboard of single pixels turns grey; without antialiasing it would stay black or white
    board = np.indices((1, 16, 16)).sum(axis=0)[..., None] % 2 * np.full(channels, 255)
    small = with_size(board.astype(np.uint8), 4)
    assert small.shape == (1, 4, 4, channels)
    assert np.abs(small.astype(int) - 128).max() <= 8
