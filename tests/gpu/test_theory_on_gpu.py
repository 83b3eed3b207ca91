"""The theory studies on a GPU: each step runs in deterministic mode, repeats itself, and resumes to the bit."""

import pytest
from tests.gpu.conftest import NEEDS_GPU, files
from tests.small_theory import small_setting

from entrec.theory.estimators.gaussian import gaussian
from entrec.theory.estimators.rates import rates
from entrec.theory.estimators.sphere import sphere
from entrec.theory.identifiability import training
from entrec.theory.identifiability.steps import content_isolation, latent_recovery
from entrec.theory.registry import BOUNDS
from entrec.theory.runs import content_isolation_runs, latent_recovery_runs

pytestmark = NEEDS_GPU
STEPS = {
    "latent_recovery": (latent_recovery, latent_recovery_runs),
    "content_isolation": (content_isolation, content_isolation_runs),
}
SMALL = small_setting(gpus=1)


def one_of_each_method(part):
    """The first row with every method."""
    return {run.method: run for run in reversed(STEPS[part][1](getattr(SMALL, part)))}.values()


RUNS = [pytest.param(part, run, id=str(run)) for part in STEPS for run in one_of_each_method(part)]


class Killed(Exception):
    """Stands for a process that dies right after a checkpoint."""


@pytest.mark.parametrize("part, run", RUNS)
def test_a_training_killed_and_resumed_leaves_the_bits_of_one_that_ran_through(part, run, tmp_path, monkeypatch):
    step, one_step = STEPS[part][0], training.one_step
    step(SMALL, str(run), output=tmp_path / "whole")
    with monkeypatch.context() as patched:

        def dies_at_the_fifth(state, *arguments, **options):
            if state.step == 4:
                raise Killed
            return one_step(state, *arguments, **options)

        patched.setattr(training, "one_step", dies_at_the_fifth)
        with pytest.raises(Killed):
            step(SMALL, str(run), output=tmp_path / "killed")
    step(SMALL, str(run), output=tmp_path / "killed")
    whole, resumed = files(tmp_path / "whole"), files(tmp_path / "killed")
    assert whole["encoder.safetensors"] == resumed["encoder.safetensors"]
    assert (tmp_path / "whole" / "run.json").read_bytes() == (tmp_path / "killed" / "run.json").read_bytes()


@pytest.mark.parametrize("bound", BOUNDS)
def test_a_bound_trained_on_gaussians_repeats_itself(bound, tmp_path):
    for name in ("first", "second"):
        gaussian(SMALL, bound, 0, output=tmp_path / f"{name}.json")
    assert (tmp_path / "first.json").read_bytes() == (tmp_path / "second.json").read_bytes()


@pytest.mark.parametrize("case", SMALL.estimators.rates.cases)
def test_the_rates_of_an_estimator_repeat_themselves(case, tmp_path):
    for name in ("first", "second"):
        rates(SMALL, case, output=tmp_path / f"{name}.json")
    assert (tmp_path / "first.json").read_bytes() == (tmp_path / "second.json").read_bytes()


def test_the_estimates_on_the_sphere_repeat_themselves(tmp_path):
    for name in ("first", "second"):
        sphere(SMALL, 10, output=tmp_path / f"{name}.json")
    assert (tmp_path / "first.json").read_bytes() == (tmp_path / "second.json").read_bytes()
