"""The page of a study of methods: claims, tables, figures, methods, protocol; and the page of provenance beside it."""

from collections.abc import Sequence
from pathlib import Path

from entrec.fingerprint import fingerprint as todays_fingerprint
from entrec.methods.registry import METHODS
from entrec.paths import ReportFolder, StudyPaths
from entrec.pipeline.jobs import TABLES, Jobs
from entrec.pipeline.recording import Places, require_whole, write_record
from entrec.report.comparison import comparison_section
from entrec.report.page import write_page, write_provenance_page
from entrec.report.vision.datasets import sheets
from entrec.report.vision.method_pages import method_sections
from entrec.report.vision.plan_table import plan_table
from entrec.report.vision.protocol import all_settings, splits, text
from entrec.report.vision.provenance import find_provenance
from entrec.report.vision.reading import require_same_data
from entrec.study import Study, load_study


def render(study_path: Path, *, results: Path, output: Path, data: Path) -> None:
    """Write `output`/index.html with figures and its executed notebook beside it.

    `results` is `results/<study>`, `data` is `data/<study>` and `output` is `reports/<study>`, whose `tables/` exist
    already. Raises `UserError` naming the first file that is missing, damaged, or made from other files than there are
    now.
    """
    study, here = load_study(study_path), ReportFolder(output)
    jobs, places = Jobs(study), _places(study, results=results, output=output, data=data)
    for table in TABLES:
        require_whole(jobs.table(table), study, places=places)
    require_same_data(study, results, data)
    parameters = {
        "study": str(study_path),
        "results": str(results),
        "tables": str(here.tables),
        "figures": str(here.figures),
    }
    context = {
        "study": study,
        "study_file": study_path.name,
        "summary": _summary(study),
        "datasets": sheets(study, data),
        "method_sections": method_sections(study),
        "splits": splits(study),
        "settings": all_settings(study),
    }
    executed = here.notebooks / "results.ipynb"
    write_page(here.page, "index.html.j2", context, notebook="results", parameters=parameters, executed=executed)
    write_record(jobs.report(), study, [here.page, executed, *sorted(here.figures.iterdir())], places=places)


def render_provenance(
    study_path: Path, *, results: Path, output: Path, data: Path, fingerprint: str | None = None
) -> None:
    """Write `output`/provenance.html, with its executed notebook and provenance.csv beside it.

    The folders are those of `render`. `fingerprint` is that of today's code, by default this package's. Raises
    `UserError` naming the first file that is missing or damaged.
    """
    study, here = load_study(study_path), ReportFolder(output)
    places = _places(study, results=results, output=output, data=data)
    found = find_provenance(study, results, fingerprint=fingerprint or todays_fingerprint("pretraining"))
    context = {
        "study": study,
        "what": f"study {study.name}",
        "comparison": comparison_section(study, places=places),
        "plan": plan_table(study, found, data.parent),
    }
    write_provenance_page(here, found, context, notebook="provenance")
    files = [here.provenance, here.provenance_table, here.provenance_notebook]
    write_record(Jobs(study).provenance(), study, files, places=places)


def _places(study: Study, *, results: Path, output: Path, data: Path) -> Places:
    paths = StudyPaths(study.name)
    return {paths.results: results, paths.report.folder: output, paths.data: data}


def _summary(study: Study) -> list[tuple[str, str]]:
    """Return the facts under the title: (name, value)."""
    trained = [METHODS[method].title for method in study.methods if not METHODS[method].baseline]
    baselines = [METHODS[method].title.lower() for method in study.methods if METHODS[method].baseline]
    transfers = len(study.headline_runs) * len(study.evaluation.transfer.datasets)
    network, (batch_size, epochs), seeds = study.network, study.headline, study.seeds
    return [
        ("Methods", ", ".join(trained) + (f"; baselines: {', '.join(baselines)}" if baselines else "")),
        ("Network", f"{network.backbone}, width {network.width}, {network.stem} stem"),
        ("Headline setting", f"batch size {batch_size}, {epochs} epochs, {_seeds(seeds.main)}"),
        ("Swept", swept(study)),
        ("Made", f"{len(study.runs)} pretrainings and {len(study.runs) + transfers} evaluations"),
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
