"""Every method learns: linear accuracy above the untrained network's, and no collapse. Minutes, so not in `make test`.

The zoo study's settings on scikit-learn's digits, in batches of 64 for 60 epochs: methods that learn from
a slow copy of themselves need their thousand and more steps. The seeds are the study's; accuracy is that of
the validation part, so that nothing is chosen by the test part.
"""

import statistics
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from entrec.evaluation.features import extract
from entrec.evaluation.linear import choose
from entrec.evaluation.parts import Part
from entrec.methods import METHODS
from entrec.params import load_study
from entrec.runs import Run
from entrec.training.device import make_deterministic
from entrec.training.pretrain import build_batches, build_state, total_steps, train

pytestmark = pytest.mark.learning
CPU = torch.device("cpu")
BATCH_SIZE, EPOCHS, SEEDS = 64, 60, (0, 1)
MARGIN = 5.0  # points above the untrained network, in the mean over seeds
SMALLEST_RANK = 4.0  # of 32 or more directions; a collapsed projection has about one
TRAINED = [name for name in METHODS if name != "untrained"]


@pytest.fixture(scope="module")
def zoo():
    study = load_study(Path("params/zoo.yaml"))
    return replace(study, training=replace(study.training, checkpoint_seconds=1e9))


def trained(study, method, seed, data):
    """The run after its last step."""
    make_deterministic(CPU, threads=1)
    run = Run(method, BATCH_SIZE, EPOCHS, seed)
    state = build_state(study, run, data, device=CPU)
    batches = build_batches(study, run, data, device=CPU)
    if steps := total_steps(state.method, batches, run):
        train(state, batches, study, steps=steps, folder=Path("unused"))
    return state


def accuracy(study, backbone, data, seed):
    """Linear accuracy of frozen features on the validation part, in percent."""
    parts = []
    for part in ("train", "validation"):
        indices = data.indices(part)
        x = extract(
            backbone, data.images[indices], data.mean, data.std, device=CPU, batch_size=512, precision="float32"
        )
        parts.append(Part(x, torch.from_numpy(data.labels[indices])))
    linear = study.evaluation.linear
    return 100 * choose(*parts, classes=len(data.classes), linear=linear, seed=seed).validation


@pytest.fixture(scope="module")
def floor(zoo, digits):
    """What the untrained network scores, in the mean over seeds."""
    states = [trained(zoo, "untrained", seed, digits) for seed in SEEDS]
    return statistics.mean(accuracy(zoo, s.method.backbone, digits, 0) for s in states)


@pytest.mark.parametrize("method", TRAINED)
def test_every_method_learns_and_does_not_collapse(method, zoo, digits, floor):
    states = [trained(zoo, method, seed, digits) for seed in SEEDS]
    accuracies = [accuracy(zoo, s.method.backbone, digits, 0) for s in states]
    print(f"{method}: {', '.join(f'{a:.1f}' for a in accuracies)} against {floor:.1f}")
    assert statistics.mean(accuracies) >= floor + MARGIN, accuracies
    for state in states:
        rank = state.history[-1].get("effective_rank")
        assert rank is None or rank >= SMALLEST_RANK, rank
