"""Train one method with one seed by its study's settings, and score it; run by test_learning.py.

    python train_and_score.py STUDY METHOD SEED DATA

Prints linear accuracy of frozen features on the validation split in percent, so that nothing is chosen by the test
split, and the effective rank of the projections at the end (null for a method without any).
"""

import json
import sys
from dataclasses import replace
from pathlib import Path

import torch

from entrec.data.prepared import open_prepared
from entrec.evaluation.features import extract
from entrec.evaluation.linear import choose
from entrec.evaluation.splits import Split
from entrec.runs import Run
from entrec.study import load_study
from entrec.training.device import make_deterministic
from entrec.training.pretrain import build_batches, build_state, total_steps, train

CPU = torch.device("cpu")
BATCH_SIZE, EPOCHS = 64, 60


def trained(study, run, data):
    """Return the run after its last step."""
    state = build_state(study, run, data, device=CPU)
    batches = build_batches(study, run, data, device=CPU)
    if steps := total_steps(state.learner, batches, run):
        train(state, batches, study, steps=steps, folder=Path("unused"))
    return state


def accuracy(study, backbone, data):
    """Return the linear accuracy of frozen features on the validation split, in percent."""
    splits = []
    for split in ("train", "validation"):
        indices = data.indices(split)
        x = extract(backbone, data, indices, device=CPU, batch_size=512, precision="float32")
        splits.append(Split(x, torch.from_numpy(data.labels[indices])))
    return 100 * choose(*splits, classes=len(data.classes), linear=study.evaluation.linear, seed=0).validation


if __name__ == "__main__":
    file, method, seed, folder = sys.argv[1:]
    make_deterministic(CPU, threads=1)
    study, data = load_study(Path(file)), open_prepared(Path(folder))
    study = replace(study, training=replace(study.training, checkpoint_seconds=1e9))
    state = trained(study, Run(method, BATCH_SIZE, EPOCHS, int(seed)), data)
    rank = state.history[-1].get("effective_rank") if state.history else None
    print(json.dumps({"accuracy": accuracy(study, state.learner.backbone, data), "rank": rank}))
