"""What every result file holds. Those who write such a file build these models, and those who read it get them back.

The module imports neither torch nor pandas. The order of the fields is the order in the file; `provenance` always
comes last.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from entrec.artefacts import write_json
from entrec.errors import UserError
from entrec.paths import DatasetFolder, StudyPaths
from entrec.settings import Colour, Count, Fraction, Natural, NonNegative, Positive


class Section(BaseModel):
    """A part of a result file: it is frozen, has no unknown keys, and its numbers are finite."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)


class DataIdentity(Section):
    """The name of a prepared dataset and the checksum of all its files."""

    name: str
    checksum: str


class Hardware(Section):
    """The machine that made a result; `threads` are those of torch, `gpu` is null where none was used."""

    cpu: str
    gpu: str | None
    device: str
    threads: Natural
    machine: str


class Provenance(Section):
    """What made a result: parameters, data, seed, code, versions, hardware, wall time and peak memory.

    The file has no `dataset` where the data is synthetic: `params` and `seed` then define it completely.
    `code` joins fingerprints with `+` where a run was resumed by other code. `started` is UTC in ISO 8601.
    """

    params: dict[str, Any]
    dataset: DataIdentity | None = None
    seed: Count
    commit: str | None
    dirty: bool
    code: str
    versions: dict[str, str]
    hardware: Hardware
    started: Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")]
    seconds: NonNegative
    peak_memory_mb: NonNegative


class Result(Section):
    """A whole result file, with its provenance."""

    provenance: Provenance


# Studies of methods ---------------------------------------------------------------------------------------------------


class PretrainingResult(Result):
    """`run.json`: a run and its speed; `parameters` counts those of the backbone.

    `steps` is 0 and `images_per_second` null for a method that is never trained.
    """

    run: str
    study: str
    method: str
    batch_size: Natural
    epochs: Natural
    seed: Count
    steps: Count
    images_per_second: Positive | None
    processes: Natural
    parameters: Natural


# `history.csv`: these columns first, then the terms of the method's own loss, then what was measured (in nats, but for
# the geometry, which has no unit). A row that was logged without a measurement leaves the measured columns empty.
HISTORY = ("step", "epoch", "lr", "loss")
INFORMATION = ("entropy", "reconstruction", "bound")
GEOMETRY = ("effective_rank", "uniformity", "alignment")
DISCRETE = ("discrete_entropy", "discrete_reconstruction")  # only methods with a discrete surrogate have these
MEASURED = (*INFORMATION, *GEOMETRY, *DISCRETE)


class Accuracies(Section):
    """Accuracies of one classifier of frozen features; `test` and `validation` are top-1."""

    test: Fraction
    test_mean_per_class: Fraction
    validation: Fraction


class Strength(Section):
    """One L2 strength that was tried: the validation accuracy and the gradient's norm at the solution."""

    l2: NonNegative
    validation: Fraction
    gradient_norm: NonNegative


class LinearAccuracies(Accuracies):
    """Accuracies of the linear classifier with the chosen `l2`, and the `grid` out of which it was chosen."""

    l2: NonNegative
    grid: Annotated[tuple[Strength, ...], Field(min_length=1)]


class EvaluationResult(Result):
    """`evaluation.json`: linear and nearest-neighbour accuracies of a run's frozen features."""

    run: str
    linear: LinearAccuracies
    knn: Accuracies


class BothMetrics(Section):
    """The two metrics of the test split."""

    top1: Fraction
    mean_per_class: Fraction


class Point(Section):
    """One point of the grid of fine-tuning."""

    lr: Positive
    weight_decay: NonNegative


class ScoredPoint(Point):
    """A point of the grid with its validation score."""

    validation: Fraction


class TransferResult(Result):
    """`transfer/<dataset>.json`: the fine-tuned accuracy; `validation` scores are in the dataset's own `metric`."""

    run: str
    dataset: str
    metric: Literal["top1", "mean_per_class"]
    test: BothMetrics
    validation: Fraction
    chosen: Point
    grid: Annotated[tuple[ScoredPoint, ...], Field(min_length=1)]


# Theory studies -------------------------------------------------------------------------------------------------------

# Information, entropies and objectives are in nats. `setting` is `quick` or `full`.

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


class LatentRecoveryResult(Result):
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


class ContentIsolationResult(Result):
    """`content_isolation/<run>/run.json`: one run of content isolation."""

    setting: str
    row: str
    method: str
    seed: Count
    trace: Annotated[tuple[TrainingRow, ...], Field(min_length=1)]
    scores: IsolationByRepresentation


