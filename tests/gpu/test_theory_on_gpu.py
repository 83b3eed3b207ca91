"""The theory studies on a GPU: each step runs in deterministic mode, repeats itself, and resumes to the bit."""

from dataclasses import replace
from pathlib import Path

import pytest
from tests.gpu.conftest import NEEDS_GPU, files

from entrec.theory.estimators.gaussian import gaussian
from entrec.theory.estimators.rates import rates
from entrec.theory.estimators.sphere import sphere
from entrec.theory.identifiability import training
from entrec.theory.identifiability.steps import content_isolation, latent_recovery
from entrec.theory.registry import BOUNDS
from entrec.theory.runs import content_isolation_runs, latent_recovery_runs
from entrec.theory.study import load_theory

pytestmark = NEEDS_GPU
STEPS = {
    "latent_recovery": (latent_recovery, latent_recovery_runs),
    "content_isolation": (content_isolation, content_isolation_runs),
}
STUDY = load_theory(Path("params/theory.yaml"))
SIX_STEPS = {"batch_size": 256, "steps": 6, "trace_every": 2, "trace_points": 160}


def small():
    """The quick setting, asking for a GPU, cut down to seconds."""
    own = STUDY.quick
    of, trained = own.estimators, replace(own.latent_recovery.training, **SIX_STEPS)
    network = replace(own.latent_recovery.network, draws=50, hidden=(32,))
    shared = {"network": network, "training": trained, "points": 160}
    rows = {name: replace(row, steps=None) for name, row in own.latent_recovery.rows.items()}
    cases = {name: replace(case, fit_from=64) for name, case in of.rates.cases.items()}
    estimators = replace(
        of,
        gaussian=replace(of.gaussian, information=(0.5, 2.0), steps=20, trace_block=5, evaluation_batches=4),
        sphere=replace(of.sphere, kappa={10: (5.0, 20.0)}, samples=(64, 512), repeats=(5, 3)),
        rates=replace(of.rates, samples=(64, 128, 256, 512), repeats=(20, 20, 10, 10), cases=cases),
    )
    quick = replace(
        own,
        estimators=estimators,
        latent_recovery=replace(own.latent_recovery, **shared, scatter=7, rows=rows),
        content_isolation=replace(own.content_isolation, **shared),
        resources={step: replace(asked, gpus=1) for step, asked in own.resources.items()},
    )
    return replace(STUDY, quick=quick).setting("quick")


def one_of_each_method(part):
    """The first row with every method."""
    return {run.method: run for run in reversed(STEPS[part][1](getattr(small(), part)))}.values()


RUNS = [pytest.param(part, run, id=str(run)) for part in STEPS for run in one_of_each_method(part)]


class Killed(Exception):
    """Stands for a process that dies right after a checkpoint."""


@pytest.mark.parametrize("part, run", RUNS)
def test_a_training_killed_and_resumed_leaves_the_bits_of_one_that_ran_through(part, run, tmp_path, monkeypatch):
    step, one_step = STEPS[part][0], training.one_step
    step(small(), str(run), output=tmp_path / "whole")
    with monkeypatch.context() as patched:

        def dies_at_the_fifth(state, *arguments, **options):
            if state.step == 4:
                raise Killed
            return one_step(state, *arguments, **options)

        patched.setattr(training, "one_step", dies_at_the_fifth)
        with pytest.raises(Killed):
            step(small(), str(run), output=tmp_path / "killed")
    step(small(), str(run), output=tmp_path / "killed")
    whole, resumed = files(tmp_path / "whole"), files(tmp_path / "killed")
    assert whole["encoder.safetensors"] == resumed["encoder.safetensors"]
    assert (tmp_path / "whole" / "run.json").read_bytes() == (tmp_path / "killed" / "run.json").read_bytes()


@pytest.mark.parametrize("bound", BOUNDS)
def test_a_bound_trained_on_gaussians_repeats_itself(bound, tmp_path):
    for name in ("first", "second"):
        gaussian(small(), bound, 0, output=tmp_path / f"{name}.json")
    assert (tmp_path / "first.json").read_bytes() == (tmp_path / "second.json").read_bytes()


@pytest.mark.parametrize("case", STUDY.quick.estimators.rates.cases)
def test_the_rates_of_an_estimator_repeat_themselves(case, tmp_path):
    for name in ("first", "second"):
        rates(small(), case, output=tmp_path / f"{name}.json")
    assert (tmp_path / "first.json").read_bytes() == (tmp_path / "second.json").read_bytes()


def test_the_estimates_on_the_sphere_repeat_themselves(tmp_path):
    for name in ("first", "second"):
        sphere(small(), 10, output=tmp_path / f"{name}.json")
    assert (tmp_path / "first.json").read_bytes() == (tmp_path / "second.json").read_bytes()
