"""A page: a notebook that is run and exported, framed by a template.

The page of results shows only what computations decide, so that it is the same file for everyone. The page of
provenance beside it shows their circumstances.
"""

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
    page: Path,
    template: str,
    context: Mapping[str, Any],
    *,
    notebook: str,
    parameters: Mapping[str, str],
    executed: Path,
) -> None:
    """Run the notebook called `notebook` with its `parameters`, write it to `executed`, and write the `page` around it.

    The template gets `context`, the notebook as a `fragment` of HTML, and `executed` relative to the page.
    """
    with jupyter_home():
        execute(templates.notebook(notebook), parameters, executed)
        fragment = to_html(executed)
    beside = executed.relative_to(page.parent)
    write_text(page, templates.fill(template, {**context, "fragment": fragment, "executed": beside}))


def write_provenance_page(
    folder: ReportFolder, found: pd.DataFrame, context: Mapping[str, Any], *, notebook: str
) -> None:
    """Write provenance.html to `folder`, with its executed notebook and provenance.csv beside it.

    `found` is the frame of provenance; the template gets `context`, the notices and the computing time.
    """
    write_provenance(found, folder.provenance_table)
    summary = [("Result files", str(len(found))), ("Computing time", computing_time_of(found))]
    write_page(
        folder.provenance,
        "provenance.html.j2",
        {**context, "summary": summary, "notices": _notices(found)},
        notebook=notebook,
        parameters={"provenance": str(folder.provenance_table)},
        executed=folder.provenance_notebook,
    )


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
        "were made by another version of the code; they are marked † below. Numbers of different versions "
        "may not be comparable.": other,
        "were made while the working tree had uncommitted changes.": dirty,
        "were fetched: when, where and by which code they were made is not recorded here.": found["code"].isna().sum(),
        "were made where git could not be asked: their commit is unknown.": (found["commit"] == UNKNOWN).sum(),
    }
    return [f"{count} of {len(found)} result files {text}" for text, count in notices.items() if count]
