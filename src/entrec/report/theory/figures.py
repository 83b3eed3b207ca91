"""The figures of the theory page, each as SVG beside the CSV of what it draws."""

from pathlib import Path

from markupsafe import Markup

from entrec.errors import UserError, one_line
from entrec.paths import figure_files
from entrec.pipeline.recording import command, require_recorded, write_record
from entrec.pipeline.theory_jobs import TheoryJobs
from entrec.report.figure import Figure, read_figure_html, write_figure
from entrec.report.theory import estimator_figures, estimator_frames, identifiability_figures, identifiability_frames
from entrec.report.theory.tables import TABLES
from entrec.theory.study import Setting

# the captions may name {batch} and {steps} of the Gaussians
FIGURES = {
    "latent_recovery": Figure(
        "Recovered against true latents",
        "A linear map of the representation by EntRec (leave-one-out) against the true latents, for held-out points of "
        "the first seed and the first three coordinates. On the line both are equal; points outside the axes are not "
        "shown.",
        identifiability_frames.scatter,
        identifiability_figures.draw_scatter,
    ),
    "latent_recovery_training": Figure(
        "Latent recovery during training",
        "Held-out R² in percent against training steps, one line per seed. All panels share their axes; values below 0 "
        "are cut off.",
        identifiability_frames.curves,
        identifiability_figures.draw_training,
    ),
    "latent_recovery_batch": Figure(
        "Latent recovery by batch size",
        "Held-out R², and the mean of each objective over its last steps, against the number k of pairs in a batch. "
        "The solid line is the information that the views share, and the dotted line is log k. Bars are one standard "
        "deviation over seeds.",
        identifiability_frames.batch_points,
        identifiability_figures.draw_batch,
    ),
    "content_style": Figure(
        "Content and style in representations",
        "Held-out R² of kernel ridge, mean over seeds; bars are one standard deviation. A representation that isolates "
        "content has an R² of 1 for content, and for style the R² that content itself has.",
        identifiability_frames.content_isolation_points,
        identifiability_figures.draw_content_style,
    ),
    "estimators_gaussian": Figure(
        "Bounds during training",
        "The value of each bound on correlated Gaussians while its critic is trained, in nats; the band is one "
        "standard deviation over the steps of a block. The stairs are the true information, which rises every {steps} "
        "steps. The dotted line is log {batch}, shown where it caps the bound. All panels share their axes; values "
        "outside them are cut off.",
        estimator_frames.trace,
        estimator_figures.draw_gaussian,
    ),
    "estimators_sphere": Figure(
        "Estimates at the true latents",
        "Each estimate of the information of von Mises-Fisher pairs against the number k of pairs, in nats; bars are "
        "one standard deviation over draws. The solid line is the truth, and the dotted line is log k. Each panel has "
        "its own scale; values outside it are cut off.",
        estimator_frames.sphere,
        estimator_figures.draw_sphere,
    ),
    "estimators_rates": Figure(
        "Errors against the number of samples",
        "Squared bias, variance and mean squared error of the entropy estimates, in squared nats, on logarithmic axes. "
        "Dashed lines fall at the stated exponents through the middle of the points that slopes are fitted to. A bias "
        "smaller than twice its own standard error is left out.",
        estimator_frames.error_points,
        estimator_figures.draw_rates,
    ),
}

# of the tables and figures, by their anchors on the page
TITLES = {name: table.title for name, table in TABLES.items()} | {name: f.title for name, f in FIGURES.items()}


def write_theory_figure(setting: Setting, name: str, *, results: Path, output: Path) -> None:
    """Write the figure `name` to the folder `output` as .svg and .csv, and its record as .json.

    `results` is `results/theory/<setting>`. Raises `UserError` for an unknown figure and for a result that is
    missing or damaged.
    """
    if name not in FIGURES:
        raise UserError(f"{one_line(name)}: no such figure; allowed: {', '.join(FIGURES)}")
    figure = FIGURES[name]
    data = figure.data(setting, results)
    write_figure(name, figure.draw(setting, data), data, output)
    jobs = TheoryJobs(setting)
    write_record(jobs.figure(name), setting, figure_files(output, name), places={jobs.paths.results.folder: results})


def theory_figure(setting: Setting, name: str, folder: Path) -> Markup:
    """Return the HTML of the figure that `write_theory_figure` left in `folder`, with its caption.

    Raises `UserError` if it is missing or damaged.
    """
    gaussian, remedy = setting.estimators.gaussian, command(setting, TheoryJobs(setting).figure(name).outputs[0])
    fields = {"batch": gaussian.batch_size, "steps": gaussian.steps}
    require_recorded(figure_files(folder, name)[0], remedy)
    return read_figure_html(folder, name, FIGURES[name], fields, remedy=remedy, alone=True)
