"""The results of the theory studies.

Information, entropies and objectives are in nats; `setting` is `quick` or `full`.
"""

from typing import Annotated

from pydantic import Field

from entrec.results.model import Digest, Result, Section
from entrec.results.numbers import Count, Natural, NonNegative, Positive

Explained = Annotated[float, Field(le=1)]  # R2 of points that nothing was fitted to; below 0 is worse than their mean
Correlation = Annotated[float, Field(ge=0, le=1 + 1e-9)]  # an absolute value, which rounding may lift above 1


class TraceBlock(Section):
    """Estimates of one bound while its critic trained: mean and standard deviation over a block of steps.

    `step` is the last step of the block and `truth` the information of its level.
    """

    step: Natural
    truth: Positive
    mean: float
    sd: NonNegative


class Level(Section):
    """Estimates of one bound after a level: mean and standard deviation over fresh batches, without updates."""

    truth: Positive
    mean: float
    sd: NonNegative
    batches: Natural


class GaussianResult(Result):
    """`gaussian/<bound>-s<seed>.json`: one bound of the information between correlated Gaussians."""

    bound: str
    seed: Count
    setting: str
    trace: tuple[TraceBlock, ...]
    levels: tuple[Level, ...]


class SphereRow(Section):
    """One estimate of the information between vMF pairs: mean and standard deviation over `repeats` samples."""

    kappa: Positive
    samples: Natural
    estimator: str
    mean: float
    sd: NonNegative
    repeats: Natural
    truth: float


class SphereResult(Result):
    """`sphere/d<dimension>.json`: estimates of the information between vMF pairs at their true latents."""

    dimension: Natural
    setting: str
    rows: tuple[SphereRow, ...]


class RateRow(Section):
    """The errors of one entropy estimate about its limit, over `repeats` samples of size `samples`.

    `width` is that of the kernel in `width_rows`; the file leaves it out in `rows`, which all have the case's own.
    """

    width: Positive | None = None
    samples: Natural
    bias: float
    bias_error: NonNegative
    variance: Positive
    mse: Positive
    repeats: Natural


class FittedSlope(Section):
    """An exponent fitted to an error, its 95 % interval and the exponent that a theorem states.

    `quantity` is the error; `reading` says which part of the theorem the exponent belongs to.
    """

    quantity: str
    slope: float
    low: float
    high: float
    stated: float
    reading: str


class RatesResult(Result):
    """`rates/<case>.json`: how fast one entropy estimate converges, and the exponents fitted to it."""

    case: str
    setting: str
    estimator: str
    data: str
    dimension: Natural
    width: Positive | None
    truth: float
    limit: float
    fit_from: Natural
    rows: tuple[RateRow, ...]
    width_rows: tuple[RateRow, ...]
    fits: tuple[FittedSlope, ...]


class TrainingRow(Section):
    """A training encoder: the objective and its terms, as means since the row before, and R2 after `step`.

    An objective has the terms that its function in `theory.identifiability.objectives` returns.
    """

    step: Natural
    objective: float
    accuracy: float | None = None
    information: float | None = None
    entropy: float | None = None
    reconstruction: float | None = None
    alignment: float | None = None
    r2: Explained


class RecoveryScores(Section):
    """How well one representation gives the latents back: linear R2 and matched absolute correlations."""

    r2: Explained
    correlation: Correlation
    rank_correlation: Correlation


class RecoveryByRepresentation(Section):
    """The scores of the trained encoder, the untrained encoder and the observations themselves."""

    trained: RecoveryScores
    untrained: RecoveryScores
    observations: RecoveryScores


class Scatter(Section):
    """True latents and their linear prediction, both (points, latents)."""

    true: Annotated[tuple[tuple[float, ...], ...], Field(min_length=1)]
    recovered: Annotated[tuple[tuple[float, ...], ...], Field(min_length=1)]


class IdentifiabilityResult(Result):
    """`run.json` of a run that trains: it names the digests of the encoder and the process that lie beside it."""

    encoder: Digest
    process: Digest


class LatentRecoveryResult(IdentifiabilityResult):
    """`latent_recovery/<run>/run.json`: one run of latent recovery.

    `information` is what the two views share, or null where it has no closed form.
    """

    setting: str
    batch_size: Natural
    row: str
    method: str
    seed: Count
    information: Positive | None
    trace: Annotated[tuple[TrainingRow, ...], Field(min_length=1)]
    scores: RecoveryByRepresentation
    scatter: Scatter


class IsolationScores(Section):
    """How well one representation predicts some latents: R2 of kernel ridge, with what its folds chose, and linear."""

    kernel_ridge: Explained
    linear: Explained
    gamma: Positive
    alpha: Positive


class ContentAndStyle(Section):
    """The scores of the content latents and of the style latents."""

    content: IsolationScores
    style: IsolationScores


class IsolationByRepresentation(Section):
    """The scores of the trained encoder, the untrained encoder, the observations and the true content."""

    trained: ContentAndStyle
    untrained: ContentAndStyle
    observations: ContentAndStyle
    oracle: ContentAndStyle


class ContentIsolationResult(IdentifiabilityResult):
    """`content_isolation/<run>/run.json`: one run of content isolation."""

    setting: str
    row: str
    method: str
    seed: Count
    trace: Annotated[tuple[TrainingRow, ...], Field(min_length=1)]
    scores: IsolationByRepresentation
