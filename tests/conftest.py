"""A small study and its prepared digits, shared by the tests that train."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from entrec.data.prepare import prepare
from entrec.data.prepared import open_prepared
from entrec.params import load_study

torch.set_num_threads(1)  # small tensors: more threads only wait for each other


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
    """The study of every method with a checkpoint after every step."""
    return replace(zoo, training=replace(zoo.training, checkpoint_seconds=0.0))
