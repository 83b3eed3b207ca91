"""The figures of a study: accuracies against what is swept, and what happens while the methods train."""

from functools import partial
from pathlib import Path

from markupsafe import Markup

from entrec.paths import StudyPaths
from entrec.pipeline.recording import command
from entrec.report.figure import Figure, read_figure_html, write_figure
from entrec.report.templates import fragment
from entrec.report.vision.accuracy_figures import by_swept, draw_by_swept
from entrec.report.vision.frames import Frames
from entrec.report.vision.information_figures import draw_losses, draw_over_training, draw_plane, losses, means
from entrec.report.vision.protocol import estimator
from entrec.report.vision.tables import RECIPES
from entrec.results import DISCRETE, GEOMETRY, INFORMATION
from entrec.study import Study

FIGURES = {
    "accuracy_by_batch_size": Figure(
        "Accuracy by batch size",
        "Linear top-1 accuracy on the test split. Every point is a mean over the seeds of the sweep ({seeds}), so "
        "that a line shows the same differences as the Δ of Table 1. Bars are one standard deviation where there is "
        "more than one seed. The number of epochs is fixed, so a smaller batch also means more steps.",
        partial(by_swept, "table_1", "batch_size"),
        partial(draw_by_swept, "batch_size", "batch size"),
    ),
    "accuracy_by_epochs": Figure(
        "Accuracy by epochs",
        "Linear top-1 accuracy on the test split against the length of the whole schedule: each point is trained from "
        "the start. Every point is a mean over the seeds of the sweep ({seeds}); bars are one standard deviation where "
        "there is more than one seed.",
        partial(by_swept, "table_2", "epochs"),
        partial(draw_by_swept, "epochs", "epochs of the schedule"),
    ),
    "training_curves": Figure(
        "Training loss",
        "One line per seed of the headline setting. Every panel has its own scale, because losses of different "
        "methods are not comparable.",
        losses,
        draw_losses,
    ),
    "information_over_training": Figure(
        "Entropy, reconstruction and bound over training",
        "All methods are measured alike on their normalised projections, in nats; lines are means over the seeds of "
        "the headline setting. The bound is the sum of the two panels above it. {estimator}",
        partial(means, INFORMATION),
        partial(draw_over_training, INFORMATION, "nats"),
    ),
    "discrete_information": Figure(
        "Discrete entropy and reconstruction",
        "Methods with a discrete surrogate: plug-in entropy of the mean softmax, and minus the cross-entropy between "
        "the views, in nats; means over the seeds of the headline setting, on as many pairs as the continuous "
        "quantities. The entropy cannot exceed the log of the number of categories, and the reconstruction cannot "
        "exceed zero. The paper's appendix shows such curves for DINO and EntRecDisc; it prints no numbers that ours "
        "could be compared with.",
        partial(means, DISCRETE),
        partial(draw_over_training, DISCRETE, "nats"),
    ),
    "geometry_over_training": Figure(
        "Geometry of the embeddings over training",
        "What can be said of the same normalised projections without a density: effective rank (how many directions "
        "they use), uniformity (log mean of exp(−2 × squared distance) over pairs of images; lower is more even) and "
        "alignment (mean squared distance of two views of an image). Uniformity corresponds to the entropy, alignment "
        "to the reconstruction. Lines are means over the seeds of the headline setting.",
        partial(means, GEOMETRY),
        partial(draw_over_training, GEOMETRY, None),
    ),
    "information_plane": Figure(
        "Entropy against reconstruction",
        "The same measurements as paths, from the first (open point) to the last (filled point). Along a dotted line "
        "the bound is constant; it grows towards the upper right.",
        partial(means, INFORMATION),
        draw_plane,
    ),
}

# by the anchors of the page
TITLES = {name: table.title for name, table in RECIPES.items()} | {name: f.title for name, f in FIGURES.items()}


def write_figures(study: Study, frames: Frames, folder: Path) -> list[str]:
    """Write the figures that the study has numbers for to `folder`, which may stay empty, and return their names."""
    folder.mkdir(parents=True, exist_ok=True)  # an output of the rule, also for a study without figures
    drawn = []
    for name, figure in FIGURES.items():
        data = figure.data(study, frames)
        if len(data):
            write_figure(name, figure.draw(study, data), data, folder)
            drawn.append(name)
    return drawn


def figures_html(study: Study, names: list[str], folder: Path) -> Markup:
    """Return the figures that `write_figures` left in `folder`, with their captions."""
    remedy = command(study, StudyPaths(study.name).report.page)
    fields = {"estimator": estimator(study), "seeds": ", ".join(map(str, study.seeds.sweep))}
    return fragment("figures", [read_figure_html(folder, n, FIGURES[n], fields, remedy=remedy) for n in names])
