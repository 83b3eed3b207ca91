"""The step `transfer`: fine-tuning of all weights, with a fresh linear head, on another dataset.

Protocol: a model is trained on the training split for every pair of a learning rate and a weight decay, for the study's
number of epochs. The pair with the best validation score, by the dataset's own metric, is chosen (ties: the first of
the grid), and its model after the last epoch is scored once on the test split. All models of the grid start from the
same head and see the same batches and views, so that they differ in nothing but the pair.
"""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from entrec.data.prepared import Prepared, open_as
from entrec.data.splits import SplitName
from entrec.evaluation.encoder import load_encoder, results_beside
from entrec.evaluation.features import Compute, extract
from entrec.evaluation.fine_tuning import fine_tune, with_fresh_head
from entrec.evaluation.metrics import Metric, mean_per_class, score, top1
from entrec.progress import conclude
from entrec.provenance import record
from entrec.results import BothMetrics, ScoredPoint, TransferResult, write_computed
from entrec.runs import Run
from entrec.settings import Transfer
from entrec.study import Study, transfer_keys
from entrec.training.device import device_for, make_deterministic


def transfer(study: Study, run: Run, dataset: str, *, data: Path, encoder: Path, output: Path) -> None:
    """Fine-tune the backbone `encoder` of `run` on the prepared `dataset` in `data`; write the scores to `output`."""
    device = device_for(study.asked("transfer"))
    make_deterministic(device, threads=study.asked("transfer").threads)
    prepared = open_as(data, dataset, study.datasets[dataset])
    params = study.slice(transfer_keys(dataset))
    compute = Compute(device, study.training.precision, study.training.channels_last)
    recipe, metric = study.evaluation.transfer, study.datasets[dataset].metric
    with record(params, prepared.name, prepared.checksum, seed=run.seed, device=device) as recording:
        backbone = load_encoder(study, run, encoder)
        scores = transfer_scores(backbone, prepared, transfer=recipe, metric=metric, seed=run.seed, compute=compute)
    digest = results_beside(study, run, encoder).pretraining.encoder
    result = TransferResult(run=str(run), encoder=digest, dataset=dataset, **scores, made_from=recording.made_from)
    write_computed(output, result, recording.circumstances)
    conclude(f"{dataset} {getattr(result.test, metric):.1%}")


def transfer_scores(
    backbone: nn.Module, prepared: Prepared, *, transfer: Transfer, metric: Metric, seed: int, compute: Compute
) -> dict[str, Any]:
    """Train the grid, choose on the validation split and score the chosen model on the test split.

    Returns the fields of `TransferResult` that hold scores.
    """
    classes = len(prepared.classes)
    model = with_fresh_head(backbone, classes=classes, seed=seed)

    def predict(trained: nn.Module, split: SplitName) -> tuple[Tensor, Tensor]:
        rows = prepared.indices(split)
        logits = extract(
            trained,
            prepared,
            rows,
            device=compute.device,
            batch_size=transfer.batch_size,
            precision=compute.precision,
            description=f"scoring the {split} split",
        )
        return _classes_of(logits).cpu(), torch.from_numpy(prepared.labels[rows])

    candidates = fine_tune(model, prepared, transfer=transfer, seed=seed, compute=compute)
    scores = [score(metric, *predict(c.model, "validation"), classes=classes) for c in candidates]
    chosen = scores.index(max(scores))  # the first of equals
    test = predict(candidates[chosen].model, "test")
    return {
        "metric": metric,
        "test": BothMetrics(top1=top1(*test), mean_per_class=mean_per_class(*test, classes=classes)),
        "validation": scores[chosen],
        "chosen": candidates[chosen].point,
        "grid": tuple(
            ScoredPoint(lr=c.lr, weight_decay=c.weight_decay, validation=s)
            for c, s in zip(candidates, scores, strict=True)
        ),
    }


def _classes_of(logits: Tensor) -> Tensor:
    """Return the class of the largest logit, (n,); -1, which is never right, where a diverged model gives no number."""
    return logits.argmax(dim=1).masked_fill(~logits.isfinite().all(dim=1), -1)
