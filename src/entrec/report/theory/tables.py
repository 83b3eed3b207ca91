"""The tables of the theory page as tidy CSV, LaTeX and HTML."""

import io
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from entrec.artefacts import write_text
from entrec.errors import UserError
from entrec.pipeline.theory_inputs import THEORY_TABLES
from entrec.report.latex import latex_table
from entrec.report.layout import Layout
from entrec.report.markup import table_fragment
from entrec.report.records import Record, existing
from entrec.report.theory import estimator_frames, estimator_tables, identifiability_frames, identifiability_tables
from entrec.report.theory.estimator_checks import check_table
from entrec.theory.study import Setting

Rows = Callable[[Setting, Path], pd.DataFrame]
LayOut = Callable[[Setting, pd.DataFrame], Layout]
Known = Callable[[Setting], Mapping[str, Collection[str]]]


@dataclass(frozen=True)
class Table:
    """`rows` reads the tidy rows from results; `lay_out` makes the table of them; `columns` are the rows' columns.

    `known` says which names a column may hold.
    """

    rows: Rows
    columns: list[str]
    lay_out: LayOut
    known: Known


def write_theory_table(setting: Setting, name: str, *, results: Path, output: Path) -> None:
    """Write the table `name` to the folder `output` as .csv, .tex and .html.

    `results` is `results/theory/<setting>`. The CSV has one row per value, in nats. Raises `UserError` for an
    unknown table and for a result that is missing or damaged.
    """
    table = _table(name)
    rows = table.rows(setting, results)
    csv: str = rows.to_csv(index=False, float_format="%.8g", lineterminator="\n")
    layout = table.lay_out(setting, pd.read_csv(io.StringIO(csv)))  # what the page will read
    write_text(output / f"{name}.csv", csv)
    write_text(output / f"{name}.tex", latex_table(layout))
    write_text(output / f"{name}.html", table_fragment(layout))


def read_theory_table(setting: Setting, name: str, folder: Path) -> Layout:
    """The table that `write_theory_table` left in `folder`, from its CSV; raises `UserError` if missing or damaged."""
    table = _table(name)
    remedy = f"snakemake reports/theory/{setting}/tables/{name}.csv"
    path = existing(folder / f"{name}.csv", remedy)
    record = Record(path, remedy, {})
    try:
        rows = pd.read_csv(path)[table.columns]
    except (ValueError, KeyError) as error:
        raise record.damaged(str(error).strip("'\"").splitlines()[0]) from error
    check_table(record, rows, table.known(setting))
    return table.lay_out(setting, rows)


def _table(name: str) -> Table:
    if name not in _TABLES:
        raise UserError(f"{name}: no such table; allowed: {', '.join(THEORY_TABLES)}")
    return _TABLES[name]


_SCORES = (identifiability_frames.latent_recovery_scores, identifiability_frames.LATENT_RECOVERY)
_TABLES = {
    "table_latent_recovery": Table(
        *_SCORES, identifiability_tables.latent_recovery, identifiability_tables.latent_recovery_names
    ),
    "table_latent_recovery_mcc": Table(
        *_SCORES, identifiability_tables.latent_recovery_mcc, identifiability_tables.latent_recovery_names
    ),
    "table_latent_recovery_batch": Table(
        identifiability_frames.batches,
        identifiability_frames.BATCHES,
        identifiability_tables.latent_recovery_batch,
        identifiability_tables.latent_recovery_names,
    ),
    "table_content_style": Table(
        identifiability_frames.content_isolation_scores,
        identifiability_frames.CONTENT_ISOLATION,
        identifiability_tables.content_style,
        identifiability_tables.content_isolation_names,
    ),
    "table_estimators_gaussian": Table(
        estimator_frames.levels, estimator_frames.LEVELS, estimator_tables.gaussian, estimator_tables.bound_names
    ),
    "table_estimators_sphere": Table(
        estimator_frames.sphere, estimator_frames.SPHERE, estimator_tables.sphere, estimator_tables.estimator_names
    ),
    "table_estimators_rates": Table(
        estimator_frames.fits, estimator_frames.FITS, estimator_tables.rates, estimator_tables.case_names
    ),
}
