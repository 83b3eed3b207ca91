"""The tables of the theory page as tidy CSV, LaTeX and HTML."""

from pathlib import Path

import pandas as pd
from markupsafe import Markup

from entrec.errors import UserError, one_line
from entrec.paths import table_files
from entrec.pipeline.recording import command, require_recorded, write_record
from entrec.pipeline.theory_jobs import TheoryJobs
from entrec.report.table import Recipe, Table, read_table_html, write_table_files
from entrec.report.theory import estimator_tables, identifiability_tables
from entrec.report.theory.estimator_frames import fits, levels, sphere
from entrec.report.theory.identifiability_frames import batches, content_isolation_scores, latent_recovery_scores
from entrec.theory.study import Setting

TABLES = {
    "table_latent_recovery": Recipe(
        "Latent recovery", latent_recovery_scores, identifiability_tables.latent_recovery, "Latents"
    ),
    "table_latent_recovery_mcc": Recipe(
        "Matched coordinates", latent_recovery_scores, identifiability_tables.latent_recovery_mcc, "Latents"
    ),
    "table_latent_recovery_batch": Recipe(
        "Latent recovery by batch size", batches, identifiability_tables.latent_recovery_batch, "k"
    ),
    "table_content_style": Recipe(
        "Content isolation", content_isolation_scores, identifiability_tables.content_style, "Dependence: target"
    ),
    "table_estimators_gaussian": Recipe("Bounds on Gaussians", levels, estimator_tables.gaussian, "Bound"),
    "table_estimators_sphere": Recipe("Estimates on the sphere", sphere, estimator_tables.sphere, "d, κ, k"),
    "table_estimators_rates": Recipe("Convergence", fits, estimator_tables.rates, "Data"),
}


def write_theory_table(setting: Setting, name: str, *, results: Path, output: Path) -> Table:
    """Write the table `name` to the folder `output` as .csv, .tex and .html, with its record as .json, and return it.

    `results` is `results/theory/<setting>`. The CSV has one row per value, in nats. Raises `UserError` for an
    unknown table and for a result that is missing or damaged.
    """
    if name not in TABLES:
        raise UserError(f"{one_line(name)}: no such table; allowed: {', '.join(TABLES)}")
    rows = TABLES[name].read(setting, results)
    table = TABLES[name].table(name, setting, rows)
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
    return command(setting, TheoryJobs(setting).table(name).outputs[0])
