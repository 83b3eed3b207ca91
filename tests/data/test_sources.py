"""The sources that ship inside packages: what they hold, and where textures' patches come from."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.datasets import load_digits  # takes seconds to import; so be it in tests

from entrec.data import digits, faces, textures
from entrec.data.packaged import packaged_file
from entrec.data.prepare import SOURCES
from entrec.data.splits import split
from entrec.errors import UserError

EMBEDDED = {"digits": (1797, 8, 1, 10), "faces": (200, 25, 1, 2), "textures": (960, 32, 3, 10)}


@pytest.mark.parametrize("name", EMBEDDED)
def test_an_embedded_source_has_its_images_and_says_where_they_come_from(spec, name):
    n, side, channels, classes = EMBEDDED[name]
    source = SOURCES[name](replace(spec, source=name))
    assert source.images.shape == (n, side, side, channels)
    assert source.images.dtype == np.uint8
    assert source.images.max() == 255
    assert len(source.classes) == classes
    assert source.labels.dtype == np.int64
    assert np.unique(source.labels).tolist() == list(range(classes))
    assert all([source.description, source.licence, source.origin])


def test_digits_are_scaled_to_the_nearest_of_256_levels(spec):
    levels = [round(level * 255 / 16) for level in range(17)]
    expected = np.array(levels)[load_digits().images.astype(int)]
    assert np.array_equal(digits.load(spec).images[..., 0], expected)


def test_the_first_hundred_faces_are_faces(spec):
    source = faces.load(spec)
    assert source.labels.tolist() == [0] * 100 + [1] * 100
    # aligned faces resemble their mean, patches of background do not
    explained = [
        part.mean(axis=0).var() / part.var(axis=(1, 2, 3)).mean() for part in (source.images[:100], source.images[100:])
    ]
    assert explained[0] > 0.25 > explained[1]


@pytest.mark.parametrize("name", textures.PHOTOGRAPHS)
def test_the_patches_of_a_photograph_tile_it_without_overlap(name):
    photograph = textures.photograph(name)
    patches = iter(textures.cut(photograph))
    rebuilt = np.zeros_like(photograph)
    side = textures.PATCH
    for row in range(textures.ROWS):
        for column in range(textures.COLUMNS):
            for y, x in [(0, 0), (0, 1), (1, 0), (1, 1)]:
                top, left = (2 * row + y) * side, (2 * column + x) * side
                rebuilt[top : top + side, left : left + side] = next(patches)
    assert np.array_equal(rebuilt, photograph)
    assert next(patches, None) is None


def test_the_patches_of_a_block_stay_in_one_part(spec):
    source = textures.load(spec)
    assert source.groups is not None
    parts = split(source, replace(spec, source="textures"), "textures")
    blocks = parts.reshape(-1, 4)
    assert (source.groups.reshape(-1, 4) == np.arange(240)[:, None]).all()
    assert (blocks == blocks[:, :1]).all()
    assert np.bincount(parts).tolist() == [560, 200, 200]  # 14, 5 and 5 of a photograph's 24 blocks


def test_a_file_that_no_package_ships_is_named():
    with pytest.raises(UserError, match=r"skimage/data/nothing.png: not in this Python environment"):
        packaged_file("skimage", "data/nothing.png")
    with pytest.raises(UserError, match="no_such_package/x"):
        packaged_file("no_such_package", "x")
