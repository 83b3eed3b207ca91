"""Where the numbers of a study come from: its result files, and one row per run on the page."""

import math
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from entrec.report.provenance import SHORT, made_in, measured, provenance_frame, provenance_row
from entrec.report.table import Head, Table
from entrec.report.vision.reading import evaluation_of, pretraining_of, results_of, transfer_of
from entrec.study import Study


def find_provenance(study: Study, results: Path, *, fingerprint: str) -> pd.DataFrame:
    """Return the provenance of every result file of the study, in its order; `fingerprint` is that of today's code.

    `step` is pretrain, evaluate or transfer, and `chosen` is what the validation split decided. Raises `UserError`
    for a file that is missing or damaged.
    """
    return provenance_frame(_rows(study, results), fingerprint=fingerprint)


def _rows(study: Study, results: Path) -> Iterator[dict[str, object]]:
    for run in study.runs:
        here = results_of(study, results, run)
        pretrained = pretraining_of(study, results, run)
        made = here.circumstances(here.folder.description, pretrained)
        speed = made.images_per_second if made else None
        facts = {"images_per_second": speed, "steps": pretrained.steps, "chosen": ""}
        yield provenance_row({"run": str(run), "step": "pretrain"}, pretrained, made, facts)

        evaluated = evaluation_of(study, results, run)
        chosen = {"chosen": f"L2 {evaluated.linear.l2:g}"}
        made = here.circumstances(here.folder.evaluation, evaluated)
        yield provenance_row({"run": str(run), "step": "evaluate"}, evaluated, made, chosen)

        for name in study.evaluation.transfer.datasets if run in study.headline_runs else ():
            tuned = transfer_of(study, results, run, name)
            chosen = {"chosen": f"lr {tuned.chosen.lr:g}, weight decay {tuned.chosen.weight_decay:g}"}
            made = here.circumstances(here.folder.transfer(name), tuned)
            yield provenance_row({"run": str(run), "step": "transfer"}, tuned, made, chosen)


def runs_table(found: pd.DataFrame) -> Table:
    """Return one row per run, with the time of its steps and the environments in which its files were made."""
    groups = found.assign(made_in=made_in(found)).groupby("run", sort=False)
    return Table.of_rows("Runs", [_run(str(name), files) for name, files in groups])


def _run(name: str, files: pd.DataFrame) -> dict[Head, str]:
    pretrain, evaluate = (files[files["step"] == step].iloc[0] for step in ("pretrain", "evaluate"))
    transfers = files[files["step"] == "transfer"]
    tuned = transfers["seconds"].sum(skipna=False) if len(transfers) else math.nan
    return {
        "run": name,
        "seed": str(pretrain["seed"]),
        "steps": f"{pretrain['steps']:.0f}",
        ("speed", "images/s"): measured(pretrain["images_per_second"], decimals=0),
        ("pretrain", "s"): measured(pretrain["seconds"]),
        ("evaluate", "s"): measured(evaluate["seconds"]),
        ("transfer", "s"): measured(tuned),
        ("peak", "MB"): measured(files["peak_memory_mb"].astype(float).max(), decimals=0),
        ("chosen", "L2"): evaluate["chosen"].removeprefix("L2 "),
        ("data", "checksum"): pretrain["checksum"][:SHORT],
        ("made", "in"): ", ".join(files["made_in"].unique()),
    }
