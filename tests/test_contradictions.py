"""A study that passes `check` can be trained: values that are each in range and contradict each other are refused."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.conftest import Noise, build, study_of
from tests.strategies import settings_of

from entrec.information.checks import InvalidEmbeddings
from entrec.methods import METHODS
from entrec.networks import build_backbone
from entrec.networks.feature_maps import feature_maps
from entrec.settings import Network
from entrec.strict import faults_below, plain, validated
from entrec.training.diagnostics import measure
from entrec.training.optimiser import build_optimiser

TRAINED = [name for name, entry in METHODS.items() if entry.settings.__name__ != "UntrainedSettings"]


def train(name, study, raw, k=4):
    """Take two steps of a method with the settings `raw`, on noise, as the training does."""
    method = build(name, replace(study, methods={**study.methods, name: raw}))
    optimiser = build_optimiser(method, validated(METHODS[name].settings, raw).optimiser, batch_size=k)
    source = Noise(name, k)
    crops = raw.get("local_crops", 0)
    source.sizes = source.sizes[: METHODS[name].load().views] + [study.local_views.size for _ in range(crops)]
    for step in range(2):
        method.before_step(step, source)
        try:
            outcome = method(*source.at(step))
            measure(outcome, study.diagnostics)
        except InvalidEmbeddings as error:
            if "off by" in str(error) or "need finite" in str(error):  # training says so in one line
                return
            raise
        torch.stack([method.weights[term] * value for term, value in outcome.terms.items()]).sum().backward()
        optimiser.step()
        method.after_step(step / 2)


@pytest.mark.parametrize("name", TRAINED)
@settings(max_examples=4)
@given(data=st.data())
def test_settings_that_pass_the_check_build_and_step(name, data):
    study = study_of(name)
    raw = data.draw(settings_of(METHODS[name].settings))
    raw["optimiser"] |= {"lr": 1e-3, "weight_decay": 0.0}  # so that the second step does not diverge
    if "local_crops" in raw:
        raw["local_crops"] %= 3
    study = replace(study, diagnostics=replace(study.diagnostics, samples=4))
    if not faults_below("", METHODS[name].settings, raw):
        train(name, study, raw)


@pytest.mark.parametrize(
    ("name", "changes", "says"),
    [
        ("byol", {"projector": [64, 128], "predictor": [64, 32]}, "predictor.1: 32 predicts embeddings of 128"),
        ("byol_er", {"predictor": [16]}, "predictor.0: 16 predicts embeddings of 32"),
        ("moco_v3", {"projector": [64]}, "predictor.1: 32 predicts embeddings of 64"),
        ("simclr", {"projector": [64, 1]}, "projector.1: 1; the diagnostics need embeddings on a sphere"),
        ("amdim", {"embedding": 1}, "embedding: 1; allowed: whole numbers from 2"),
        ("mib", {"beta_from": 0.8}, "beta_until: 0.75 is before beta_from; allowed: from 0.8 to 1"),
        ("entrec_cont", {"kappa": 1e7}, "kappa: 10000000.0; allowed: numbers from 1e-06 to 1e+06"),
        ("swav", {"temperature": 1e-9}, "temperature: 1e-09; allowed: numbers from 0.0001 to 10000"),
    ],
)
def test_settings_that_contradict_each_other_are_named(zoo, name, changes, says):
    (fault,) = faults_below("", METHODS[name].settings, zoo.methods[name] | changes)
    assert str(fault).startswith(says)


def test_a_momentum_of_one_is_refused(zoo):
    raw = zoo.methods["simclr"] | {"optimiser": zoo.methods["simclr"]["optimiser"] | {"momentum": 1}}
    (fault,) = faults_below("", METHODS["simclr"].settings, raw)
    assert str(fault) == "optimiser.momentum: 1; allowed: numbers from 0 and below 1"


@pytest.mark.parametrize(
    ("chunk", "batch_size", "size", "refused"),
    [(1, 64, 4, True), (1, 64, 8, False), (2, 3, 4, True), (2, 4, 4, False), (7, 64, 4, False)],
)
def test_chunks_of_one_image_are_refused_where_a_batch_norm_would_see_one_value(zoo, chunk, batch_size, size, refused):
    """The last map of the small network has a quarter of the image's side."""
    raw = plain(type(zoo), zoo)
    raw["training"]["chunk"], raw["batch_sizes"], raw["diagnostics"]["samples"] = chunk, [batch_size], 2
    raw["datasets"]["digits"]["size"] = raw["local_views"]["size"] = size
    assert [fault.key for fault in faults_below("", type(zoo), raw)] == (["training.chunk"] if refused else [])


@pytest.mark.parametrize("stem", ["3x3", "7x7"])
@pytest.mark.parametrize("name", ["small_resnet", "resnet18"])
@pytest.mark.parametrize("size", [8, 33, 224])
def test_the_last_map_has_as_many_positions_as_the_settings_say(name, stem, size):
    network = Network(backbone=name, width=4, stem=stem)
    backbone = build_backbone(network, channels=1).eval()
    _, last, _ = feature_maps(backbone, torch.rand(1, 1, size, size))
    assert last.shape[-1] * last.shape[-2] == network.positions(size)
