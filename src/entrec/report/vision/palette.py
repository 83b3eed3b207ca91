"""The colour and the shape of each method, the same in every figure of a study."""

from collections import Counter
from collections.abc import Collection, Sequence

import altair as alt
import pandas as pd

from entrec.methods.registry import METHODS
from entrec.report.theme import COLOURS, GREY, SHAPES, WIDTH, scales
from entrec.study import Study

Mark = tuple[str, str]  # colour and shape
LETTER, SYMBOL = 7, 17  # widths in a legend, in points: of a letter of a wide font, and of a symbol with its gap


def marks_of(methods: Collection[str]) -> dict[str, Mark]:
    """Return colour and shape of every method of a study; baselines are grey.

    A method has the colour of its place in the registry. Where methods before it in the registry have taken this
    colour more often than another, it gets the last of the least used ones. No two methods share colour and shape.
    """
    places, used = range(len(COLOURS)), Counter[int]()
    found: dict[str, Mark] = {}
    for place, method in enumerate(name for name, entry in METHODS.items() if not entry.baseline):
        if method in methods:
            own = place % len(COLOURS)
            colour = min(places, key=lambda other: (used[other], other != own, -other))
            found[method] = COLOURS[colour], SHAPES[(colour + used[colour]) % len(SHAPES)]
            used[colour] += 1
    return {method: found.get(method, (GREY, "stroke")) for method in methods}


def method_scales(study: Study, data: pd.DataFrame) -> tuple[alt.Color, alt.Shape]:
    """Return the colour and shape encodings, by the column `title`, of those methods of the study that `data` has."""
    drawn = set(data["method"])
    shown = {METHODS[method].title: mark for method, mark in marks_of(study.methods).items() if method in drawn}
    columns, gap = legend_of(list(shown))
    return scales("title", shown, columns=columns, gap=gap)


def legend_of(titles: Sequence[str]) -> tuple[int, int]:
    """Return how many columns of the legend fit under a chart, at most three, and the gap between them in points.

    The drawing program takes letters for narrower than those of many fonts, so long titles need wider gaps.
    """
    longest = max(map(len, titles), default=0)
    columns = max(1, min(3, WIDTH // (SYMBOL + LETTER * longest)))
    return columns, 14 + 2 * max(0, longest - 10)
