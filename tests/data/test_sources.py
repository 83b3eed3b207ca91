"""The registry of sources, the sources that ship inside packages, and what a dataset may say of its source."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits  # takes seconds to import; so be it in tests

from entrec.data.packaged import packaged_file
from entrec.data.photographs import PHOTOGRAPHS
from entrec.data.source import function_of
from entrec.data.sources import digits, faces, textures
from entrec.data.splits import split
from entrec.errors import UserError
from entrec.sources import SOURCES
from entrec.study import load_study

EMBEDDED = {"digits": (1797, 8, 1, 10), "faces": (200, 25, 1, 2), "textures": (960, 32, 3, 10)}


@pytest.mark.parametrize("name", EMBEDDED)
def test_an_embedded_source_has_its_images_and_says_where_they_come_from(spec, name):
    n, side, channels, classes = EMBEDDED[name]
    source = function_of(name, "load")(replace(spec, source=name))
    assert source.images.shape == (n, side, side, channels)
    assert source.images.dtype == np.uint8
    assert source.images.max() == 255
    assert len(source.classes) == classes
    assert source.labels.dtype == np.int64
    assert np.unique(source.labels).tolist() == list(range(classes))
    assert all([source.description, source.licence, source.origin])


@pytest.mark.parametrize("name", SOURCES)
def test_the_module_of_a_source_has_the_functions_that_its_entry_promises(name):
    source = SOURCES[name]
    assert callable(function_of(name, "load")) == source.may_be_array
    assert callable(function_of(name, "listing")) == source.may_be_encoded
    assert (source.published is None) == (source.supply == "own")


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


@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_the_patches_of_a_photograph_tile_it_without_overlap(name):
    photograph = textures.shrunk(name)
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


def test_the_patches_of_a_block_stay_in_one_split(spec):
    source = textures.load(spec)
    assert source.groups is not None
    splits = split(source, replace(spec, source="textures"), "textures")
    blocks = splits.reshape(-1, 4)
    assert (source.groups.reshape(-1, 4) == np.arange(240)[:, None]).all()
    assert (blocks == blocks[:, :1]).all()
    assert np.bincount(splits).tolist() == [560, 200, 200]  # 14, 5 and 5 of a photograph's 24 blocks


def test_a_file_that_no_package_ships_is_named():
    with pytest.raises(UserError, match=r"skimage/data/nothing.png: not in this Python environment"):
        packaged_file("skimage", "data/nothing.png")
    with pytest.raises(UserError, match="no_such_package/x"):
        packaged_file("no_such_package", "x")


@pytest.mark.parametrize(
    ("dataset", "says"),
    [
        (
            "source: digits, path: x",
            "path: 'x'; digits ships inside an installed Python package; allowed: null, or no path",
        ),
        ("source: imagenet, short_side: 256", "path: null; imagenet needs the folder of its files; allowed: a folder"),
        ("source: folder, path: ''", "path: ''; folder needs the folder of its files"),
        ("source: digits, short_side: 256", "short_side: 256; digits is stored as one array; allowed: null"),
        ("source: dtd, path: x", "short_side: null; dtd is stored as encoded images; allowed: whole numbers from 1"),
        ("source: dtd, path: x, short_side: 0", "short_side: 0"),
        ("source: cifar10, path: x, short_side: 32", "channels: 1; encoded images are in colour; allowed: 3"),
        ("source: digits, broken: skip", "broken: 'skip'; only encoded images can be left out; allowed: 'fatal', or a"),
    ],
)
def test_settings_that_do_not_fit_the_source_are_one_line(tmp_path, dataset, says):
    text = Path("params/demo.yaml").read_text()
    old = "{source: digits, "
    assert old in text
    (tmp_path / "study.yaml").write_text(text.replace(old, f"{{{dataset}, ", 1))
    with pytest.raises(UserError) as caught:
        load_study(tmp_path / "study.yaml")
    lines = str(caught.value).split("\n")
    where = f"{tmp_path / 'study.yaml'}, line {text[: text.index(old)].count(chr(10)) + 1}"
    assert any(line.startswith(f"{where}: datasets.digits.{says}") for line in lines), lines
