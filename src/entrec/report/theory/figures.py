"""The figures of the theory page, each as SVG beside the CSV of what it draws."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from markupsafe import Markup

from entrec.errors import UserError
from entrec.report.figures import figure_fragment, write_figure
from entrec.report.theory import estimator_figures, estimator_frames, identifiability_figures, identifiability_frames
from entrec.theory.study import Setting


@dataclass(frozen=True)
class TheoryFigure:
    """`data` reads the rows from results and `draw` draws them; `caption` may name {batch} and {steps}."""

    title: str
    caption: str
    data: Callable[[Setting, Path], pd.DataFrame]
    draw: Callable[[Setting, pd.DataFrame], Any]


FIGURES = {
    "latent_recovery": TheoryFigure(
        "Recovered against true latents",
        "A linear map of the representation by EntRec (leave-one-out) against the true latents, for held-out points of "
        "the first seed and the first three coordinates. On the line both are equal; points outside the axes are not "
        "shown.",
        identifiability_frames.scatter,
        identifiability_figures.draw_scatter,
    ),
    "latent_recovery_training": TheoryFigure(
        "Latent recovery during training",
        "Held-out R² in percent against training steps, one line per seed. All panels share their axes; values below 0 "
        "are cut off.",
        identifiability_frames.curves,
        identifiability_figures.draw_training,
    ),
    "latent_recovery_batch": TheoryFigure(
        "Latent recovery by batch size",
        "Held-out R², and the mean of each objective over its last steps, against the number k of pairs in a batch. "
        "The solid line is the information that the views share, and the dotted line is log k. Bars are one standard "
        "deviation over seeds.",
        identifiability_frames.batch_points,
        identifiability_figures.draw_batch,
    ),
    "content_style": TheoryFigure(
        "Content and style in representations",
        "Held-out R² of kernel ridge, mean over seeds; bars are one standard deviation. A representation that isolates "
        "content has content at 1, and style where content itself has it.",
        identifiability_frames.content_isolation_points,
        identifiability_figures.draw_content_style,
    ),
    "estimators_gaussian": TheoryFigure(
        "Bounds during training",
        "The value of each bound on correlated Gaussians while its critic is trained, in nats; the band is one "
        "standard deviation over the steps of a block. The stairs are the true information, which rises every {steps} "
        "steps. The dotted line is log {batch}, shown where it caps the bound. All panels share their axes; values "
        "outside them are cut off.",
        estimator_frames.trace,
        estimator_figures.draw_gaussian,
    ),
    "estimators_sphere": TheoryFigure(
        "Estimates at the true latents",
        "Each estimate of the information of von Mises-Fisher pairs against the number k of pairs, in nats; bars are "
        "one standard deviation over draws. The solid line is the truth, and the dotted line is log k. Each panel has "
        "its own scale; values outside it are cut off.",
        estimator_frames.sphere,
        estimator_figures.draw_sphere,
    ),
    "estimators_rates": TheoryFigure(
        "Errors against the number of samples",
        "Squared bias, variance and mean squared error of the entropy estimates, in squared nats, on logarithmic axes. "
        "Dashed lines fall at the stated exponents through the middle of the points that slopes are fitted to. A bias "
        "smaller than twice its own standard error is left out.",
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
        raise UserError(f"{name}: no such figure; allowed: {', '.join(FIGURES)}")
    figure = FIGURES[name]
    data = figure.data(setting, results)
    write_figure(name, figure.draw(setting, data), data, output)


def theory_figure(setting: Setting, name: str, folder: Path) -> Markup:
    """Return the figure that `write_theory_figure` left in `folder`, with its caption."""
    gaussian, figure = setting.estimators.gaussian, FIGURES[name]
    caption = figure.caption.format(batch=gaussian.batch_size, steps=gaussian.steps)
    svg = (folder / f"{name}.svg").read_text(encoding="utf-8")
    return figure_fragment(name, figure.title, caption, svg, alone=True)
