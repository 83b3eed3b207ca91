"""A figure: a chart of one tidy frame, saved as SVG beside the CSV of that frame, and shown with its caption."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from markupsafe import Markup

from entrec.artefacts import write_text
from entrec.paths import figure_files
from entrec.report.templates import fragment
from entrec.results import require_result


@dataclass(frozen=True)
class Figure:
    """`data` makes the frame that `draw` makes a chart of; `caption` says how to read it, with fields to fill in."""

    title: str
    caption: str
    data: Callable[..., pd.DataFrame]
    draw: Callable[..., Any]


def write_figure(name: str, chart: Any, data: pd.DataFrame, folder: Path) -> None:
    """Write the chart as `name`.svg and its frame as `name`.csv to `folder`."""
    import vl_convert  # it starts a JavaScript engine, which only drawing needs

    picture, numbers = figure_files(folder, name)
    svg: str = vl_convert.vegalite_to_svg(chart.to_dict())
    svg = re.sub(r'(id="|url\(#)clip', rf"\1{name}-clip", svg)  # the pictures of one page must not share names
    write_text(picture, svg)
    write_text(numbers, data.to_csv(index=False, float_format="%.6g", lineterminator="\n"))


def read_figure_html(
    folder: Path, name: str, figure: Figure, fields: Mapping[str, object], *, remedy: str, alone: bool = False
) -> Markup:
    """Return the picture that `write_figure` left in `folder`, with its caption and links to its files.

    `fields` fill in the caption. The caption of a picture that stands `alone` is beside it where the page is wide
    enough. Raises `UserError` with the command `remedy` if the picture is missing.
    """
    picture, _ = figure_files(folder, name)
    svg = require_result(picture, remedy).read_text(encoding="utf-8")
    return fragment("figure", name, figure.title, figure.caption.format_map(fields), svg, alone=alone)
