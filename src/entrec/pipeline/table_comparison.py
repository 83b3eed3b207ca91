"""Two versions of one table, compared number by number: the published one, and the one that lies here."""

import math
import statistics
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

REPEATS = {"seed", "run", "file"}  # columns that differ between the repeats of one experiment
NAMES = {"title", "run", "file", "source"}  # columns that repeat what others say
Row = Mapping[str, str]
Key = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Difference:
    """A number that is not the published one. An empty text stands for a number that is not there.

    `spread` is the standard deviation of the published number over seeds, or None where only one seed is published.
    """

    place: str
    published: str
    ours: str
    spread: float | None

    @property
    def size(self) -> float:
        """How far the two numbers are apart, in the unit of the table; infinite where one of them is not there."""
        return abs(float(self.ours) - float(self.published)) if self.ours and self.published else math.inf

    @property
    def within_spread(self) -> bool:
        """Whether the numbers are at most one published standard deviation apart."""
        return self.spread is not None and self.size <= self.spread

    def __str__(self) -> str:
        """Return for instance `91.24 instead of 91.25 (value of seed 1)`."""
        return f"{self.ours or 'none'} instead of {self.published or 'none'} ({self.place})"


@dataclass(frozen=True)
class TableComparison:
    """The table `name` beside the published one: its `numbers`, in the rows that both have, and their differences.

    `missing` counts the published rows that are not here, and `surplus` the rows here that are not published.
    """

    name: str
    numbers: int
    differences: Sequence[Difference]
    missing: int
    surplus: int

    @property
    def equal(self) -> bool:
        """Whether every row is the published one, in every digit."""
        return not (self.differences or self.missing or self.surplus)

    @property
    def within_spread(self) -> int:
        """How many of the numbers that differ are within the published spread."""
        return sum(difference.within_spread for difference in self.differences)

    @property
    def largest(self) -> Difference | None:
        """The largest difference, if there is one."""
        return max(self.differences, key=lambda difference: difference.size, default=None)

    def __str__(self) -> str:
        """Return one line for people."""
        faults = "; ".join(self._faults())
        return f"{self.name}: {faults or f'all {self.numbers} numbers are the published ones, in every digit'}"

    def _faults(self) -> Iterator[str]:
        if self.missing:
            yield f"published rows that are not here: {self.missing}"
        if self.surplus:
            yield f"rows that are not published: {self.surplus}"
        if self.differences:
            yield (
                f"{len(self.differences)} of {self.numbers} numbers are not the published ones,"
                f" {self.within_spread} of them within the published spread over seeds"
            )
            yield f"the largest difference is {self.largest}"


def compare_tables(name: str, published: Sequence[Row], ours: Sequence[Row]) -> TableComparison:
    """Compare the rows of two versions of the table `name`, whose cells are texts.

    A column of which a cell has a decimal point or an exponent holds numbers; the other columns say what is measured.
    """
    numbers = sorted({column for row in (*published, *ours) for column, cell in row.items() if _is_decimal(cell)})
    theirs, mine = _by_key(published, numbers), _by_key(ours, numbers)
    groups: dict[Key, list[Row]] = {}
    for row in published:
        groups.setdefault(_key(row, {*numbers, *REPEATS}), []).append(row)
    constant = (
        {column for column in published[0] if len({row[column] for row in published}) == 1} if published else set()
    )
    differences = [
        Difference(
            place=_place(row, column, {*numbers, *NAMES, *constant}),
            published=row.get(column, ""),
            ours=mine[key].get(column, ""),
            spread=_spread(groups[_key(row, {*numbers, *REPEATS})], column),
        )
        for key, row in theirs.items()
        if key in mine
        for column in numbers
        if row.get(column, "") != mine[key].get(column, "")
    ]
    return TableComparison(
        name,
        numbers=sum(
            bool(row.get(column) or mine[key].get(column))
            for key, row in theirs.items()
            if key in mine
            for column in numbers
        ),
        differences=differences,
        missing=len(theirs.keys() - mine.keys()),
        surplus=len(mine.keys() - theirs.keys()),
    )


def _is_decimal(cell: str) -> bool:
    try:
        return math.isfinite(float(cell)) and not cell.lstrip("-").isdigit()
    except ValueError:
        return False


def _by_key(rows: Sequence[Row], numbers: Sequence[str]) -> dict[tuple[Key, int], Row]:
    """Return each row by what it is of, and by its place among the rows of the same."""
    seen: Counter[Key] = Counter()
    found = {}
    for row in rows:
        key = _key(row, set(numbers))
        found[key, seen[key]] = row
        seen[key] += 1
    return found


def _key(row: Row, without: set[str]) -> Key:
    return tuple((column, cell) for column, cell in row.items() if column not in without)


def _place(row: Row, column: str, without: set[str]) -> str:
    """Return for instance `value of method simclr, batch_size 64, seed 0`."""
    of = ", ".join(f"{name} {cell}" for name, cell in _key(row, without))
    return f"{column} of {of}" if of else column


def _spread(rows: Sequence[Row], column: str) -> float | None:
    values = [float(row[column]) for row in rows if row.get(column)]
    return statistics.stdev(values) if len(values) > 1 else None
