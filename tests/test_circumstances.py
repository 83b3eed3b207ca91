"""What merely happened while a result was computed alters no byte of it, and lies beside it or not at all."""

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
from tests.report.conftest import circumstances, made_from

from entrec import provenance
from entrec.commit import Commit
from entrec.errors import UserError
from entrec.evaluation.evaluate import evaluate
from entrec.paths import RunFolder, TheoryPaths, circumstances_of
from entrec.pipeline import run_cache, stage
from entrec.pipeline.stage import run_stage
from entrec.results import (
    SphereResult,
    SphereRow,
    drop_foreign_circumstances,
    read_circumstances,
    read_result,
    write_computed,
)
from entrec.runs import Run
from entrec.theory.estimators.sphere import sphere
from entrec.theory.study import THEORY_FILE, load_theory
from entrec.training import checkpoint
from entrec.training.pretrain import pretrain

COMMAND = "snakemake sphere.json"
RUN = Run("byol", 256, 1, 0)


def result(mean: float) -> SphereResult:
    row = SphereRow(kappa=5.0, samples=16, estimator="info_nce", mean=mean, sd=0.1, repeats=2, truth=1.0)
    return SphereResult(dimension=3, setting="quick", rows=(row,), made_from=made_from(seed=0))


def read(path: Path):
    found = read_result(SphereResult, path, remedy=COMMAND, about={})
    return found, read_circumstances(path, found, COMMAND)


@pytest.fixture
def path(tmp_path):
    """A result that lies beside its circumstances."""
    write_computed(tmp_path / "d3.json", result(1.0), circumstances(seconds=1.0))
    return tmp_path / "d3.json"


@pytest.fixture
def elsewhere(monkeypatch):
    """Let all that follows happen on another day, on another machine, and by other code that is not committed."""

    def move() -> None:
        monkeypatch.setattr(provenance, "commit_of", lambda folder: Commit("f" * 40, True))
        monkeypatch.setattr(provenance, "fingerprint", lambda study: "another")
        monkeypatch.setattr(checkpoint, "fingerprint", lambda study: "another")
        monkeypatch.setattr(provenance, "_cpu_name", lambda: "Another processor")
        monkeypatch.setattr(provenance, "_versions", lambda device: {"python": "9.9"})
        monkeypatch.setattr(provenance.platform, "node", lambda: "another-host")

    return move


def bytes_of(folder: Path) -> dict[str, bytes]:
    """Return every file below `folder`, but for circumstances."""
    paths = [path for path in folder.rglob("*") if path.is_file() and "circumstances" not in path.name]
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


def test_a_run_and_its_evaluation_are_the_same_bytes_in_other_circumstances(demo, digits_folder, tmp_path, elsewhere):
    training = replace(demo.training, checkpoint_seconds=0.0)
    study = replace(demo, training=training)
    for place in ("here", "there"):
        run = RunFolder(tmp_path / place)
        pretrain(study, RUN, data=digits_folder, folder=run.folder)
        evaluate(study, RUN, data=digits_folder, encoder=run.encoder, output=run.evaluation)
        elsewhere()
    assert set(bytes_of(tmp_path / "here")) == {"encoder.safetensors", "history.csv", "run.json", "evaluation.json"}
    assert bytes_of(tmp_path / "here") == bytes_of(tmp_path / "there")
    for name in ("run.json", "evaluation.json"):
        here, there = (json.loads(circumstances_of(tmp_path / place / name).read_text()) for place in ("here", "there"))
        assert here["result"] == there["result"] == json.loads((tmp_path / "here" / name).read_text())["digest"]
        assert (there["code"], there["dirty"], there["hardware"]["cpu"]) == ("another", True, "Another processor")
        assert {key for key in here if here[key] != there[key]} >= {"commit", "code", "versions", "hardware"}


