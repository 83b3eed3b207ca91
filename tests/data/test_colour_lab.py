"""CIE Lab against scikit-image, and that everything that looks at a Lab dataset sees it alike."""

import re
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import torch
from skimage.color import rgb2lab
from torch import nn

from entrec.data.colour import lab
from entrec.data.inputs import network_inputs
from entrec.data.moments import statistics
from entrec.data.prepare import prepare
from entrec.data.prepared import open_as, open_prepared
from entrec.data.views import to_float
from entrec.errors import UserError
from entrec.evaluation.features import extract
from entrec.study import load_study
from entrec.training.batches import Batches

STUDY = load_study(Path("params/colours.yaml"))
SPEC = STUDY.datasets["textures"]
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lab") / "textures"
    prepare("textures", SPEC, folder)
    return folder


@pytest.fixture(scope="module")
def textures(folder):
    return open_prepared(folder)


def by_scikit_image(images):
    """Lab (n, 3, h, w) of images (n, 3, h, w)."""
    return torch.from_numpy(rgb2lab(images.double().permute(0, 2, 3, 1).numpy())).permute(0, 3, 1, 2).float()


def edited(tmp_path, old, new):
    text = Path("params/colours.yaml").read_text()
    assert old in text
    (tmp_path / "colours.yaml").write_text(text.replace(old, new))
    return tmp_path / "colours.yaml"


def test_lab_equals_scikit_images_on_photographs(photographs):
    images = to_float(photographs)
    torch.testing.assert_close(lab(images), by_scikit_image(images), atol=1e-4, rtol=0)


def test_lab_equals_scikit_images_from_one_corner_of_the_cube_to_the_other():
    levels = torch.tensor([0.0, 0.001, 0.01, 0.04, 0.05, 0.2, 0.5, 0.9, 1.0])  # both sides of both thresholds
    images = torch.tensor(list(product(levels.tolist(), repeat=3))).T.reshape(1, 3, 27, 27)
    torch.testing.assert_close(lab(images), by_scikit_image(images), atol=1e-4, rtol=0)


def test_white_has_lightness_100_black_0_and_greys_no_colour():
    greys = torch.linspace(0, 1, 11).expand(1, 3, 1, 11)
    lightness, colour = lab(greys).split([1, 2], dim=1)
    assert lightness[0, 0, 0, [0, -1]].tolist() == pytest.approx([0, 100], abs=1e-4)
    assert colour.abs().max() < 0.005


def test_autocast_leaves_the_inputs_in_full_precision(textures):
    images = to_float(torch.tensor(textures.images.array[:8]))
    with torch.autocast("cpu", torch.bfloat16):
        inside = network_inputs(textures, CPU)(images)
    assert torch.equal(inside, network_inputs(textures, CPU)(images))


def test_the_card_has_mean_and_deviation_of_the_training_splits_lab(textures):
    channels = rgb2lab(textures.images.array[textures.indices("train")] / 255)
    assert textures.colour == "lab"
    assert textures.mean == pytest.approx(channels.mean(axis=(0, 1, 2)), abs=1e-6)
    assert textures.std == pytest.approx(channels.std(axis=(0, 1, 2)), abs=1e-6)


def test_statistics_of_many_chunks_are_those_of_all_images():
    images = np.random.default_rng(0).integers(0, 256, (2500, 2, 2, 3), dtype=np.uint8)
    channels = rgb2lab(images / 255)
    mean, std = statistics(images, "lab")
    assert mean == pytest.approx(channels.mean(axis=(0, 1, 2)), abs=1e-6)
    assert std == pytest.approx(channels.std(axis=(0, 1, 2)), abs=1e-6)


@pytest.mark.parametrize("dataset", ["textures", "digits"])  # Lab and grey
def test_training_images_as_networks_see_them_have_mean_0_and_deviation_1(dataset, request):
    prepared = request.getfixturevalue(dataset)
    train = to_float(torch.from_numpy(prepared.images.array[prepared.indices("train")]))
    seen = network_inputs(prepared, CPU)(train)
    torch.testing.assert_close(seen.mean(dim=(0, 2, 3)), torch.zeros(prepared.channels), atol=1e-4, rtol=0)
    torch.testing.assert_close(seen.std(dim=(0, 2, 3)), torch.ones(prepared.channels), atol=1e-4, rtol=0)


def test_views_are_made_in_rgb_and_turned_to_lab_after(textures):
    options = {"batch_size": 16, "seed": 0, "device": CPU, "channels_last": False}
    as_is = replace(textures, colour="rgb", mean=(0.0,) * 3, std=(1.0,) * 3)
    (rgb, _), _ = Batches(as_is, STUDY.views, **options).at(0)
    (seen, _), _ = Batches(textures, STUDY.views, **options).at(0)
    mean, std = (torch.tensor(value)[:, None, None] for value in (textures.mean, textures.std))
    torch.testing.assert_close(seen, (by_scikit_image(rgb) - mean) / std, atol=1e-4, rtol=0)


def test_frozen_features_are_of_the_same_inputs(textures):
    seen = extract(nn.Flatten(), textures, np.arange(8), device=CPU, batch_size=3, precision="float32")
    expected = network_inputs(textures, CPU)(to_float(torch.tensor(textures.images.array[:8])))
    torch.testing.assert_close(seen, expected.flatten(1))


def test_a_folder_prepared_for_another_colour_space_is_refused(folder):
    with pytest.raises(
        UserError, match=r"'colour': 'lab'.*'colour': 'rgb'.*; delete the folder and make it again: rerun"
    ):
        open_as(folder, "textures", replace(SPEC, colour="rgb"))


def test_grey_images_repeated_into_three_channels_have_no_lab(tmp_path):
    with pytest.raises(UserError, match=r"datasets.x: a channel is the same in every training pixel"):
        prepare("x", replace(SPEC, source="digits", size=8, test=0.2), tmp_path / "x")


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("channels: 3", "channels: 1", "datasets.textures.colour: 'lab' of grey images; allowed: 'rgb', or channels 3"),
        (
            "\nseeds:",
            "  other: {source: textures, size: 8, channels: 3, validation: 0.2, test: 0.25, metric: top1}\nseeds:",
            "datasets.other.colour: 'rgb'; the backbone takes the colour of textures",
        ),
        ("colour: lab", "colour: rgb", "methods.cmc_lab: its views are channels of Lab; allowed: with datasets.tex"),
        ("colour: lab", "colour: hsv", "datasets.textures.colour: 'hsv'"),
    ],
)
def test_a_colour_space_that_does_not_fit_is_one_line(tmp_path, old, new, says):
    path = edited(tmp_path, old, new)
    with pytest.raises(UserError) as caught:
        load_study(path)
    assert re.match(rf"{re.escape(str(path))}, line \d+: {re.escape(says)}", str(caught.value))
    assert "\n" not in str(caught.value)
