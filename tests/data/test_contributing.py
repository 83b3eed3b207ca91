"""The toy dataset of CONTRIBUTING.md, taken from that page word for word, is prepared, trained on and rehearsed."""

import json
import sys
import types
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from tests.conftest import blocks_of

from entrec import sources
from entrec.data.prepare import prepare
from entrec.data.prepared import open_as
from entrec.data.stand_in import Amount, write_stand_in
from entrec.errors import UserError
from entrec.pipeline.rehearsal import rehearse
from entrec.runs import Run
from entrec.settings import Dataset
from entrec.study import load_study
from entrec.training.pretrain import build_batches, build_state, total_steps, train


@pytest.fixture
def things(monkeypatch, tmp_path):
    """The page's two edits made; gives the study's line with the folder of a stand-in."""
    blocks = blocks_of("Adding a dataset")
    assert [language for language, _ in blocks] == ["python", "python", "yaml"]
    (_, module), (_, entry), (_, line) = blocks
    monkeypatch.setitem(sources.SOURCES, "toy", None)  # forgotten again after the test
    exec(compile(entry, "sources.py", "exec"), vars(sources))
    made = types.ModuleType("entrec.data.sources.toy")
    monkeypatch.setitem(sys.modules, made.__name__, made)
    exec(compile(module, "toy.py", "exec"), vars(made))
    write_stand_in("toy", tmp_path / "raw", Amount(classes=3, images=24, side=16))
    return yaml.safe_load(line)["things"] | {"path": str(tmp_path / "raw")}


def test_the_two_edits_of_the_page_make_a_dataset_that_a_method_trains_on(things, zoo, tmp_path):
    spec = Dataset(**things | {"channels": 1})  # as the studies of the zoo have
    prepare("things", spec, tmp_path / "things")
    data = open_as(tmp_path / "things", "things", spec)
    assert {split: len(data.indices(split)) for split in ("train", "validation", "test")} == {
        "train": 57,
        "validation": 15,
        "test": 72,
    }
    assert data.card.origin == "stand-in for Toy (nobody 2026): tiny, for rehearsals"
    study = replace(zoo, dataset="things", datasets={**zoo.datasets, "things": spec})
    run = Run("simclr", 32, 1, 0)
    state = build_state(study, run, data, device=torch.device("cpu"))
    batches = build_batches(study, run, data, device=torch.device("cpu"))
    steps = total_steps(state.learner, batches, run)
    train(state, batches, study, steps=steps, folder=tmp_path / "run")
    assert steps == 1
    assert np.isfinite(state.history[-1]["loss"])


def test_the_new_dataset_is_rehearsed_with_the_study_that_names_it(things, tmp_path):
    study = yaml.safe_load(Path("params/paper.yaml").read_text(encoding="utf-8"))
    study["datasets"] = {"imagenet": study["datasets"]["imagenet"], "things": things}
    study["evaluation"]["transfer"]["datasets"] = ["things"]
    (tmp_path / "study.yaml").write_text(json.dumps(study))
    rehearsed = load_study(rehearse(tmp_path / "study.yaml", tmp_path / "rehearsal"))
    spec = rehearsed.datasets["things"]
    assert Path(spec.path) == tmp_path / "rehearsal" / "raw" / "things"
    prepare("things", spec, tmp_path / "things")
    assert open_as(tmp_path / "things", "things", spec).classes == ["astronaut_0", "cat_0"]


def test_its_faults_are_one_line(things, tmp_path):
    with pytest.raises(UserError, match=r"nothing/toy.npz: missing or damaged \(.*\); put toy.npz there"):
        prepare("things", Dataset(**things | {"path": str(tmp_path / "nothing")}), tmp_path / "things")
