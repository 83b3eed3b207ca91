"""A small study and its prepared digits, shared by the tests that train; the study that a method is in."""

from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
import torch

from entrec.data.prepare import prepare
from entrec.data.prepared import open_prepared
from entrec.study import load_study

torch.set_num_threads(1)  # small tensors: more threads only wait for each other


@cache
def study_of(method):
    """The first of the studies zoo and colours that has `method`, with local crops wherever it can take them."""
    studies = (load_study(Path("params") / name) for name in ("zoo.yaml", "colours.yaml"))
    study = next(study for study in studies if method in study.methods)
    own = study.methods[method]
    crops = {"local_crops": 2} if "local_crops" in own else {}
    return replace(study, methods={**study.methods, method: {**own, **crops}})


@pytest.fixture(scope="session")
def folder_of(tmp_path_factory):
    """Where the dataset of a method's study is prepared."""
    root = tmp_path_factory.mktemp("prepared")

    def folder(method):
        study = study_of(method)
        if not (root / study.dataset).exists():
            prepare(study.dataset, study.datasets[study.dataset], root / study.dataset)
        return root / study.dataset

    return folder


@pytest.fixture(scope="session")
def data_of(folder_of):
    """The prepared dataset of a method's study."""
    return lambda method: open_prepared(folder_of(method))


@pytest.fixture(scope="session")
def demo():
    return load_study(Path("params/demo.yaml"))


@pytest.fixture(scope="session")
def zoo():
    return load_study(Path("params/zoo.yaml"))


@pytest.fixture(scope="session")
def digits_folder(demo, tmp_path_factory):
    folder = tmp_path_factory.mktemp("data") / "digits"
    prepare("digits", demo.datasets["digits"], folder)
    return folder


@pytest.fixture(scope="session")
def digits(digits_folder):
    return open_prepared(digits_folder)


@pytest.fixture(scope="session")
def tiny(zoo):
    """The zoo with a checkpoint after every step."""
    return replace(zoo, training=replace(zoo.training, checkpoint_seconds=0.0))
