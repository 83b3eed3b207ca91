"""A page: notebooks that are run and exported, framed by a template, with what a reader must know above them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from entrec.artefacts import write_text
from entrec.paths import ReportFolder
from entrec.report import templates
from entrec.report.notebooks import execute, jupyter_home, to_html
from entrec.report.provenance import DIRTY, UNKNOWN, UNRECORDED, write_provenance


def write_page(
    template: str,
    context: Mapping[str, Any],
    *,
    notebooks: Mapping[str, Mapping[str, str]],
    found: pd.DataFrame,
    output: Path,
) -> None:
    """Write `output`/index.html, with provenance.csv and the executed notebooks beside it.

    `notebooks` are the names of notebooks with their parameters, and `found` is the frame of provenance. The template
    gets `context`, the notices and the notebooks as `fragments` of HTML.
    """
    folder = ReportFolder(output)
    write_provenance(found, folder.provenance)
    fragments = {}
    with jupyter_home():
        for name, parameters in notebooks.items():
            executed = folder.notebooks / f"{name}.ipynb"
            execute(templates.notebook(name), parameters, executed)
            fragments[name] = to_html(executed)
    page = templates.fill(template, {**context, "notices": _notices(found), "fragments": fragments})
    write_text(folder.page, page)


def computing_time_of(found: pd.DataFrame) -> str:
    """Return the sum of the wall times, and the days on which the files were made, as far as they are recorded."""
    days = sorted({started[:10] for started in found["started"].dropna()})
    if not days:
        return UNRECORDED
    when = days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"
    return f"{duration(found['seconds'].sum())} in all, on {when} (UTC)"


def duration(seconds: float) -> str:
    """Return for instance `42 s`, `3 min 20 s` or `2 h 5 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def _notices(found: pd.DataFrame) -> list[str]:
    """Return what a reader must know before any number."""
    other, dirty = (found["other_code"] == "true").sum(), (found["dirty"] == DIRTY[True]).sum()
    notices = {
        "were made by another version of the code; they are marked † under Provenance. Numbers of different versions "
        "may not be comparable.": other,
        "were made while the working tree had uncommitted changes.": dirty,
        "were fetched: when, where and by which code they were made is not recorded here.": found["code"].isna().sum(),
        "were made where git could not be asked: their commit is unknown.": (found["commit"] == UNKNOWN).sum(),
    }
    return [f"{count} of {len(found)} result files {text}" for text, count in notices.items() if count]
