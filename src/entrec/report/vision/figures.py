"""The figures of a study: accuracies against what is swept, and what happens while the methods train."""

from pathlib import Path

from markupsafe import Markup

from entrec.paths import StudyPaths
from entrec.report.figure import Figure, read_figure_html, write_figure
from entrec.report.templates import fragment
from entrec.report.vision import accuracy_figures, information_figures
from entrec.report.vision.frames import Frames
from entrec.report.vision.protocol import estimator
from entrec.report.vision.reading import remedy_of
from entrec.study import Study

FIGURES = {
    "accuracy_by_batch_size": Figure(
        "Accuracy by batch size",
        "Linear top-1 accuracy on the test split. Every point is a mean over the sweeps' seeds ({seeds}), so that a "
        "line shows the same differences as the Δ of the table. Bars are one standard deviation where there is more "
        "than one seed. The number of epochs is fixed, so a smaller batch also means more steps.",
        accuracy_figures.by_batch_size,
        accuracy_figures.draw_by_batch_size,
    ),
    "accuracy_by_epochs": Figure(
        "Accuracy by epochs",
        "Linear top-1 accuracy on the test split against the length of the whole schedule: each point is trained from "
        "the start. Points and bars are as in the figure before.",
        accuracy_figures.by_epochs,
        accuracy_figures.draw_by_epochs,
    ),
    "training_curves": Figure(
        "Training loss",
        "One line per seed, in the headline setting. Every panel has its own scale, because losses of different "
        "methods are not comparable.",
        information_figures.losses,
        information_figures.draw_losses,
    ),
    "information_over_training": Figure(
        "Entropy, reconstruction and bound over training",
        "All methods are measured alike on their normalised projections, in nats; lines are means over the seeds of "
        "the headline setting. The bound is the sum of the two panels above it. {estimator}",
        information_figures.information,
        information_figures.draw_over_training,
    ),
    "discrete_information": Figure(
        "Discrete entropy and reconstruction",
        "Methods with a discrete surrogate: plug-in entropy of the mean softmax, and minus the cross-entropy between "
        "the views, in nats; means over the seeds of the headline setting, on as many pairs as above. The entropy "
        "cannot exceed the log of the number of categories, and the reconstruction cannot exceed zero. The paper's "
        "appendix shows such curves for DINO and EntRecDisc; it prints no numbers to set beside ours.",
        information_figures.discrete_information,
        information_figures.draw_discrete,
    ),
    "geometry_over_training": Figure(
        "Geometry of the embeddings over training",
        "The same normalised projections without a density: effective rank (how many directions they use), uniformity "
        "(log mean of exp(−2 × squared distance) over pairs of images; lower is more even) and alignment (mean squared "
        "distance of two views of an image). Uniformity corresponds to the entropy, alignment to the reconstruction. "
        "Lines are means over the seeds of the headline setting.",
        information_figures.geometry,
        information_figures.draw_geometry,
    ),
    "information_plane": Figure(
        "Entropy against reconstruction",
        "The same measurements as paths, from the open to the filled point. Along a dotted line the bound is constant; "
        "it grows towards the upper right.",
        information_figures.information,
        information_figures.draw_plane,
    ),
}


def write_figures(study: Study, frames: Frames, folder: Path) -> list[str]:
    """Write the figures that the study has numbers for to `folder`, and return their names."""
    drawn = []
    for name, figure in FIGURES.items():
        data = figure.data(study, frames)
        if len(data):
            write_figure(name, figure.draw(study, data), data, folder)
            drawn.append(name)
    return drawn


def figures_html(study: Study, names: list[str], folder: Path) -> Markup:
    """Return the figures that `write_figures` left in `folder`, with their captions."""
    remedy = remedy_of(study, StudyPaths(study.name).report.page)
    fields = {"estimator": estimator(study), "seeds": ", ".join(map(str, study.seeds.sweep))}
    return fragment("figures", [read_figure_html(folder, n, FIGURES[n], fields, remedy=remedy) for n in names])
