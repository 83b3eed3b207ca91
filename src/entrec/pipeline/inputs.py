"""Which results each table needs. Read by Snakemake and DVC, so it imports neither pandas nor torch."""

from entrec.errors import UserError
from entrec.methods.registry import METHODS
from entrec.runs import Run
from entrec.study import Study

TABLES = ("table_1", "table_2", "table_transfer", "table_knn", "table_information", "table_methods")


def needed(study: Study, table: str) -> list[str]:
    """Paths, relative to `results/<study>`, of the files that `table` is made of."""
    if table == "table_transfer":
        return [
            f"{run}/transfer/{name}.json" for run in study.headline_runs for name in study.evaluation.transfer.datasets
        ]
    if table == "table_information":
        return [f"{run}/history.csv" for run in runs_of(study, table)]
    if table == "table_methods":
        return [f"{run}/{name}" for run in runs_of(study, table) for name in ("history.csv", "evaluation.json")]
    return [f"{run}/evaluation.json" for run in runs_of(study, table)]


def runs_of(study: Study, table: str) -> list[Run]:
    """The runs that `table` shows, in the study's order; raises `UserError` for an unknown table."""
    batch_size, epochs = study.headline
    if table == "table_1":
        return [run for run in study.runs if run.epochs == epochs]
    if table == "table_2":
        return [run for run in study.runs if run.batch_size == batch_size]
    if table in ("table_information", "table_methods"):
        return [run for run in study.headline_runs if not METHODS[run.method].baseline]
    if table in TABLES:
        return study.headline_runs
    raise UserError(f"{table}: no such table; allowed: {', '.join(TABLES)}")
