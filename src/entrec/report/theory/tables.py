"""The tables of the theory page as tidy CSV, LaTeX and HTML."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from markupsafe import Markup

from entrec.errors import UserError
from entrec.paths import table_files
from entrec.pipeline.records import require_recorded, write_record
from entrec.pipeline.theory_jobs import TheoryJobs
from entrec.report.table import Layout, Table, read_table_html, write_table_files
from entrec.report.theory import estimator_tables, identifiability_tables
from entrec.report.theory.estimator_frames import fits, levels, sphere
from entrec.report.theory.identifiability_frames import batches, content_isolation_scores, latent_recovery_scores
from entrec.theory.study import Setting


@dataclass(frozen=True)
class Recipe:
    """`read` makes the tidy rows from the results; `lay_out` makes the table of them, whose first heading is `head`."""

    title: str
    head: str
    read: Callable[[Setting, Path], pd.DataFrame]
    lay_out: Callable[[Setting, pd.DataFrame], Layout]


TABLES = {
    "table_latent_recovery": Recipe(
        "Latent recovery", "Latents", latent_recovery_scores, identifiability_tables.latent_recovery
    ),
    "table_latent_recovery_mcc": Recipe(
        "Matched coordinates", "Latents", latent_recovery_scores, identifiability_tables.latent_recovery_mcc
    ),
    "table_latent_recovery_batch": Recipe(
        "Latent recovery by batch size", "k", batches, identifiability_tables.latent_recovery_batch
    ),
    "table_content_style": Recipe(
        "Content isolation", "Dependence: target", content_isolation_scores, identifiability_tables.content_style
    ),
    "table_estimators_gaussian": Recipe("Bounds on Gaussians", "Bound", levels, estimator_tables.gaussian),
    "table_estimators_sphere": Recipe("Estimates on the sphere", "d, κ, k", sphere, estimator_tables.sphere),
    "table_estimators_rates": Recipe("Convergence", "Data", fits, estimator_tables.rates),
}


def write_theory_table(setting: Setting, name: str, *, results: Path, output: Path) -> Table:
    """Write the table `name` to the folder `output` as .csv, .tex and .html, with its record as .json, and return it.

    `results` is `results/theory/<setting>`. The CSV has one row per value, in nats. Raises `UserError` for an
    unknown table and for a result that is missing or damaged.
    """
    if name not in TABLES:
        raise UserError(f"{name}: no such table; allowed: {', '.join(TABLES)}")
    recipe = TABLES[name]
    rows = recipe.read(setting, results)
    table = Table(name, recipe.title, *recipe.lay_out(setting, rows), recipe.head)
    write_table_files(table, rows, output, float_format="%.8g")
    jobs = TheoryJobs(setting)
    write_record(jobs.table(name), setting, table_files(output, name), places={jobs.paths.results.folder: results})
    return table


def theory_table(setting: Setting, name: str, folder: Path) -> Markup:
    """Return the HTML of the table that `write_theory_table` left in `folder`; raises `UserError` if it is damaged."""
    return read_table_html(folder, name, remedy=_remedy(setting, name))


def theory_rows(setting: Setting, name: str, folder: Path) -> pd.DataFrame:
    """Return the rows of the table that `write_theory_table` left in `folder`; raises `UserError` if it is damaged."""
    return pd.read_csv(require_recorded(table_files(folder, name)[0], _remedy(setting, name)))


def _remedy(setting: Setting, name: str) -> str:
    return f"snakemake {TheoryJobs(setting).table(name).outputs[0]}"
