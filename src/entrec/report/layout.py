"""A table as people read it, before it is LaTeX or HTML."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from entrec.report.mean_sd import MeanSD


@dataclass(frozen=True)
class Column:
    """One column: a heading, a second line under it (unit, or how many seeds), a text per row; `words` may wrap."""

    label: str
    detail: str
    cells: dict[str, str]
    words: bool = False


@dataclass(frozen=True)
class Layout:
    """`rows` are (key, title) in the study's order; `columns` may lack some keys; `head` names the titles."""

    name: str
    title: str
    caption: str
    rows: list[tuple[str, str]]
    columns: list[Column] = field(default_factory=list)
    head: str = "Method"


def mean_sd_column(label: str, spreads: dict[str, MeanSD], *, signed: bool = False, decimals: int = 1) -> Column:
    """A column of means and deviations; its second line says of how many seeds."""
    texts = {row: spread.text(signed=signed, decimals=decimals) for row, spread in spreads.items()}
    return Column(label, seeds(spreads.values()), texts)


def seeds(spreads: Iterable[MeanSD]) -> str:
    """`n = 2`, or `n = 1–2` where rows differ."""
    counts = sorted({spread.n for spread in spreads if spread.n})
    if not counts:
        return "n = 0"
    return f"n = {counts[0]}" if len(counts) == 1 else f"n = {counts[0]}–{counts[-1]}"
