"""The report of a study: notebooks run, exported and framed as one page that opens from disk."""

from pathlib import Path
from typing import Any

from entrec.artefacts import write_text
from entrec.methods.registry import METHODS
from entrec.pipeline.jobs import TABLES
from entrec.report.notebooks import execute, jupyter_home, to_html
from entrec.report.origins import Origin, origins
from entrec.report.page import computing_time, fill, notices, own
from entrec.report.records import present
from entrec.report.vision.method_pages import method_sections
from entrec.report.vision.protocol import hyper_parameters, splits
from entrec.study import Study, load_study

NOTEBOOKS = ("results", "provenance")


def render(
    study_path: Path,
    *,
    results: Path,
    output: Path,
    data: Path | None = None,
    pages: Path = Path("reports"),
    fingerprint: str | None = None,
) -> None:
    """Write `output`/index.html with figures, executed notebooks and provenance beside it.

    `results` is `results/<study>` and `output` is `reports/<study>`, whose `tables/` exist already.
    `data`, `data/<study>`, adds counts and pictures of the datasets. `pages` holds templates and
    notebooks; `fingerprint` is today's code, by default this package's. Raises `UserError` naming the
    first file that is missing or damaged.
    """
    study = load_study(study_path)
    for table in TABLES:
        present(study, output / "tables" / f"{table}.csv", f"reports/{study.name}/tables/{table}.csv")
    found = origins(study, results)
    today = fingerprint or _fingerprint()
    parameters = _parameters(study_path, results, output, today)
    fragments = {}
    with jupyter_home():
        for name in NOTEBOOKS:
            source, executed = pages / "notebooks" / f"{name}.ipynb", output / "notebooks" / f"{name}.ipynb"
            execute(own(source), parameters[name], executed)
            fragments[name] = to_html(executed)
    write_text(output / "index.html", _page(study, study_path, found, fragments, data=data, pages=pages, today=today))


def _parameters(study: Path, results: Path, output: Path, today: str) -> dict[str, dict[str, str]]:
    """What each notebook is told; all of it is text, so that its cell of parameters reads well."""
    shared = {"study": str(study), "results": str(results)}
    return {
        "results": {**shared, "tables": str(output / "tables"), "figures": str(output / "figures")},
        "provenance": {**shared, "provenance": str(output / "provenance.csv"), "fingerprint": today},
    }


def _page(
    study: Study,
    study_path: Path,
    found: list[Origin],
    fragments: dict[str, str],
    *,
    data: Path | None,
    pages: Path,
    today: str,
) -> str:
    from entrec.report.vision.datasets import sheets
    from entrec.report.vision.plan_table import plan_fragment  # which imports torch

    context: dict[str, Any] = {
        "study": study,
        "study_file": study_path.name,
        "contents": [
            "run",
            "claims",
            "tables",
            "figures",
            "methods",
            "protocol",
            *(["plan"] if data else []),
            "provenance",
        ],
        "summary": _summary(study, found),
        "notices": notices(found, today),
        "datasets": sheets(study, data) if data else [],
        "method_sections": method_sections(study),
        "splits": splits(study),
        "hyper_parameters": hyper_parameters(study),
        "plan": plan_fragment(study, found, data.parent) if data else None,
        "fragments": fragments,
    }
    return fill("index.html.j2", context, pages=pages)


def _summary(study: Study, found: list[Origin]) -> list[tuple[str, str]]:
    """The facts under the title: (name, value)."""
    trained = [METHODS[method].title for method in study.methods if not METHODS[method].baseline]
    baselines = [METHODS[method].title.lower() for method in study.methods if METHODS[method].baseline]
    network = study.network
    return [
        ("Methods", ", ".join(trained) + (f"; baselines: {', '.join(baselines)}" if baselines else "")),
        ("Network", f"{network.backbone}, width {network.width}, {network.stem} stem"),
        (
            "Main column",
            f"batch size {study.batch_sizes[0]}, {study.epochs[0]} epochs, seeds {_list(study.seeds.main)}",
        ),
        (
            "Swept",
            f"batch sizes {_list(study.batch_sizes)}; epochs {_list(study.epochs)}; seeds {_list(study.seeds.sweep)}",
        ),
        ("Made", f"{len(study.runs)} pretrainings and {len(found) - len(study.runs)} evaluations"),
        ("Computing time", computing_time(found)),
    ]


def _list(values: tuple[int, ...]) -> str:
    return ", ".join(map(str, values))


def _fingerprint() -> str:
    from entrec.provenance import fingerprint  # imports torch

    return fingerprint()
