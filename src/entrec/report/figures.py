"""The old names of `figure`, until the theory page uses the new ones."""

from markupsafe import Markup

from entrec.report.figure import write_figure
from entrec.report.templates import fragment

__all__ = ["figure_fragment", "write_figure"]


def figure_fragment(name: str, title: str, caption: str, svg: str, *, alone: bool = False) -> Markup:
    """Return a picture with its caption and links to its files."""
    return fragment("figure", name, title, caption, svg, alone=alone)
