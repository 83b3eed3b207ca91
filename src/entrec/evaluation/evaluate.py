"""The step `evaluate`: compute the frozen features once, then the linear and the nearest-neighbour scores."""

from pathlib import Path

import numpy as np
import torch

from entrec.data.prepared import Prepared, open_as
from entrec.data.splits import SplitName
from entrec.errors import UserError
from entrec.evaluation.encoder import load_encoder, results_beside
from entrec.evaluation.features import extract
from entrec.evaluation.knn import check_neighbours, evaluate_knn
from entrec.evaluation.linear import evaluate_linear
from entrec.evaluation.splits import Split, Splits
from entrec.paths import DatasetFolder
from entrec.progress import conclude
from entrec.provenance import record
from entrec.results import EvaluationResult, write_computed
from entrec.runs import Run
from entrec.study import Study, evaluate_keys
from entrec.training.device import device_for, make_deterministic


def evaluate(study: Study, run: Run, *, data: Path, encoder: Path, output: Path) -> None:
    """Score the backbone `encoder` of `run` on the prepared dataset `data`, and write the scores to `output` as JSON.

    Raises `UserError` for an encoder that is damaged or was trained on other data, for features that are not finite
    and for too many neighbours.
    """
    device = device_for(study.asked("evaluate"))
    make_deterministic(device, threads=study.asked("evaluate").threads)
    prepared = open_as(data, study.dataset, study.datasets[study.dataset])
    classes, settings = len(prepared.classes), study.evaluation
    check_neighbours(settings.knn.neighbours, train=len(prepared.indices("train")))
    made = results_beside(study, run, encoder)
    card = DatasetFolder(data).card
    made.require_data(made.folder.description, made.pretraining, card, prepared.checksum)
    params = study.slice(evaluate_keys())
    with record(params, prepared.name, prepared.checksum, seed=run.seed, device=device) as recording:
        splits = frozen_splits(study, run, prepared, encoder=encoder, device=device)
        linear = evaluate_linear(splits, classes=classes, linear=settings.linear, seed=run.seed)
        knn = evaluate_knn(splits, classes=classes, knn=settings.knn)
    result = EvaluationResult(
        run=str(run), encoder=made.pretraining.encoder, linear=linear, knn=knn, made_from=recording.made_from
    )
    write_computed(output, result, recording.circumstances)
    conclude(f"linear {linear.test:.1%}, nearest neighbours {knn.test:.1%}")


def frozen_splits(study: Study, run: Run, prepared: Prepared, *, encoder: Path, device: torch.device) -> Splits:
    """Return features and labels of the three splits, on `device`, from one pass over the dataset."""
    features = extract(
        load_encoder(study, run, encoder),
        prepared,
        np.arange(len(prepared.images)),
        device=device,
        batch_size=study.evaluation.linear.batch_size,
        precision=study.training.precision,
    )
    if not features.isfinite().all():
        raise UserError(f"{encoder}: its features are not all finite; lower the method's learning rate, pretrain again")
    labels = torch.from_numpy(prepared.labels).to(device)

    def split(name: SplitName) -> Split:
        rows = torch.from_numpy(prepared.indices(name)).to(device)
        return Split(features[rows], labels[rows])

    return Splits(split("train"), split("validation"), split("test"))
