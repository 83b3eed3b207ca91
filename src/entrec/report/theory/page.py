"""The page of the theory studies, and the page of provenance beside it."""

from pathlib import Path

import pandas as pd

from entrec.fingerprint import fingerprint as todays_fingerprint
from entrec.paths import ReportFolder, TheoryPaths
from entrec.pipeline.recording import Places, require_whole, write_record
from entrec.pipeline.theory_jobs import PROVENANCE_NOTEBOOK, THEORY_NOTEBOOK, TheoryJobs
from entrec.report.comparison import comparison_section
from entrec.report.page import write_page, write_provenance_page
from entrec.report.provenance import made_in, measured, provenance_frame, provenance_row
from entrec.report.table import Head, Table
from entrec.report.theory.figures import FIGURES
from entrec.report.theory.names import hidden_of, listed, number, quantity, steps_of
from entrec.report.theory.reading import read
from entrec.report.theory.tables import TABLES
from entrec.theory.registry import BOUNDS, CONTENT_ISOLATION, LATENT_RECOVERY
from entrec.theory.settings.identifiability import ContentIsolation, LatentRecovery
from entrec.theory.study import Setting, load_theory


def render_theory(study_file: Path, setting_name: str, *, results: Path, output: Path) -> None:
    """Write `output`/index.html, with its executed notebook beside it.

    `results` is `results/theory/<setting>` and `output` is `reports/theory/<setting>`, whose tables and figures exist
    already. Raises `UserError` naming the first file that is missing or damaged.
    """
    setting, folder = load_theory(study_file).setting(setting_name), ReportFolder(output)
    jobs, places = TheoryJobs(setting), _places(setting, results=results, output=output)
    for job in (*map(jobs.table, TABLES), *map(jobs.figure, FIGURES)):
        require_whole(job, setting, places=places)
    parameters = {"study": str(study_file), "setting": str(setting), "folder": str(output)}
    context = {"study": setting.study, "setting": setting, "summary": _summary(setting)}
    executed = folder.notebooks / f"{THEORY_NOTEBOOK}.ipynb"
    write_page(
        folder.page, "theory.html.j2", context, notebook=THEORY_NOTEBOOK, parameters=parameters, executed=executed
    )
    write_record(jobs.page(), setting, [folder.page, executed], places=places)


def render_theory_provenance(
    study_file: Path, setting_name: str, *, results: Path, output: Path, fingerprint: str | None = None
) -> None:
    """Write `output`/provenance.html, with its executed notebook and provenance.csv beside it.

    The folders are those of `render_theory`. `fingerprint` is that of today's code, by default this package's. Raises
    `UserError` naming the first file that is missing or damaged.
    """
    setting, folder = load_theory(study_file).setting(setting_name), ReportFolder(output)
    found = theory_provenance(setting, results, fingerprint=fingerprint or todays_fingerprint("theory"))
    places = _places(setting, results=results, output=output)
    context = {
        "study": setting.study,
        "what": f"theory, setting {setting}",
        "comparison": comparison_section(setting, places=places),
        "plan": None,
    }
    write_provenance_page(folder, found, context, notebook=PROVENANCE_NOTEBOOK)
    files = [folder.provenance, folder.provenance_table, folder.provenance_notebook]
    write_record(TheoryJobs(setting).provenance(), setting, files, places=places)


def _places(setting: Setting, *, results: Path, output: Path) -> Places:
    paths = TheoryPaths(setting.name)
    return {paths.results.folder: results, paths.report.folder: output}


def theory_provenance(setting: Setting, results: Path, *, fingerprint: str) -> pd.DataFrame:
    """Return one row per result file of the setting; raises `UserError` for one that is missing or damaged."""
    files = [found for job in TheoryJobs(setting).results for found in read(job.kind, setting, [job], results)]
    rows = (provenance_row({"file": found.file}, found.result, found.circumstances) for found in files)
    return provenance_frame(rows, fingerprint=fingerprint)


def files_table(found: pd.DataFrame) -> Table:
    """Return the table of the files of `theory_provenance`."""
    rows: list[dict[Head, str]] = [
        {
            "file": row["file"],
            "seed": str(row["seed"]),
            ("time", "s"): measured(row["seconds"]),
            ("peak", "MB"): measured(row["peak_memory_mb"], decimals=0),
            ("made", "in"): row["made_in"],
        }
        for row in found.assign(made_in=made_in(found)).to_dict("records")
    ]
    return Table.of_rows("Files", rows)


def _summary(setting: Setting) -> list[tuple[str, str]]:
    """Return the facts under the title: (name, value)."""
    gaussian, sphere, rates = setting.estimators.gaussian, setting.estimators.sphere, setting.estimators.rates
    concentrations = (f"d = {d} with κ = {', '.join(map(number, kappas))}" for d, kappas in sphere.kappa.items())
    return [
        ("Setting", f"{setting} (params/theory.yaml)"),
        ("Latents", _trained(setting.latent_recovery, len(LATENT_RECOVERY))),
        ("Content", _trained(setting.content_isolation, len(CONTENT_ISOLATION))),
        (
            "Gaussians",
            f"{len(BOUNDS)} bounds; {gaussian.dimension} dimensions, batches of {gaussian.batch_size}, true "
            f"information of {', '.join(map(number, gaussian.information))} nats, {gaussian.steps} steps per value, "
            f"{gaussian.critic} critic, {quantity(len(gaussian.seeds), 'seed')}",
        ),
        ("Sphere", f"{'; '.join(concentrations)}; k = {listed(sphere.samples)}"),
        ("Rates", f"{quantity(len(rates.cases), 'case')}; k = {listed(rates.samples)}"),
    ]


def _trained(own: LatentRecovery | ContentIsolation, methods: int) -> str:
    """Return for instance `4 set-ups by 4 methods; …, 1000 steps in batches of 512, 3 seeds`."""
    return (
        f"{quantity(len(own.rows), 'set-up')} by {methods} methods; {own.dimension} dimensions, hidden layers of "
        f"{hidden_of(own)} units, {steps_of(own)} steps in batches of {own.training.batch_size}, "
        f"{quantity(len(own.seeds), 'seed')}"
    )
