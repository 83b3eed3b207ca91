"""The vocabulary of the studies of recovered latents (claim C2) and of isolated content (claim C3).

Read by rules and report too, so it imports no torch.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Annotated, Literal

from pydantic import Field

from entrec.settings import Count, Fraction, Grid, Natural, Positive, Precision, settings
from entrec.theory.settings.estimators import Kappa, Several, Sizes, Widths

Space = Literal["sphere", "box", "unbounded"]
Slope = Annotated[float, Field(gt=0, lt=1)]
Seeds = Annotated[tuple[Count, ...], Field(min_length=1)]
# of the densities in R^n that are proportional to exp(-|x / alpha|^exponent)
EXPONENTS = {"laplace": 1, "normal": 2, "cubic": 3}
LATENT_RECOVERY_METHODS = ("supervised", "info_nce", "entrec_resubstitution", "entrec_leave_one_out")
CONTENT_ISOLATION_METHODS = ("info_nce", "align_entropy", "entrec_cont", "entrec_disc")


@settings
class Density:
    """A density around a centre, the same in every coordinate.

    `width` is kappa of `vmf`, the standard deviation of `normal`, lambda of `laplace` and alpha of `cubic`, the
    generalised normal of exponent 3.
    """

    kind: Literal["vmf", "laplace", "normal", "cubic"]
    width: Positive


@settings
class Network:
    """The mixing, `layers` of leaky ReLU `slope` and the best-conditioned of `draws`, and the encoder that undoes it.

    The encoder has the widths of `hidden` and a leaky ReLU of `encoder_slope`.
    """

    layers: Natural
    slope: Slope
    draws: Natural
    hidden: Widths
    encoder_slope: Slope


@settings
class Training:
    """Adam with a half cosine from `lr` to 0 over `steps` fresh batches.

    The encoder's products are of `precision` while it trains; mixing, objective and scores are in float32 always.
    Every `trace_every` steps R2 is taken of `trace_points` points, half of them to fit on, and the run is saved.
    """

    batch_size: Several
    steps: Natural
    lr: Positive
    precision: Precision
    trace_every: Natural
    trace_points: Annotated[int, Field(ge=4)]


@settings
class LatentRecoveryRow:
    """Pairs of `conditional` in `space`, and an encoder into `output` whose objective has the density `model`.

    `kernel` is the width of EntRec's kernel, which is of the kind of `model`; `steps` are the row's own, if it has any.
    """

    space: Space
    conditional: Density
    output: Space
    model: Density
    kernel: Positive
    steps: Natural | None = None


@settings
class Sweep:
    """One row in batches of every one of `batch_sizes`, with the same number of steps."""

    row: str
    batch_sizes: Sizes
    seeds: Seeds


@settings
class LatentRecovery:
    """Recovered latents: `dimension` of them, every row by every method and seed; one row in other batch sizes too.

    Scores are of `points` held for it, half of them to fit on; `scatter` of the others are kept to be drawn.
    """

    dimension: Several
    network: Network
    training: Training
    points: Annotated[int, Field(ge=4)]
    scatter: Natural
    seeds: Seeds
    rows: Annotated[dict[str, LatentRecoveryRow], Field(min_length=1)]
    sweep: Sweep

    def training_of(self, row: str) -> Training:
        """`training` with the row's own number of steps, if it has one."""
        return replace(self.training, steps=self.rows[row].steps or self.training.steps)


@settings
class ContentIsolationRow:
    """How style hangs together: each coordinate of it changes between views with probability `change`.

    `statistical`: covariances are drawn; `causal`: style depends on content.
    """

    change: Annotated[Fraction, Field(gt=0)]
    statistical: bool
    causal: bool


@settings
class KernelRidge:
    """What three folds choose from."""

    gammas: Grid
    alphas: Grid


@settings
class AlignEntropy:
    """In the unit cube: `bandwidth`, a standard deviation, of the Gaussian kernel, and `weight` of the alignment."""

    bandwidth: Positive
    weight: Positive


@settings
class EntRecCont:
    """EntRec on the sphere in R^(content + 1), which has as many directions as content."""

    kernel_kappa: Kappa
    kappa: Kappa


@settings
class ContentIsolation:
    """Isolated content: `content` and `style` coordinates, `dimension` together.

    InfoNCE scores -|z1 - z2|^2 / `temperature`; `categories` are EntRecDisc's.
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
    entrec_cont: EntRecCont
    categories: Several
    seeds: Seeds
    rows: Annotated[dict[str, ContentIsolationRow], Field(min_length=1)]


def latent_recovery_faults(settings: LatentRecovery) -> Iterator[str]:
    """What is wrong with rows that are each well formed: `rows.NAME.KEY: …`."""
    if settings.sweep.row not in settings.rows:
        yield f"sweep.row: {settings.sweep.row!r} is no row; allowed: {', '.join(settings.rows)}"
    for key, points in {"points": settings.points, "training.trace_points": settings.training.trace_points}.items():
        if points // 2 <= settings.dimension:
            yield f"{key}: {points}, half of which a line in {settings.dimension} dimensions would fit; allowed: more"
    for name, row in settings.rows.items():
        allowed: tuple[Space, ...] = ("box", "unbounded") if row.space == "box" else (row.space,)
        if row.output not in allowed:
            yield f"rows.{name}.output: {row.output!r} for latents in {row.space!r}; allowed: {', '.join(allowed)}"
        if row.conditional.kind == "vmf" and row.space != "sphere":
            yield f"rows.{name}.conditional.kind: 'vmf' in {row.space!r}; allowed: {', '.join(EXPONENTS)}"
        if (row.model.kind == "vmf") != (row.output == "sphere"):
            kinds = "vmf" if row.output == "sphere" else ", ".join(EXPONENTS)
            yield f"rows.{name}.model.kind: {row.model.kind!r} for output in {row.output!r}; allowed: {kinds}"


def content_isolation_faults(settings: ContentIsolation) -> Iterator[str]:
    """What is wrong with sizes that are each well formed."""
    if settings.content + settings.style != settings.dimension:
        yield (
            f"style: {settings.content} content and {settings.style} style coordinates of {settings.dimension};"
            f" allowed: as many as make up dimension"
        )
    widest = max(settings.dimension, settings.categories)
    for key, points in {"points": settings.points, "training.trace_points": settings.training.trace_points}.items():
        if points // 2 <= widest:
            yield f"{key}: {points}, half of which a line in {widest} dimensions would fit; allowed: more"
