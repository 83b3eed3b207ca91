"""How every figure looks: narrow enough for a telephone, with ink in the page's own text colour."""

from collections.abc import Callable, Mapping
from typing import Any

import altair as alt
import pandas as pd

# the colours of Okabe and Ito (2008) differ under the common colour deficiencies, and can be read on white and on
# near-black; the shapes make the same distinctions where there is no colour
COLOURS = ("#0072b2", "#56b4e9", "#e69f00", "#cc79a7", "#d55e00", "#009e73", "#8c6bb1", "#a6761d")
SHAPES = ("circle", "square", "triangle-up", "triangle-down", "diamond", "cross", "triangle-left", "triangle-right")
GREY = "#888888"
WIDTH = 380  # a telephone shows about 360 points, so text shrinks by less than a tenth
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
INK = "currentColor"  # inline SVG inherits it from the page, in light and in dark
FAINT = 0.16
alt.data_transformers.disable_max_rows()  # Altair's limit is for pages that carry their data; these become pictures


def scales(
    column: str, marks: Mapping[str, tuple[str, str]], *, columns: int = 3, gap: int = 14
) -> tuple[alt.Color, alt.Shape]:
    """Return the colour and shape encodings of `column`, with one legend of `columns` columns under the chart.

    `marks` gives the colour and the shape of every value of the column, in the order of the legend.
    The columns are `gap` points apart.
    """
    legend = alt.Legend(title=None, orient="bottom", columns=columns, columnPadding=gap, symbolSize=70, labelLimit=0)
    colours, shapes = ([mark[place] for mark in marks.values()] for place in (0, 1))
    return (
        alt.Color(f"{column}:N", scale=alt.Scale(domain=list(marks), range=colours), legend=legend),
        alt.Shape(f"{column}:N", scale=alt.Scale(domain=list(marks), range=shapes), legend=legend),
    )


def styled(chart: Any) -> Any:
    """Return the chart with the theme's type, ink and spacing; the background stays that of the page."""
    text = {"labelColor": INK, "titleColor": INK, "labelFont": FONT, "titleFont": FONT}
    return (
        chart.properties(background="transparent")
        .configure(font=FONT)
        .configure_view(stroke=None)
        .configure_axis(
            **text,
            labelFontSize=12,
            titleFontSize=12.5,
            titleFontWeight="normal",
            titlePadding=8,
            gridColor=INK,
            gridOpacity=FAINT,
            domainColor=INK,
            domainOpacity=0.5,
            tickColor=INK,
            tickOpacity=0.5,
        )
        .configure_legend(**text, labelFontSize=12.5, rowPadding=4, padding=4, offset=12)
        .configure_header(
            **text, labelFontSize=12.5, titleFontSize=12.5, labelFontWeight="bold", labelPadding=6, labelAnchor="start"
        )
        .configure_title(font=FONT, fontSize=12.5, color=INK, anchor="start", offset=6)
        .configure_text(font=FONT, fontSize=11.5, color=INK)
    )


def multiples(data: pd.DataFrame, by: str | list[str], panel: Callable[[pd.DataFrame, bool], Any]) -> Any:
    """Return one `panel` of each group of rows, in two columns; only the lowest of a column labels the shared axis."""
    groups = [rows for _, rows in data.groupby(by, sort=False)]
    drawn = [panel(rows, i >= len(groups) - 2) for i, rows in enumerate(groups)]
    return styled(alt.concat(*drawn, columns=2, spacing={"row": 12, "column": 20}))
