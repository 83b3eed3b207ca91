"""The toy method of CONTRIBUTING.md, with the code of that page, trains."""

import sys
import types
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import yaml
from tests.conftest import blocks_of

from entrec.methods import registry
from entrec.runs import Run
from entrec.study import load_study
from entrec.training.pretrain import build_batches, build_state, total_steps, train


@pytest.fixture
def toy(monkeypatch):
    """Make the three edits of the page; return the settings of the third."""
    blocks = blocks_of("Adding a method")
    assert [language for language, _ in blocks] == ["python", "python", "yaml"]
    (_, module), (_, lines), (_, params) = blocks
    monkeypatch.setattr(registry, "METHODS", registry.METHODS)
    monkeypatch.setitem(registry.METHODS, "toy", None)  # forgotten again after the test
    monkeypatch.setattr(registry, "ToySettings", None, raising=False)
    exec(compile(lines, "registry.py", "exec"), vars(registry))
    made = types.ModuleType("entrec.methods.toy")
    monkeypatch.setitem(sys.modules, made.__name__, made)
    exec(compile(module, "toy.py", "exec"), vars(made))
    return yaml.safe_load(params)["toy"]


def test_the_three_edits_of_the_page_make_a_method_that_trains_and_is_measured(toy, digits, tmp_path):
    zoo = load_study(Path("params/zoo.yaml"))
    study = replace(zoo, methods={"toy": toy})
    run = Run("toy", 128, 2, 0)
    state = build_state(study, run, digits, device=torch.device("cpu"))
    batches = build_batches(study, run, digits, device=torch.device("cpu"))
    train(state, batches, study, steps=total_steps(state.learner, batches, run), folder=tmp_path)
    first, last = state.history[0], state.history[-1]
    assert last["distance"] < first["distance"]
    assert last["bound"] == pytest.approx(last["entropy"] + last["reconstruction"], abs=1e-4)
