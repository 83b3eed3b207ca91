"""Every method learns: linear accuracy above the untrained network's, and no collapse. Minutes, so not in `make test`.

The settings and the data of the method's study, for most the zoo on scikit-learn's digits, in batches of 64 for
60 epochs: methods that learn from an EMA copy of themselves need more than a thousand steps. Two seeds, which are
the study's, train side by side.
"""

import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

import pytest
from tests.conftest import study_of

from entrec.methods import METHODS

pytestmark = pytest.mark.learning
SCRIPT = Path(__file__).with_name("train_and_score.py")
SEEDS = (0, 1)
MARGIN = 5.0  # points above the untrained network, in the mean over seeds
SMALLEST_RANK = 4.0  # of 32 or more directions; a collapsed projection has about one
TRAINED = [name for name in METHODS if name != "untrained"]


def scores(study, method, folder):
    """Return what the script prints for every seed."""
    environment = os.environ | {"PYTHONPATH": "src", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(SCRIPT), f"params/{study.name}.yaml", method]
    running = [
        subprocess.Popen([*command, str(seed), str(folder)], env=environment, stdout=subprocess.PIPE, text=True)
        for seed in SEEDS
    ]
    printed = [process.communicate()[0] for process in running]
    assert all(process.returncode == 0 for process in running)
    return [json.loads(line) for line in printed]


@pytest.fixture(scope="module")
def floor_of(folder_of):
    """Return the mean score over seeds of the untrained network of a method's study."""
    floors = {}

    def floor(method):
        study = study_of(method)
        if study.name not in floors:
            found = scores(study, "untrained", folder_of(method))
            floors[study.name] = statistics.mean(one["accuracy"] for one in found)
        return floors[study.name]

    return floor


@pytest.mark.parametrize("method", TRAINED)
def test_every_method_learns_and_does_not_collapse(method, folder_of, floor_of):
    floor, found = floor_of(method), scores(study_of(method), method, folder_of(method))
    accuracies, ranks = [one["accuracy"] for one in found], [one["rank"] for one in found]
    print(f"{method}: {', '.join(f'{a:.1f}' for a in accuracies)} against {floor:.1f}; ranks {ranks}")
    assert statistics.mean(accuracies) >= floor + MARGIN, accuracies
    assert all(rank is None or rank >= SMALLEST_RANK for rank in ranks), ranks
