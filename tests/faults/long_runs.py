"""Work that one child repeats for a long time, while `test_long_runs` looks at its memory and handles from outside."""

from pathlib import Path

import numpy as np
import torch

from entrec.data.prepared import open_prepared
from entrec.evaluation.evaluate import evaluate
from entrec.evaluation.transfer import transfer
from entrec.runs import Run
from entrec.study import load_study
from entrec.training.batches import Batches

STUDY, DATA = Path("params/tiny.yaml"), Path("data/tiny")


def evaluations(run: str, times: str) -> None:
    """Evaluate and transfer the encoder of `run` so many times."""
    study, encoder = load_study(STUDY), Path("results/tiny", run, "encoder.safetensors")
    for number in range(int(times)):
        output = Path("out", f"{number % 2}.json")
        evaluate(study, Run.parse(run), data=DATA / "small", encoder=encoder, output=output)
        transfer(study, Run.parse(run), "photos", data=DATA / "photos", encoder=encoder, output=output)


def encoded_batches(times: str) -> None:
    """Read so many batches of encoded images, in an order that is not theirs."""
    data, study = open_prepared(DATA / "photos"), load_study(STUDY)
    batches = Batches(
        data, study.views, batch_size=4, seed=0, device=torch.device("cpu"), channels_last=False
    )  # fmt: skip
    for step in np.random.default_rng(0).permutation(int(times)):
        batches.at(int(step))
