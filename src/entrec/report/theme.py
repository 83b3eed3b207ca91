"""How every figure looks: narrow enough for a telephone, ink in the page's own text colour."""

from typing import Any

import altair as alt

from entrec.methods.registry import METHODS
from entrec.report.palette import colour, shape

WIDTH = 380  # a telephone shows about 360 points: text shrinks by less than a tenth
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
INK = "currentColor"  # inline SVG inherits it from the page, in light and in dark
FAINT = 0.16
alt.data_transformers.disable_max_rows()  # Altair's limit is for pages that carry their data; these become pictures


def method_scales(methods: list[str]) -> tuple[alt.Color, alt.Shape]:
    """Colour and shape encodings of the column `title`, with one legend under the chart."""
    titles = [METHODS[method].title for method in methods]
    legend = alt.Legend(title=None, orient="bottom", columns=3, symbolSize=70, labelLimit=0)
    return (
        alt.Color("title:N", scale=alt.Scale(domain=titles, range=[colour(m) for m in methods]), legend=legend),
        alt.Shape("title:N", scale=alt.Scale(domain=titles, range=[shape(m) for m in methods]), legend=legend),
    )


def styled(chart: Any) -> Any:
    """The chart with the theme's type, ink and spacing; the background stays the page's."""
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
        .configure_legend(**text, labelFontSize=12.5, columnPadding=14, rowPadding=4, padding=4, offset=12)
        .configure_header(
            **text, labelFontSize=12.5, titleFontSize=12.5, labelFontWeight="bold", labelPadding=6, labelAnchor="start"
        )
        .configure_title(font=FONT, fontSize=12.5, color=INK, anchor="start", offset=6)
        .configure_text(font=FONT, fontSize=11.5, color=INK)
    )
