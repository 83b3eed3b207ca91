"""The page of a study of methods: its claims, tables, figures, methods, protocol, plan and provenance."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from entrec.methods.registry import METHODS
from entrec.paths import ReportFolder, StudyPaths
from entrec.pipeline.jobs import TABLES, Jobs
from entrec.pipeline.recording import require_whole, write_record
from entrec.provenance import fingerprint as todays_fingerprint
from entrec.report.page import computing_time_of, write_page
from entrec.report.vision.datasets import sheets
from entrec.report.vision.method_pages import method_sections
from entrec.report.vision.plan_table import plan_table
from entrec.report.vision.protocol import all_settings, splits, text
from entrec.report.vision.provenance import find_provenance
from entrec.report.vision.reading import require_same_data
from entrec.study import Study, load_study


def render(study_path: Path, *, results: Path, output: Path, data: Path, fingerprint: str | None = None) -> None:
    """Write `output`/index.html with figures, executed notebooks and provenance beside it.

    `results` is `results/<study>`, `data` is `data/<study>` and `output` is `reports/<study>`, whose `tables/` exist
    already. `fingerprint` is that of today's code, by default this package's. Raises `UserError` naming the first file
    that is missing, damaged, or made from other files than there are now.
    """
    study = load_study(study_path)
    here, made = ReportFolder(output), StudyPaths(study.name).report
    jobs = Jobs(study)
    places = {jobs.paths.results: results, made.folder: output, jobs.paths.data: data}
    for table in TABLES:
        require_whole(jobs.table(table), study, places=places)
    require_same_data(study, results, data)
    found = find_provenance(study, results, fingerprint=fingerprint or todays_fingerprint())
    notebooks = {
        "results": {
            "study": str(study_path),
            "results": str(results),
            "tables": str(here.tables),
            "figures": str(here.figures),
        },
        "provenance": {"provenance": str(here.provenance)},
    }
    context = {
        "study": study,
        "study_file": study_path.name,
        "summary": _summary(study, found),
        "datasets": sheets(study, data),
        "method_sections": method_sections(study),
        "splits": splits(study),
        "settings": all_settings(study),
        "plan": plan_table(study, found, data.parent),
    }
    write_page("index.html.j2", context, notebooks=notebooks, found=found, output=output)
    others = [here.provenance, *sorted(here.notebooks.iterdir()), *sorted(here.figures.iterdir())]
    write_record(jobs.report(), study, [here.page, *others], places=places)


def _summary(study: Study, found: pd.DataFrame) -> list[tuple[str, str]]:
    """Return the facts under the title: (name, value)."""
    trained = [METHODS[method].title for method in study.methods if not METHODS[method].baseline]
    baselines = [METHODS[method].title.lower() for method in study.methods if METHODS[method].baseline]
    network, (batch_size, epochs), seeds = study.network, study.headline, study.seeds
    return [
        ("Methods", ", ".join(trained) + (f"; baselines: {', '.join(baselines)}" if baselines else "")),
        ("Network", f"{network.backbone}, width {network.width}, {network.stem} stem"),
        ("Headline setting", f"batch size {batch_size}, {epochs} epochs, {_seeds(seeds.main)}"),
        ("Swept", swept(study)),
        ("Made", f"{len(study.runs)} pretrainings and {len(found) - len(study.runs)} evaluations"),
        ("Computing time", computing_time_of(found)),
    ]


def swept(study: Study) -> str:
    """Return what is varied from the headline setting, such as `batch sizes 128, 64; 10 epochs; seed 0`."""
    (_, *batch_sizes), (_, *epochs) = study.batch_sizes, study.epochs
    varied = [f"batch size{_plural(batch_sizes)} {text(batch_sizes)}"] if batch_sizes else []
    varied += [f"{text(epochs)} epochs"] if epochs else []
    return "; ".join([*varied, _seeds(study.seeds.sweep)]) if varied else "nothing"


def _seeds(values: Sequence[int]) -> str:
    return f"seed{_plural(values)} {text(values)}"


def _plural(values: Sequence[int]) -> str:
    return "s" if len(values) > 1 else ""
