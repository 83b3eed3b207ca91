"""The settings of latent recovery (claim C2) and of content isolation (claim C3) in `params/theory.yaml`.

The classes check themselves. This module imports no torch, since rules and report read it too.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Annotated, Literal

from pydantic import Field

from entrec.settings import (
    KAPPAS,
    Distinct,
    Fraction,
    Grid,
    Name,
    Natural,
    Positive,
    Precision,
    Several,
    settings,
)
from entrec.strict import Fault, check, unknown
from entrec.theory.settings.estimators import EntRec, Seeds, Sizes, Widths

Space = Literal["sphere", "box", "unbounded"]
Slope = Annotated[float, Field(gt=0, lt=1)]
# of the densities in R^n that are proportional to exp(-|x / alpha|^exponent)
EXPONENTS = {"laplace": 1, "normal": 2, "cubic": 3}


@settings
class Density:
    """A density around a centre, the same in every coordinate.

    `width` is the kappa of `vmf`, the standard deviation of `normal`, the lambda of `laplace`, and the alpha of
    `cubic`, which is the generalised normal with the exponent 3.
    """

    kind: Literal["vmf", "laplace", "normal", "cubic"]
    width: Positive


@settings
class Network:
    """The mixing, and the encoder that is to undo it.

    The mixing has `layers` with leaky ReLU of the given `slope` between them; each is the best-conditioned of `draws`
    random matrices. The encoder has hidden layers of the widths `hidden`, with leaky ReLU of `encoder_slope`.
    """

    layers: Natural
    slope: Slope
    draws: Natural
    hidden: Widths
    encoder_slope: Slope


@settings
class Training:
    """The training of an encoder by Adam, whose learning rate falls as half a cosine from `lr` to 0.

    There are `steps` batches of fresh pairs. `precision` is that of the encoder's products while it trains; mixing,
    objective and scores are in float32 always. After every `trace_every` steps, R2 is measured on `trace_points`
    points, a half of which the linear map is fitted to, and the run is saved.
    """

    batch_size: Several
    steps: Natural
    lr: Positive
    precision: Precision
    trace_every: Natural
    trace_points: Annotated[int, Field(ge=4)]


@settings
class LatentRecoveryRow:
    """One set-up of latent recovery.

    `space`: where the latents lie; `conditional`: the density of the second view's latents around the first's.
    `output`: the space that the encoder maps into; `model`: the density that the objective assumes there.
    `kernel`: the width of EntRec's kernel, which is of the same kind as `model`.
    `steps`: the number of steps, where it differs from that of the training settings.
    """

    space: Space
    conditional: Density
    output: Space
    model: Density
    kernel: Positive
    steps: Natural | None = None

    @check
    def _spaces(self) -> Iterator[Fault]:
        """Yield an output space that does not contain the latents, and densities that a space does not have."""
        allowed: tuple[Space, ...] = ("box", "unbounded") if self.space == "box" else (self.space,)
        if self.output not in allowed:
            yield Fault("output", f"{self.output!r} for latents in {self.space!r}", ", ".join(allowed))
        if self.conditional.kind == "vmf" and self.space != "sphere":
            yield Fault("conditional.kind", f"'vmf' in {self.space!r}", ", ".join(EXPONENTS))
        if (self.model.kind == "vmf") != (self.output == "sphere"):
            kinds = "vmf" if self.output == "sphere" else ", ".join(EXPONENTS)
            yield Fault("model.kind", f"{self.model.kind!r} for output in {self.output!r}", kinds)

    @check
    def _concentrations(self) -> Iterator[Fault]:
        """Yield concentrations of von Mises-Fisher densities and kernels that are out of range."""
        low, high = KAPPAS
        widths = {"conditional.width": self.conditional, "model.width": self.model}
        vmf = {key: density.width for key, density in widths.items() if density.kind == "vmf"}
        kernel = {"kernel": self.kernel} if self.model.kind == "vmf" else {}
        for key, width in (vmf | kernel).items():
            if not low <= width <= high:
                yield Fault(key, f"{width:g} of a vmf density", f"{low:g} to {high:g}")


@settings
class Sweep:
    """One row of latent recovery, trained with each of `batch_sizes` for the same number of steps."""

    row: str
    batch_sizes: Annotated[Sizes, Distinct]
    seeds: Seeds


@settings
class LatentRecovery:
    """Latent recovery: every row by every objective and seed, and one row with other batch sizes too.

    `dimension` is the number of latents. Scores are of `points` that are drawn for them; the linear map is fitted to
    one half. The result keeps `scatter` points of the other half for the figure.
    """

    dimension: Several
    network: Network
    training: Training
    points: Annotated[int, Field(ge=4)]
    scatter: Natural
    seeds: Seeds
    rows: Annotated[dict[Name, LatentRecoveryRow], Field(min_length=1)]
    sweep: Sweep

    @check
    def _sweep_over_a_row(self) -> Iterator[Fault]:
        """Yield a sweep over something that is no row."""
        if self.sweep.row not in self.rows:
            yield unknown("sweep.row", self.sweep.row, self.rows, what="row")

    @check
    def _enough_points(self) -> Iterator[Fault]:
        """Yield numbers of points of which a linear map would fit a half exactly."""
        yield from enough_points(self.points, self.training, dimensions=self.dimension)

    def training_of(self, row: str) -> Training:
        """Return `training` with the number of steps of a row, where the row has its own."""
        return replace(self.training, steps=self.rows[row].steps or self.training.steps)


@settings
class ContentIsolationRow:
    """One set-up of content isolation: how style depends on content and changes between views.

    `change`: the probability that a coordinate of style changes between the views.
    `statistical`: whether the coordinates of content, and those of style, are correlated.
    `causal`: whether style depends on content.
    """

    change: Annotated[Fraction, Field(gt=0)]
    statistical: bool
    causal: bool


@settings
class KernelRidge:
    """The candidates out of which cross-validation with three folds chooses."""

    gammas: Grid
    alphas: Grid


@settings
class AlignEntropy:
    """Alignment and entropy in the unit cube.

    `bandwidth` is the standard deviation of the Gaussian kernel, and `weight` multiplies the alignment.
    """

    bandwidth: Positive
    weight: Positive


@settings
class ContentIsolation:
    """Content isolation: every row by every objective and seed.

    There are `content` and `style` latents, `dimension` together. Scores are of `points` that are drawn for them; maps
    are fitted to one half. InfoNCE has the critic -|z1 - z2|^2 / `temperature`; EntRecDisc has so many `categories`.
    The sphere of `entrec_cont` lies in R^(content + 1): it has as many directions as content.
    """

    dimension: Several
    content: Natural
    style: Natural
    network: Network
    training: Training
    points: Annotated[int, Field(ge=12)]
    kernel_ridge: KernelRidge
    temperature: Positive
    align_entropy: AlignEntropy
    entrec_cont: EntRec
    categories: Several
    seeds: Seeds
    rows: Annotated[dict[Name, ContentIsolationRow], Field(min_length=1)]

    @check
    def _content_and_style(self) -> Iterator[Fault]:
        """Yield numbers of content and style latents that do not make up all latents."""
        if self.content + self.style != self.dimension:
            problem = f"{self.content} content and {self.style} style coordinates of {self.dimension}"
            yield Fault("style", problem, "as many as make up dimension")

    @check
    def _enough_points(self) -> Iterator[Fault]:
        """Yield numbers of points of which a linear map would fit a half exactly."""
        yield from enough_points(self.points, self.training, dimensions=max(self.dimension, self.categories))


def enough_points(points: int, training: Training, *, dimensions: int) -> Iterator[Fault]:
    """Yield the numbers of points a half of which a linear map from so many `dimensions` would fit exactly."""
    for key, number in {"points": points, "training.trace_points": training.trace_points}.items():
        if number // 2 <= dimensions:
            yield Fault(key, f"{number}, half of which a linear map from {dimensions} dimensions would fit", "more")
