"""A mistake in the module of a source is one line that names the module, the field and what is allowed there."""

import sys
import types
from dataclasses import replace

import numpy as np
import pytest

from entrec import sources
from entrec.data.prepare import prepare
from entrec.data.prepared import open_prepared
from entrec.data.source import EncodedImage, Listing, Loaded
from entrec.errors import UserError
from entrec.sources import Source

MODULE = "entrec/data/sources/shapes.py"
COUNT = 40
IMAGES = np.random.default_rng(0).integers(0, 256, (COUNT, 8, 8, 3), dtype=np.uint8)
LABELS = np.arange(COUNT) % 4
FACTS = {"labels": LABELS, "classes": ["a", "b", "c", "d"], "description": "", "licence": "", "origin": ""}


@pytest.fixture
def shapes(monkeypatch):
    """Register the source `shapes`, and return its module, which has no function yet."""
    monkeypatch.setitem(sources.SOURCES, "shapes", Source("packaged", "either"))
    module = types.ModuleType("entrec.data.sources.shapes")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return module


@pytest.fixture
def said(spec, tmp_path):
    """Prepare `shapes`, which must fail; return what is said."""

    def said(**changes):
        with pytest.raises(UserError) as caught:
            prepare("shapes", replace(spec, source="shapes", **changes), tmp_path / "shapes")
        assert not (tmp_path / "shapes").exists()
        return str(caught.value)

    return said


def loading(**changes):
    return lambda spec: Loaded(**{"images": IMAGES, **FACTS, **changes})


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"images": IMAGES / np.float32(255)}, "images: float32 (40, 8, 8, 3); allowed: uint8 (N, S, S, 1) or (N, S,"),
        ({"images": IMAGES.transpose(0, 3, 1, 2)}, "images: uint8 (40, 3, 8, 8); allowed: uint8 (N, S, S, 1) or (N, S"),
        ({"images": IMAGES[:, :6]}, "images: uint8 (40, 6, 8, 3); allowed: uint8 (N, S, S, 1) or (N, S, S, 3)"),
        ({"images": IMAGES[..., 0]}, "images: uint8 (40, 8, 8); allowed: uint8 (N, S, S, 1) or (N, S, S, 3)"),
        ({"images": list(IMAGES)}, "images: list; allowed: uint8 (N, S, S, 1) or (N, S, S, 3)"),
        ({"labels": LABELS[:-1]}, "labels: int64 (39,); allowed: int64 (40,), one value for each image"),
        ({"labels": LABELS.astype(float)}, "labels: float64 (40,); allowed: int64 (40,), one value for each image"),
        ({"labels": LABELS.tolist()}, "labels: list; allowed: int64 (40,), one value for each image"),
        ({"labels": np.arange(COUNT) % 5}, "labels: 4, but there are 4 classes; allowed: 0 to 3"),
        ({"labels": LABELS - 1}, "labels: -1, but there are 4 classes; allowed: 0 to 3"),
        ({"classes": range(4)}, "classes: range; allowed: a list of text"),
        ({"classes": [0, 1, 2, 3]}, "classes: list; allowed: a list of text"),
        ({"licence": None}, "licence: NoneType; allowed: text"),
        ({"official_test": LABELS}, "official_test: int64 (40,); allowed: bool (40,), one value for each image"),
        ({"official_validation": np.array([True])}, "official_validation: bool (1,); allowed: bool (40,), one value"),
        ({"groups": LABELS[:5]}, "groups: int64 (5,); allowed: int64 (40,), one value for each image"),
    ],
)
def test_a_wrong_field_of_loaded_images_is_one_line(shapes, said, changes, says):
    shapes.load = loading(**changes)
    message = said()
    assert message.startswith(f"{MODULE}: {says}")
    assert "\n" not in message


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"images": ["a.jpg"] * COUNT}, "images: list; allowed: a list of EncodedImage"),
        ({"labels": LABELS[:-1]}, "labels: int64 (39,); allowed: int64 (40,), one value for each image"),
        ({"labels": np.arange(COUNT) % 5}, "labels: 4, but there are 4 classes; allowed: 0 to 3"),
    ],
)
def test_a_wrong_field_of_listed_images_is_one_line(shapes, said, changes, says):
    images = [EncodedImage.of_file(f"{number}.jpg") for number in range(COUNT)]
    shapes.listing = lambda spec: Listing(**{"images": images, **FACTS, **changes})
    assert said(short_side=8) == f"{MODULE}: {says}"


def test_a_function_that_returns_something_else_is_named(shapes, said):
    shapes.load = lambda spec: None
    assert said() == f"{MODULE}: load: returns NoneType; allowed: a Loaded"


def test_a_module_without_the_function_is_named(shapes, said):
    assert said() == f"{MODULE}: load: no such function; allowed: a function that returns a Loaded"
    assert said(short_side=8) == f"{MODULE}: listing: no such function; allowed: a function that returns a Listing"


def test_a_source_without_a_module_is_named(shapes, said, monkeypatch):
    monkeypatch.delitem(sys.modules, shapes.__name__)
    assert said() == f"{MODULE}: missing; entrec/sources.py names the source 'shapes'"


@pytest.mark.parametrize("field", ["official_test", "official_validation"])
def test_an_official_split_without_images_is_no_official_split(shapes, spec, tmp_path, field):
    cards = []
    for name, official in (("none", None), ("empty", np.zeros(COUNT, dtype=bool))):
        shapes.load = loading(**{field: official})
        prepare("shapes", replace(spec, source="shapes"), tmp_path / name)
        cards.append(open_prepared(tmp_path / name).card)
    assert cards[0] == cards[1]
    assert min(cards[1].counts.test, cards[1].counts.validation) > 0
