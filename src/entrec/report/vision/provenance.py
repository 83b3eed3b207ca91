"""Where the numbers of a study come from: its result files, and one row per run on the page."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from entrec.report.mean_sd import NOTHING
from entrec.report.provenance import SHORT, made_in, provenance_frame, provenance_row
from entrec.report.table import Head, Table
from entrec.report.vision.reading import evaluation_of, pretraining_of, transfer_of
from entrec.study import Study


def find_provenance(study: Study, results: Path, *, fingerprint: str) -> pd.DataFrame:
    """Return the provenance of every result file of the study, in its order; `fingerprint` is that of today's code.

    `step` is pretrain, evaluate or transfer, and `chosen` is what the validation split decided. Raises `UserError`
    for a file that is missing or damaged.
    """
    return provenance_frame(_rows(study, results), fingerprint=fingerprint)


def _rows(study: Study, results: Path) -> Iterator[dict[str, object]]:
    for run in study.runs:
        pretrained = pretraining_of(study, results, run)
        facts = {"images_per_second": pretrained.images_per_second, "steps": pretrained.steps, "chosen": ""}
        yield provenance_row({"run": str(run), "step": "pretrain"}, pretrained.provenance, facts)

        evaluated = evaluation_of(study, results, run)
        chosen = {"chosen": f"L2 {evaluated.linear.l2:g}"}
        yield provenance_row({"run": str(run), "step": "evaluate"}, evaluated.provenance, chosen)

        for name in study.evaluation.transfer.datasets if run in study.headline_runs else ():
            tuned = transfer_of(study, results, run, name)
            chosen = {"chosen": f"lr {tuned.chosen.lr:g}, weight decay {tuned.chosen.weight_decay:g}"}
            yield provenance_row({"run": str(run), "step": "transfer"}, tuned.provenance, chosen)


def runs_table(found: pd.DataFrame) -> Table:
    """Return one row per run, with the time of its steps and the environments in which its files were made."""
    groups = found.assign(made_in=made_in(found)).groupby("run", sort=False)
    return Table.of_rows("Runs", [_run(str(name), files) for name, files in groups])


def _run(name: str, files: pd.DataFrame) -> dict[Head, str]:
    pretrain, evaluate = (files[files["step"] == step].iloc[0] for step in ("pretrain", "evaluate"))
    transfers = files[files["step"] == "transfer"]
    speed = pretrain["images_per_second"]
    return {
        "run": name,
        "seed": str(pretrain["seed"]),
        "steps": f"{pretrain['steps']:.0f}",
        ("speed", "images/s"): NOTHING if pd.isna(speed) else f"{speed:.0f}",
        ("pretrain", "s"): f"{pretrain['seconds']:.1f}",
        ("evaluate", "s"): f"{evaluate['seconds']:.1f}",
        ("transfer", "s"): f"{transfers['seconds'].sum():.1f}" if len(transfers) else NOTHING,
        ("peak", "MB"): f"{files['peak_memory_mb'].max():.0f}",
        ("chosen", "L2"): evaluate["chosen"].removeprefix("L2 "),
        ("data", "checksum"): pretrain["checksum"][:SHORT],
        ("made", "in"): ", ".join(files["made_in"].unique()),
    }
