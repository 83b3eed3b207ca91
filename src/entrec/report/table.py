"""A table as people read it, and how it is written as CSV, LaTeX and HTML."""

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from markupsafe import Markup

from entrec.artefacts import write_text
from entrec.paths import table_files
from entrec.pipeline.recording import require_recorded
from entrec.report.latex import latex_table
from entrec.report.mean_sd import MeanSD
from entrec.report.templates import fragment


@dataclass(frozen=True)
class Column:
    """One column: a heading, a second line under it (a unit, or how many seeds) and a text per row.

    The texts of a column of `words` may wrap.
    """

    label: str
    detail: str
    cells: dict[str, str]
    words: bool = False


Head = str | tuple[str, str]  # the label of a column, or its label and detail
Layout = tuple[str, list[tuple[str, str]], list[Column]]  # caption, rows and columns of a `Table`


@dataclass(frozen=True)
class Table:
    """A table of texts: `rows` are (key, title) in their order, and `head` is the heading of the titles.

    A column need not have a cell for every key.
    """

    name: str
    title: str
    caption: str
    rows: list[tuple[str, str]]
    columns: list[Column]
    head: str = "Method"

    @classmethod
    def of_rows(
        cls, title: str, rows: Sequence[Mapping[Head, str]], *, caption: str = "", words: Container[str] = ()
    ) -> "Table":
        """Return a table from rows of texts by the heads of their columns; the first text is the title of its row.

        `words` are the labels of the columns of words.
        """
        first, *others = [(head, "") if isinstance(head, str) else head for head in rows[0]]
        texts = {str(place): list(row.values()) for place, row in enumerate(rows)}
        columns = [
            Column(label, detail, {key: row[place] for key, row in texts.items()}, words=label in words)
            for place, (label, detail) in enumerate(others, start=1)
        ]
        titles = [(key, row[0]) for key, row in texts.items()]
        return cls(title.lower().replace(" ", "_"), title, caption, titles, columns, first[0])


@dataclass(frozen=True)
class Recipe:
    """`read` makes the tidy rows of a table from results; `lay_out` makes the rest from the rows and their study."""

    title: str
    read: Callable[..., pd.DataFrame]
    lay_out: Callable[..., Layout]
    head: str = Table.head

    def table(self, name: str, study: object, rows: pd.DataFrame) -> Table:
        """Return the table called `name` of `rows`, laid out for a study or a setting."""
        return Table(name, self.title, *self.lay_out(study, rows), self.head)


def mean_sd_column(
    label: str, found: dict[str, MeanSD], *, detail: str | None = None, signed: bool = False, decimals: int = 1
) -> Column:
    """Return a column of means and deviations, whose second line says how many seeds there are, or `detail`."""
    texts = {row: mean_sd.text(signed=signed, decimals=decimals) for row, mean_sd in found.items()}
    return Column(label, seeds(found.values()) if detail is None else detail, texts)


def seeds(found: Iterable[MeanSD]) -> str:
    """Return for instance `n = 2`, or `n = 1–2` where rows differ."""
    counts = sorted({mean_sd.n for mean_sd in found if mean_sd.n})
    if not counts:
        return "n = 0"
    return f"n = {counts[0]}" if len(counts) == 1 else f"n = {counts[0]}–{counts[-1]}"


def table_latex(table: Table) -> str:
    """Return a table as LaTeX."""
    columns = table.columns
    heads = [[table.head, *(column.label for column in columns)], ["", *(column.detail for column in columns)]]
    rows = [[title, *(column.cells.get(key, "") for column in columns)] for key, title in table.rows]
    alignment = "l" + "".join("l" if column.words else "r" for column in columns)
    return latex_table(table.name, table.caption, alignment, heads, rows)


def write_table_files(table: Table, rows: pd.DataFrame, folder: Path, *, float_format: str | None = None) -> None:
    """Write `table` to `folder` as LaTeX and HTML, beside the CSV of the tidy `rows` that it was made of."""
    csv = rows.to_csv(index=False, float_format=float_format, lineterminator="\n")
    texts = csv, table_latex(table), fragment("table", table)
    for path, text in zip(table_files(folder, table.name), texts, strict=True):
        write_text(path, text)


def read_table_html(folder: Path, name: str, *, remedy: str) -> Markup:
    """Return the HTML of a table in `folder`; raises `UserError` with `remedy` if it is missing or not as recorded."""
    *_, html = table_files(folder, name)
    return Markup(require_recorded(html, remedy).read_text(encoding="utf-8"))