def test_a_result_of_the_theory_is_the_same_bytes_in_other_circumstances(tmp_path, elsewhere):
    study = load_theory(Path(THEORY_FILE))
    own = study.quick.estimators
    few = replace(own.sphere, kappa={3: (5.0,)}, samples=(16, 32), repeats=(3, 2), neighbours_up_to=32)
    setting = replace(study, quick=replace(study.quick, estimators=replace(own, sphere=few))).setting("quick")
    for place in ("here", "there"):
        sphere(setting, 3, output=tmp_path / place / "d3.json")
        elsewhere()
    assert bytes_of(tmp_path / "here") == bytes_of(tmp_path / "there")
    assert json.loads((tmp_path / "there" / "d3.circumstances.json").read_text())["code"] == "another"


def test_circumstances_are_read_beside_their_result_and_may_be_missing(path):
    found, beside = read(path)
    assert beside.result == found.digest
    assert beside.seconds == 1.0
    circumstances_of(path).unlink()
    assert read(path)[1] is None


def test_circumstances_of_another_result_are_refused_in_one_line(path):
    kept = circumstances_of(path).read_bytes()
    write_computed(path, result(2.0), circumstances())
    circumstances_of(path).write_bytes(kept)
    with pytest.raises(UserError) as caught:
        read(path)
    beside = circumstances_of(path)
    assert str(caught.value) == f"{beside}: the circumstances of another result than {path} is now; delete it"


def test_damaged_circumstances_are_refused_with_the_command_that_computes_again(path):
    beside = circumstances_of(path)
    beside.write_text(beside.read_text().replace('"seconds": 1.0', '"seconds": 2.0'))
    with pytest.raises(UserError, match=rf"that a value was altered\); delete it and make it again: {COMMAND} --force"):
        read(path)


@pytest.mark.parametrize("moves", [0, 1])
def test_a_kill_while_both_files_are_moved_leaves_no_wrong_pair(path, monkeypatch, moves):
    done = []

    def replace_until_killed(source, target):
        if len(done) == moves:
            raise KeyboardInterrupt
        done.append(target)
        os.rename(source, target)

    with monkeypatch.context() as patched:
        patched.setattr("entrec.artefacts.os.replace", replace_until_killed)
        with pytest.raises(KeyboardInterrupt):
            write_computed(path, result(2.0), circumstances())
    found, beside = read(path)
    assert (found.rows[0].mean, beside) == ((1.0, 2.0)[moves], None)


def test_circumstances_are_dropped_where_their_result_has_been_replaced(path):
    drop_foreign_circumstances(path)
    assert read(path)[1]
    kept = circumstances_of(path).read_bytes()
    write_computed(path, result(2.0), circumstances())
    circumstances_of(path).write_bytes(kept)
    drop_foreign_circumstances(path)
    assert read(path)[1] is None


@pytest.mark.parametrize("content", [None, "[]", "not JSON"])
def test_circumstances_are_dropped_where_their_result_is_none(path, content):
    path.unlink() if content is None else path.write_text(content)
    drop_foreign_circumstances(path)
    assert not circumstances_of(path).exists()


def test_a_result_from_the_run_cache_keeps_no_circumstances_of_the_one_before(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    setting = load_theory(Path(__file__).parents[1] / THEORY_FILE).setting("quick")
    target = TheoryPaths("quick").results.sphere(10)
    write_computed(target, result(1.0), circumstances())
    stale = [UserError("made with other settings")]
    monkeypatch.setattr(stage, "faults", lambda job, study: stale)
    monkeypatch.setattr(stage, "_call", lambda command: None)

    def restored(targets):
        stale.clear()
        write_computed(tmp_path / "fetched.json", result(2.0), circumstances())
        target.write_bytes((tmp_path / "fetched.json").read_bytes())
        return True

    monkeypatch.setattr(run_cache, "restored", restored)
    run_stage(setting, Path(THEORY_FILE), [str(target)])
    assert read(target) == (read(tmp_path / "fetched.json")[0], None)
