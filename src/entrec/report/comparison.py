"""Today's results beside the published ones, as the page of provenance shows them."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from entrec.errors import listed
from entrec.paths import PublishedFolder
from entrec.pipeline.published import LISTED, Comparison, Unpublished, compare
from entrec.pipeline.recording import Places
from entrec.pipeline.table_comparison import Difference, TableComparison
from entrec.pipeline.theory_jobs import jobs_of
from entrec.report.mean_sd import NOTHING
from entrec.report.table import Head, Table
from entrec.study import Study
from entrec.theory.study import Setting

LARGEST = "largest difference"


@dataclass(frozen=True)
class Section:
    """What the page says: paragraphs in which backticks mark code, and a table unless nothing could be compared."""

    paragraphs: list[str]
    table: Table | None


def comparison_section(study: Study | Setting, *, places: Places) -> Section:
    """Compare the results of a study with the published ones, or say that they are not there.

    Raises `UserError` for a table that is missing here, or damaged on either side.
    """
    published = jobs_of(study).paths.published
    try:
        found = compare(study, places=places)
    except Unpublished as error:
        sentence = (
            f"Nothing is compared: `{error.path}` is missing, so that no whole set of published results is there."
        )
        return Section([sentence], None)
    table = Table.of_rows("Tables beside the published ones", list(map(_row, found.tables)), words={LARGEST})
    return Section(list(_paragraphs(found, published)), table)


def _paragraphs(found: Comparison, published: PublishedFolder) -> Iterator[str]:
    files = [f"{found.same} of {found.files} files are equal to the published ones, to the bit."]
    for which, names in (("differ", found.other), ("are missing", found.missing)):
        if names:
            files.append(f"These {which} here: {listed((f'`{name}`' for name in names), most=LISTED)}.")
    yield " ".join(files)
    missing, surplus = (sum(getattr(table, rows) for table in found.tables) for rows in ("missing", "surplus"))
    if missing or surplus:
        yield (
            "The published study has other parameters, such as other methods, batch sizes or seeds. Rows of its tables"
            f" that are not here: {missing}. Rows here that are not published: {surplus}. Only the numbers of rows that"
            " both have are compared."
        )
    yield (
        f"The folder `{published.folder}` has the published tables, and the digest of every published file. Each row"
        " below is one table. A number is equal if it is so in every digit. Its published spread is the standard"
        " deviation over seeds; a number of a single seed has none. A difference is in the unit of its number, such as"
        " percentage points for accuracies and nats for information."
    )


def _row(table: TableComparison) -> dict[Head, str]:
    differing, within = len(table.differences), table.within_spread
    return {
        "table": table.name,
        ("numbers", "compared"): str(table.numbers),
        ("numbers", "equal"): str(table.numbers - differing),
        ("differ", "within spread"): str(within),
        ("differ", "beyond spread"): str(differing - within),
        ("rows", "not here"): str(table.missing),
        ("rows", "not published"): str(table.surplus),
        LARGEST: _in_words(table.largest) if table.largest else NOTHING,
    }


def _in_words(largest: Difference) -> str:
    """Return for instance `0.01: 91.24 instead of 91.25 (value of seed 1), within the published spread of 0.6`."""
    if math.isinf(largest.size):
        return str(largest)
    if largest.spread is None:
        spread = "no spread is published"
    else:
        spread = f"{'within' if largest.within_spread else 'beyond'} the published spread of {largest.spread:.3g}"
    return f"{largest.size:.3g}: {largest}, {spread}"
