"""The theory study cut down to seconds."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from entrec.theory.study import load_theory

CPU = torch.device("cpu")


def inverse(mixing, x):
    """Return the latents (k, n) of observations `x` (k, n), by solving each layer of the mixing."""
    last, *hidden = mixing.weights.flip(0).unbind()
    z = torch.linalg.solve(last, x.T).T
    for weight in hidden:
        z = torch.linalg.solve(weight, torch.where(z < 0, z / mixing.slope, z).T).T
    return z


@pytest.fixture(scope="session")
def study():
    return load_theory(Path("params/theory.yaml"))


@pytest.fixture(scope="session")
def small(study):
    """The quick setting with a few steps, pairs and repeats."""
    of = study.quick.estimators
    gaussian = replace(
        of.gaussian, dimension=3, batch_size=16, information=(0.5, 2.0), steps=20, trace_block=5,
        evaluation_batches=4, hidden=(16,), embedding=4,
    )  # fmt: skip
    sphere = replace(of.sphere, kappa={3: (5.0, 20.0)}, samples=(16, 32, 64), repeats=(5, 3, 2), neighbours_up_to=32)
    cases = {name: replace(case, fit_from=16) for name, case in of.rates.cases.items()}
    rates = replace(of.rates, samples=(16, 32, 64, 128), repeats=(20, 20, 10, 10), cases=cases)
    return replace(
        study, quick=replace(study.quick, estimators=replace(of, gaussian=gaussian, sphere=sphere, rates=rates))
    )
