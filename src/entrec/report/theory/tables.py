"""The tables of the theory page as tidy CSV, LaTeX and HTML."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
from markupsafe import Markup

from entrec.errors import UserError
from entrec.pipeline.theory_jobs import TheoryJobs
from entrec.report.table import Table, read_table_html, write_table_files
from entrec.report.theory import estimator_frames, estimator_tables, identifiability_frames, identifiability_tables
from entrec.theory.study import Setting

Rows = Callable[[Setting, Path], pd.DataFrame]
LayOut = Callable[[Setting, pd.DataFrame], Table]

# how each table reads its tidy rows from the results, and how it lays them out
TABLES: dict[str, tuple[Rows, LayOut]] = {
    "table_latent_recovery": (identifiability_frames.latent_recovery_scores, identifiability_tables.latent_recovery),
    "table_latent_recovery_mcc": (
        identifiability_frames.latent_recovery_scores,
        identifiability_tables.latent_recovery_mcc,
    ),
    "table_latent_recovery_batch": (identifiability_frames.batches, identifiability_tables.latent_recovery_batch),
    "table_content_style": (identifiability_frames.content_isolation_scores, identifiability_tables.content_style),
    "table_estimators_gaussian": (estimator_frames.levels, estimator_tables.gaussian),
    "table_estimators_sphere": (estimator_frames.sphere, estimator_tables.sphere),
    "table_estimators_rates": (estimator_frames.fits, estimator_tables.rates),
}


def write_theory_table(setting: Setting, name: str, *, results: Path, output: Path) -> Table:
    """Write the table `name` to the folder `output` as .csv, .tex and .html, and return it.

    `results` is `results/theory/<setting>`. The CSV has one row per value, in nats. Raises `UserError` for an
    unknown table and for a result that is missing or damaged.
    """
    if name not in TABLES:
        raise UserError(f"{name}: no such table; allowed: {', '.join(TABLES)}")
    read, lay_out = TABLES[name]
    rows = read(setting, results)
    table = lay_out(setting, rows)
    write_table_files(table, rows, output, float_format="%.8g")
    return table


def theory_table(setting: Setting, name: str, folder: Path) -> Markup:
    """Return the HTML of the table that `write_theory_table` left in `folder`."""
    return read_table_html(folder, name, remedy=f"snakemake {TheoryJobs(setting).table(name).outputs[0]}")
