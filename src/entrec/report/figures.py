"""The report's figures: each draws one tidy frame and is saved as SVG beside the CSV of that frame."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from markupsafe import Markup, escape

from entrec.artefacts import write_text
from entrec.report.markup import joined
from entrec.report.vision import accuracy_figures, information_figures
from entrec.report.vision.collect import Frames
from entrec.report.vision.estimator import estimator
from entrec.study import Study


@dataclass(frozen=True)
class Figure:
    """`data` makes the frame that `draw` draws; `caption` says how to read it and may name {estimator} and {seeds}."""

    title: str
    caption: str
    data: Callable[[Study, Frames], pd.DataFrame]
    draw: Callable[[Study, pd.DataFrame], Any]


FIGURES = {
    "accuracy_by_batch_size": Figure(
        "Accuracy by batch size",
        "Linear top-1 accuracy on the test part. Every point rests on the sweep's seeds ({seeds}), so that a line says "
        "what the table's Δ says; bars are one standard deviation where there is more than one seed. The number of "
        "epochs is fixed, so a smaller batch also means more steps.",
        accuracy_figures.by_batch_size,
        accuracy_figures.draw_by_batch_size,
    ),
    "accuracy_by_epochs": Figure(
        "Accuracy by epochs",
        "Linear top-1 accuracy on the test part against the length of the whole schedule: each point is trained from "
        "the start. Points and bars as before.",
        accuracy_figures.by_epochs,
        accuracy_figures.draw_by_epochs,
    ),
    "training_curves": Figure(
        "Training loss",
        "One line per seed, main column. Every panel has its own scale: "
        "losses of different methods are not comparable.",
        information_figures.losses,
        information_figures.draw_losses,
    ),
    "information_over_training": Figure(
        "Entropy, reconstruction and bound over training",
        "All methods measured alike on their normalised projections, in nats; means over seeds, main column. "
        "The bound is the sum of the two panels above it. {estimator}",
        information_figures.information,
        information_figures.draw_over_training,
    ),
    "discrete_information": Figure(
        "Discrete entropy and reconstruction",
        "Methods with a discrete surrogate: plug-in entropy of the mean softmax, and minus the cross-entropy between "
        "the views, in nats; means over seeds, main column, on as many pairs as above. The entropy cannot exceed the "
        "log of the number of categories, nor can the other exceed zero. The paper's appendix shows such curves for "
        "DINO and EntRecDisc; we have none of its numbers to set beside ours.",
        information_figures.discrete_information,
        information_figures.draw_discrete,
    ),
    "geometry_over_training": Figure(
        "MeanSD and closeness over training",
        "The same normalised projections without a density: effective rank (how many directions they use), uniformity "
        "(log mean of exp(−2 × squared distance) over pairs of images; lower is more even) and alignment (mean squared "
        "distance of two views of an image). Uniformity plays the entropy's part, alignment the reconstruction's. "
        "Means over seeds, main column.",
        information_figures.geometry,
        information_figures.draw_geometry,
    ),
    "information_plane": Figure(
        "Entropy against reconstruction",
        "The same measurements as paths, from the open to the filled point. Along a dotted line the bound is constant; "
        "towards the upper right it grows.",
        information_figures.information,
        information_figures.draw_plane,
    ),
}


def figures_fragment(study: Study, frames: Frames, folder: Path) -> Markup:
    """Write all figures of a study to `folder` and return them as one fragment of HTML."""
    parts = []
    for name, figure in FIGURES.items():
        data = figure.data(study, frames)
        if len(data):
            svg = write_figure(name, figure.draw(study, data), data, folder)
            caption = figure.caption.format(estimator=estimator(study), seeds=sweep_seeds(study))
            parts.append(figure_fragment(name, figure.title, caption, svg))
    return Markup('<div class="figures">\n{}\n</div>').format(joined(parts))


def write_figure(name: str, chart: Any, data: pd.DataFrame, folder: Path) -> str:
    """Write `name`.svg and `name`.csv to `folder` and return the SVG."""
    import vl_convert  # a JavaScript engine: only who draws starts it

    svg: str = vl_convert.vegalite_to_svg(chart.to_dict())
    svg = re.sub(r'(id="|url\(#)clip', rf"\1{name}-clip", svg)  # several pictures share one page
    write_text(folder / f"{name}.svg", svg)
    csv: str = data.to_csv(index=False, float_format="%.6g", lineterminator="\n")
    write_text(folder / f"{name}.csv", csv)
    return svg


def sweep_seeds(study: Study) -> str:
    """The seeds of the sweeps, as text."""
    return ", ".join(map(str, study.seeds.sweep))


def figure_fragment(name: str, title: str, caption: str, svg: str, *, alone: bool = False) -> Markup:
    """A picture with its caption and links to its files in `figures/`; `svg` is as `write_figure` left it.

    One that stands `alone` has its caption beside it where the page is wide enough.
    """
    picture = Markup(svg.replace("<svg ", f'<svg role="img" aria-label="{escape(title)}" ', 1))  # Vega escapes texts
    links = Markup('<a href="figures/{0}.svg">SVG</a> <a href="figures/{0}.csv">CSV</a>').format(name)
    return Markup(
        '<figure class="{}" id="{}">\n{}\n<figcaption><b>{}.</b> {}</figcaption>\n<p class="files">{}</p>\n</figure>'
    ).format("chart alone" if alone else "chart", name, picture, title, caption, links)
