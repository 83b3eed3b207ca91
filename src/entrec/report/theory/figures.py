"""The figures of the theory page, each as SVG beside the CSV of what it draws."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from markupsafe import Markup

from entrec.errors import UserError
from entrec.pipeline.theory_inputs import THEORY_FIGURES
from entrec.report.figures import figure_fragment, write_figure
from entrec.report.records import existing
from entrec.report.theory import estimator_figures, estimator_frames, identifiability_figures, identifiability_frames
from entrec.theory.study import Setting


@dataclass(frozen=True)
class TheoryFigure:
    """`data` reads the rows from results, `draw` makes the chart of them; `caption` may name {batch} and {steps}."""

    title: str
    caption: str
    data: Callable[[Setting, Path], pd.DataFrame]
    draw: Callable[[Setting, pd.DataFrame], Any]


FIGURES = {
    "latent_recovery": TheoryFigure(
        "Recovered against true latents",
        "What a linear map makes of the encoder trained with EntRec, leave-one-out, against the true latents, for "
        "held-out points of the first seed and the first three coordinates. On the line they are equal; what leaves "
        "the axes is cut off.",
        identifiability_frames.scatter,
        identifiability_figures.draw_scatter,
    ),
    "latent_recovery_training": TheoryFigure(
        "Recovery while encoders train",
        "Held-out R² in percent against training steps, one line per seed. Panels share their axes; what is below 0 is "
        "cut off.",
        identifiability_frames.curves,
        identifiability_figures.draw_training,
    ),
    "latent_recovery_batch": TheoryFigure(
        "Recovery by batch size",
        "Held-out R², and the mean of each objective over its last steps, against the number k of pairs in a batch. "
        "The solid rule is the information that the views share, the dotted line log k. Bars are one standard "
        "deviation over seeds.",
        identifiability_frames.batch_points,
        identifiability_figures.draw_batch,
    ),
    "content_style": TheoryFigure(
        "What representations tell of content and of style",
        "Held-out R² of kernel ridge, mean over seeds; bars are one standard deviation. Isolated content has content "
        "at 1 and style where content itself has it.",
        identifiability_frames.content_isolation_points,
        identifiability_figures.draw_content_style,
    ),
    "estimators_gaussian": TheoryFigure(
        "Bounds while they are trained",
        "What each bound says of correlated Gaussians while its critic trains, in nats; the band is one standard "
        "deviation over the steps of a block. The stairs are the truth, which rises every {steps} steps; the dotted "
        "line is log {batch} where that caps the bound. Panels share their axes, and what leaves them is cut off.",
        estimator_frames.trace,
        estimator_figures.draw_gaussian,
    ),
    "estimators_sphere": TheoryFigure(
        "Estimates at the true latents",
        "What each estimate says of von Mises-Fisher pairs against the number of pairs k, in nats; bars are one "
        "standard deviation over draws. The solid rule is the truth, the dotted line log k. Every panel has its own "
        "scale, and what leaves it is cut off.",
        estimator_frames.sphere,
        estimator_figures.draw_sphere,
    ),
    "estimators_rates": TheoryFigure(
        "Errors against the number of samples",
        "Squared bias, variance and mean squared error of the entropy estimates, in squared nats, on logarithmic axes. "
        "Dashed guides fall at the stated exponents through the middle of the points that slopes are fitted to. A bias "
        "below twice its own error is left out.",
        estimator_frames.error_points,
        estimator_figures.draw_rates,
    ),
}


def write_theory_figure(setting: Setting, name: str, *, results: Path, output: Path) -> None:
    """Write the figure `name` to the folder `output` as .svg and .csv.

    `results` is `results/theory/<setting>`. Raises `UserError` for an unknown figure and for a result that is
    missing or damaged.
    """
    if name not in FIGURES:
        raise UserError(f"{name}: no such figure; allowed: {', '.join(THEORY_FIGURES)}")
    figure = FIGURES[name]
    data = figure.data(setting, results)
    write_figure(name, figure.draw(setting, data), data, output)


def theory_figure(setting: Setting, name: str, folder: Path) -> Markup:
    """The figure that `write_theory_figure` left in `folder`, with its caption; `UserError` where it is missing."""
    path = existing(folder / f"{name}.svg", f"snakemake reports/theory/{setting}/figures/{name}.svg")
    gaussian = setting.estimators.gaussian
    figure = FIGURES[name]
    caption = figure.caption.format(batch=gaussian.batch_size, steps=gaussian.steps)
    return figure_fragment(name, figure.title, caption, path.read_text(encoding="utf-8"), alone=True)
