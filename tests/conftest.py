"""Small studies, their prepared data, methods and batches of noise, shared by the tests that train."""

import json
import re
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path

import hypothesis
import pytest
import torch

from entrec.data.prepare import prepare
from entrec.data.prepared import open_prepared
from entrec.methods.registry import METHODS
from entrec.paths import circumstances_of
from entrec.results import digest_of
from entrec.study import load_study

hypothesis.settings.register_profile("entrec", deadline=None)  # a busy machine is no fault
hypothesis.settings.load_profile("entrec")
torch.set_num_threads(1)  # small tensors: more threads only wait for each other

BLOCK = re.compile(r"^```(python|yaml)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def generator(seed=0):
    """Return a generator of random numbers on the CPU."""
    return torch.Generator().manual_seed(seed)


def blocks_of(section):
    """The language and the text of each block of code in a section of CONTRIBUTING.md."""
    page = Path("CONTRIBUTING.md").read_text(encoding="utf-8")
    (found,) = [part for part in page.split("\n## ") if part.startswith(f"{section}\n")]
    return BLOCK.findall(found)


@contextmanager
def edited_result(path):
    """Give the contents of a result to be changed, and write them back with the digest that fits them.

    Its circumstances, if there are any, become those of the changed result.
    """
    record = json.loads(path.read_text())
    yield record
    record["digest"] = digest_of(record)
    path.write_text(json.dumps(record))
    if circumstances_of(path).exists():
        with edited_result(circumstances_of(path)) as beside:
            beside["result"] = record["digest"]


@cache
def study_of(method):
    """The first of the studies zoo and colours that has `method`, with local crops wherever it can take them."""
    studies = (load_study(Path("params") / name) for name in ("zoo.yaml", "colours.yaml"))
    study = next(study for study in studies if method in study.methods)
    own = study.methods[method]
    crops = {"local_crops": 2} if "local_crops" in own else {}
    return replace(study, methods={**study.methods, method: {**own, **crops}})


def build(name, study=None):
    """Return a method as `study`, or else the study that has it, builds it: from the same random weights every time."""
    torch.manual_seed(0)
    study, kind = study or study_of(name), METHODS[name].load()
    data = study.datasets[study.dataset]
    backbone = kind.make_backbone(study.network, channels=data.channels, size=data.size)
    return kind.build(backbone, study.method(name), classes=10)


class Noise:
    """Batches of `k` images that are noise, with the views and local crops that the method takes in its study."""

    def __init__(self, name, k):
        study = study_of(name)
        data, local = study.datasets[study.dataset], METHODS[name].local_crops(study.method(name))
        self.k, self.channels = k, data.channels
        self.sizes = [data.size] * METHODS[name].load().views + [study.local_views.size for _ in range(local)]
        self.steps_per_epoch, self.images, self.seed = 8, 8 * k, 0

    def at(self, step):
        generator = torch.Generator().manual_seed(1 + step)
        views = [torch.rand(self.k, self.channels, size, size, generator=generator) for size in self.sizes]
        return views, torch.randint(10, (self.k,), generator=generator)

    def samples(self, step):
        return torch.arange(self.k) + self.k * step


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