# Cards of prepared datasets -------------------------------------------------------------------------------------------


class SplitCounts(Section):
    """The number of images of each split."""

    train: Count
    validation: Count
    test: Count


class ClassCounts(Section):
    """The number of images of each class in each split, in the order of the classes."""

    train: tuple[Count, ...]
    validation: tuple[Count, ...]
    test: tuple[Count, ...]


class ShardEnds(Section):
    """The length of a shard in bytes, and the SHA-256 of its two ends."""

    bytes: Natural
    ends: str


class Card(Section):
    """`card.json`: what a prepared dataset holds, how it was prepared, and the SHA-256 of each of its `files`.

    `mean` and `std` are those of each channel of `colour` over the training split, with pixels in [0, 1]. `spec` is the
    study's entry of the dataset. Only encoded datasets have the fields from `measured` to `shards`: the number of
    images that `mean` and `std` were measured on, why each image that is left out could not be read, and the size of
    all shards in bytes.
    """

    description: str
    origin: str
    licence: str
    classes: tuple[str, ...]
    counts: SplitCounts
    class_counts: ClassCounts
    name: str
    size: Natural
    channels: Literal[1, 3]
    colour: Colour
    mean: tuple[float, ...]
    std: tuple[Positive, ...]
    spec: dict[str, Any]
    measured: Natural | None = None
    skipped: tuple[str, ...] = ()
    bytes: Natural | None = None
    shards: dict[str, ShardEnds] = {}
    files: dict[str, str]


# Reading and writing --------------------------------------------------------------------------------------------------

R = TypeVar("R", bound=Section)


def write_result(path: Path, result: Result) -> None:
    """Write `result` as JSON; a field that was not given is left out."""
    values = result.model_dump(exclude_unset=True)
    provenance = values.pop("provenance")
    write_json(path, values | {"provenance": provenance})


def read_result(kind: type[R], path: Path, *, remedy: str, about: Mapping[str, object]) -> R:
    """Return the result of class `kind` in the file `path`, whose fields must have the values of `about`.

    `remedy` is the command that makes the file. Raises `UserError` that names the file, its first fault and `remedy`.
    """
    require_result(path, remedy)
    try:
        result = kind.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise damaged(path, _fault(error), remedy) from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}); fix access, then rerun") from error
    for key, expected in about.items():
        if (found := getattr(result, key)) != expected:
            raise damaged(path, f"{key} is {found!r}, which should be {expected!r}", remedy)
    return result


def read_card(folder: DatasetFolder) -> Card:
    """Return the card of a prepared dataset; raises `UserError` where it is missing, damaged, or lacks a digest."""
    remedy = preparation(folder)
    card = read_result(Card, folder.card, remedy=remedy, about={})
    images = list(card.shards) or [folder.array.name]
    if missing := {folder.labels.name, folder.splits.name, *images} - card.files.keys():
        raise damaged(folder.card, f"has no digest of {', '.join(sorted(missing))}", remedy)
    return card


def preparation(folder: DatasetFolder) -> str:
    """Return what makes a prepared dataset again: the command, where the folder is that of a study in `params/`."""
    study = Path("params", folder.folder.parent.name).with_suffix(".yaml")
    if folder.card != StudyPaths(study.stem).dataset(folder.folder.name).card or not study.is_file():
        return "rerun the preparation"
    return f"snakemake {folder.card} --configfile {study}"


def require_result(path: Path, remedy: str) -> Path:
    """Return `path` if it is a file; raises `UserError` with the command `remedy` that makes it otherwise."""
    if not path.is_file():
        raise UserError(f"{path}: missing; make it: {remedy}")
    return path


def damaged(path: Path, fault: str, remedy: str) -> UserError:
    """Return the error that says what is wrong with the contents of `path` and which command makes it again."""
    return UserError(f"{path}: damaged ({fault}); delete it and make it again: {remedy}")


def _fault(error: ValidationError) -> str:
    """Describe the first fault in one line: the dotted key, the value and what was expected."""
    first = error.errors(include_url=False)[0]
    key = ".".join(map(str, first["loc"])) or "the file"
    if first["type"] == "json_invalid":
        return "not valid JSON"
    if first["type"] == "missing":
        return f"has no {key}"
    if first["type"] == "extra_forbidden":
        return f"has the unknown key {key}"
    if first["type"] == "model_type":
        return f"{key} is a {type(first['input']).__name__}, which should be keys and values"
    found, separator = re.subn(r"^\w+ should", ", which should", first["msg"])
    return f"{key} is {first['input']!r}{found if separator else ': ' + first['msg']}"
