"""Tune the settings of one method of a study on the validation split, over a grid.

    python benchmarks/tuning.py --study params/demo.yaml --data data/demo/digits --method simclr \
        --set optimiser.lr=1e-3,3e-3 --set temperature=0.1,0.2

The seeds are not those of the tables, and the test split is never read. For each point of the grid it prints the linear
accuracy on the validation split in percent, averaged over the seeds; the last line is the best point.
"""

import argparse
import copy
import itertools
import statistics
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
import yaml

from entrec.data.prepared import Prepared, open_prepared
from entrec.errors import UserError
from entrec.evaluation.features import extract
from entrec.evaluation.linear import choose
from entrec.evaluation.splits import Split
from entrec.methods import METHODS
from entrec.runs import Run
from entrec.study import Study, load_study
from entrec.training.pretrain import build_batches, build_state, total_steps, train


def validation_accuracy(study: Study, run: Run, prepared: Prepared) -> float:
    """Train `run` and return the linear accuracy of its frozen features on the validation split, in percent."""
    device = torch.device("cpu")
    state = build_state(study, run, prepared, device=device)
    batches = build_batches(study, run, prepared, device=device)
    steps = total_steps(state.learner, batches, run)
    try:
        if steps:
            train(state, batches, study, steps=steps, folder=Path("unused"))
    except UserError:  # the loss is not finite
        return 0.0
    splits = [_features(state.learner.backbone, prepared, split) for split in ("train", "validation")]
    choice = choose(*splits, classes=len(prepared.classes), linear=study.evaluation.linear, seed=run.seed)
    return 100 * choice.validation


def _features(backbone: torch.nn.Module, prepared: Prepared, split: Any) -> Split:
    indices = prepared.indices(split)
    device = torch.device("cpu")
    x = extract(backbone, prepared, indices, device=device, batch_size=512, precision="float32")
    return Split(x, torch.from_numpy(prepared.labels[indices]))


def with_settings(study: Study, method: str, assignments: dict[str, Any]) -> Study:
    """Return `study` with some settings of one method changed, named by dotted keys."""
    methods = copy.deepcopy(study.methods)
    for key, value in assignments.items():
        *parents, leaf = key.split(".")
        place = methods[method]
        for parent in parents:
            place = place.get(parent, {})
        if leaf not in place:
            raise SystemExit(f"--set {key}: {method} has no such setting in this study")
        place[leaf] = value
    return replace(study, methods=methods, training=replace(study.training, checkpoint_seconds=1e9))


def main() -> None:
    """Read the command line, run the grid and print the scores."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--study", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True, help="the prepared dataset's folder")
    parser.add_argument("--method", required=True)
    parser.add_argument("--batch-size", type=int)
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--seeds", type=int, nargs="+", default=[100, 101])
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE,VALUE", dest="grid")
    arguments = parser.parse_args()
    if arguments.method not in METHODS:
        parser.error(f"--method {arguments.method}: unknown; allowed: {', '.join(METHODS)}")

    torch.set_num_threads(1)
    study, prepared = load_study(arguments.study), open_prepared(arguments.data)
    batch_size, epochs = arguments.batch_size or study.batch_sizes[0], arguments.epochs or study.epochs[0]
    axes = [(key, yaml.safe_load(f"[{values}]")) for key, values in (axis.split("=") for axis in arguments.grid)]
    scores = {}
    for values in itertools.product(*(values for _, values in axes)):
        assignments = {key: float(v) if isinstance(v, str) else v for (key, _), v in zip(axes, values, strict=True)}
        tried = with_settings(study, arguments.method, assignments)
        runs = [Run(arguments.method, batch_size, epochs, seed) for seed in arguments.seeds]
        scores[str(assignments)] = statistics.mean(validation_accuracy(tried, run, prepared) for run in runs)
        print(f"{arguments.method} b{batch_size} e{epochs} {assignments}: {scores[str(assignments)]:.2f}", flush=True)
    best = max(scores, key=lambda key: scores[key])
    print(f"best: {best} {scores[best]:.2f}")


if __name__ == "__main__":
    main()
