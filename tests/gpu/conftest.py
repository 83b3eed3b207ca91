"""What the tests on a GPU share. Elsewhere every one of them is skipped: `pytest -m gpu` runs them alone."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.conftest import study_of

from entrec.data.images import ArrayImages
from entrec.data.prepared import Prepared
from entrec.methods import METHODS
from entrec.settings import LocalViews, Network, View
from entrec.training.device import make_deterministic

GPU = torch.device("cuda", 0)
CPU = torch.device("cpu")
TRAINED = [name for name in METHODS if name != "untrained"]
NEEDS_GPU = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU"),
    pytest.mark.filterwarnings("default"),  # those of torch's compiler, which makes the views
]
# every operation of the views, each on some images of a batch
VIEW = View(
    crop_scale=(0.2, 1.0),
    crop_ratio=(0.75, 1.3333),
    flip=0.5,
    jitter=0.8,
    brightness=0.4,
    contrast=0.4,
    saturation=0.4,
    hue=0.1,
    greyscale=0.2,
    blur=0.5,
    blur_sigma=(0.1, 2.0),
    solarise=0.2,
    solarise_threshold=0.5,
)


@pytest.fixture(autouse=True)
def deterministic():
    """The mode that every step of the workflow runs in, for the length of a test.

    A step compiles its views for a shape or two. All tests together do for more than torch's limit, which is 8.
    """
    make_deterministic(GPU, threads=1)
    with torch._dynamo.config.patch(recompile_limit=1000):
        yield
    torch.use_deterministic_algorithms(False)


def resnet_18(method):
    """The study of `method` with a ResNet-18 in bfloat16 and channels-last, and every operation in its views."""
    study = study_of(method)
    images = replace(study.datasets[study.dataset], size=32, channels=3)
    evaluation = replace(study.evaluation, transfer=replace(study.evaluation.transfer, datasets=()))
    return replace(
        study,
        datasets={study.dataset: images},
        evaluation=evaluation,
        network=Network(backbone="resnet18", width=64, stem="3x3"),
        views=(VIEW, VIEW),
        local_views=LocalViews(size=16, view=VIEW) if study.local_views else None,
        training=replace(study.training, precision="bfloat16", channels_last=True),
    )


def noise(colour, *, train=192, size=32):
    """A prepared dataset of coloured noise in ten classes."""
    random = np.random.default_rng(0)
    count = train + 40
    return Prepared(
        name="noise",
        images=ArrayImages(random.integers(256, size=(count, size, size, 3), dtype=np.uint8)),
        labels=np.arange(count) % 10,
        splits=np.repeat(np.array([0, 1, 2], dtype=np.uint8), [train, 20, 20]),
        classes=[str(i) for i in range(10)],
        size=size,
        channels=3,
        card={},
        checksum="0" * 64,
        colour=colour,
        mean=(0.5, 0.5, 0.5),
        std=(0.25, 0.25, 0.25),
    )


def files(folder: Path):
    """Name to bytes of everything in `folder`."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
