"""The settings that a study file can make: frozen dataclasses that check themselves and refuse unknown keys.

The numbers stand in `params/*.yaml`. Nothing here has a default that could change a number.
"""

import os
import re
from collections.abc import Iterator
from typing import Annotated, Any, Literal, NamedTuple, TypeVar, dataclass_transform

from pydantic import AfterValidator, ConfigDict, Field
from pydantic.dataclasses import dataclass

from entrec.errors import UserError, check_printable, listed, shown
from entrec.sources import SOURCES, SUPPLIES
from entrec.strict import Fault, check, refuse, self_checking, unknown

Values = TypeVar("Values", bound=tuple[Any, ...])


def _distinct(values: Values) -> Values:
    repeated = (i for i, value in enumerate(values) if value in values[:i])
    refuse(Fault(str(i), f"{shown(values[i])} given twice", "each value once") for i in repeated)
    return values


def _increasing(interval: tuple[float, float]) -> tuple[float, float]:
    if interval[0] > interval[1]:
        refuse([Fault("", f"{list(interval)} runs from high to low", "the lower end first")])
    return interval


def _source(source: str) -> str:
    if source not in SOURCES:
        refuse([unknown("", source, SOURCES, what="source")])
    return source


def _name(name: str) -> str:
    if not re.fullmatch(NAME, name) or len(name) > LONGEST_NAME:
        refuse([Fault("", f"{shown(name)} cannot be a name", NAMES)])
    return name


def _study_name(name: str) -> str:
    if name in RESERVED:
        refuse([Fault("", f"{name!r} cannot be the name of a study: reports/{name} or data/{name} is something else")])
    return _name(name)


# the names of studies and datasets become parts of paths, of commands, of dotted keys and of DVC's stages
NAME, LONGEST_NAME = "[A-Za-z0-9_][A-Za-z0-9_-]*", 100
NAMES = f"letters of A to Z, digits, _ and -, at most {LONGEST_NAME}, the first not -"
LONGEST_PATH, LONGEST_PART = 4_000, 255  # bytes of a path and of a name in it: a little less than Linux can open
RESERVED = ("theory", "templates", "notebooks", "published", "raw")
LARGEST = 2**31 - 1  # of whole numbers, so that products of two stay in 64 bits
HUGE, TINY = 1e9, 1e-9  # of real numbers, so that products of some stay in float32

Natural = Annotated[int, Field(ge=1, le=LARGEST)]
Several = Annotated[int, Field(ge=2, le=LARGEST)]
Count = Annotated[int, Field(ge=0, le=LARGEST)]
Seed = Annotated[int, Field(ge=0, lt=2**63)]
Pixels = Annotated[int, Field(ge=1, le=4096)]
Width = Annotated[int, Field(ge=1, le=65_536)]
Positive = Annotated[float, Field(ge=TINY, le=HUGE)]
NonNegative = Annotated[float, Field(ge=0, le=HUGE)]
Fraction = Annotated[float, Field(ge=0, le=1)]
AreaShare = Annotated[float, Field(ge=1e-4, le=1)]
Temperature = Annotated[float, Field(ge=1e-4, le=1e4)]
KAPPAS = (1e-6, 1e6)  # of von Mises-Fisher densities
Kappa = Annotated[float, Field(ge=KAPPAS[0], le=KAPPAS[1])]
Precision = Literal["float32", "bfloat16"]
Arithmetic = Literal["portable", "native"]  # of a CPU: see entrec.arithmetic
Colour = Literal["rgb", "lab"]
Grid = Annotated[tuple[Positive, ...], Field(min_length=1)]
GridFromZero = Annotated[tuple[NonNegative, ...], Field(min_length=1)]
Interval = Annotated[tuple[NonNegative, NonNegative], AfterValidator(_increasing)]
PositiveInterval = Annotated[tuple[Positive, Positive], AfterValidator(_increasing)]
Ratio = Annotated[float, Field(ge=0.01, le=100)]
Distinct = AfterValidator(_distinct)  # for tuples
Name = Annotated[str, AfterValidator(_name)]
StudyName = Annotated[str, AfterValidator(_study_name)]


@dataclass_transform(frozen_default=True)
def settings(cls: type) -> Any:
    """Return `cls` as a frozen dataclass that checks itself and refuses unknown keys and values of another type."""
    return dataclass(self_checking(cls), frozen=True, config=ConfigDict(extra="forbid", strict=True))


@settings
class Dataset:
    """One dataset as it is prepared and as the networks see it.

    `source`: where its images come from, one of `entrec.sources`.
    `size`: side in pixels of the square images that the networks see.
    `channels`: 1 for grey images, 3 for colour images.
    `validation`: share of the training split that becomes the validation split; 0 keeps the source's own split.
    `test`: share of all images that becomes the test split; 0 keeps the source's own split.
    `metric`: the accuracy that is customary for this dataset.
    `path`: folder of the original files, for sources that are neither in a package nor downloaded.
    `colour`: input colour space, converted after augmentation.
    `short_side`: null stores one array of squares of `size` pixels. A number stores encoded images, whose short side
    is reduced to so many pixels and never enlarged, and which are decoded for each batch.
    `broken`: whether an image that cannot be read stops the preparation of encoded images or is left out.
    """

    source: Annotated[str, AfterValidator(_source)]
    size: Pixels
    channels: Literal[1, 3]
    validation: Annotated[float, Field(ge=0, lt=1)]
    test: Annotated[float, Field(ge=0, lt=1)]
    metric: Literal["top1", "mean_per_class"]
    path: str | None = None
    colour: Colour = "rgb"
    short_side: Pixels | None = None
    broken: Literal["fatal", "skip"] = "fatal"

    @property
    def encoded(self) -> bool:
        """Whether the prepared dataset stores encoded images instead of one array."""
        return self.short_side is not None

    @check
    def _possible_path(self) -> Iterator[Fault]:
        """Yield a path that no message or no file system can hold."""
        try:
            check_printable(self.path)
        except UserError as error:
            yield Fault("path", str(error))
            return
        written = os.fsencode(self.path or "")
        if len(written) > LONGEST_PATH or any(len(part) > LONGEST_PART for part in written.split(b"/")):
            allowed = f"up to {LONGEST_PATH:,} bytes, and {LONGEST_PART} between two slashes"
            yield Fault("path", f"{shown(self.path)} is too long for a path", allowed)

    @check
    def _source_and_storage(self) -> Iterator[Fault]:
        """Yield what the source does not have: a folder of files, one array, encoded images, colours."""
        source = SOURCES[self.source]
        if source.needs_path and not self.path:
            yield Fault("path", f"{shown(self.path)}; {self.source} needs the folder of its files", "a folder")
        if not source.needs_path and self.path is not None:
            yield Fault("path", f"{shown(self.path)}; {self.source} {SUPPLIES[source.supply]}", "null, or no path")
        if not source.may_be_encoded and self.encoded:
            yield Fault("short_side", f"{self.short_side}; {self.source} is stored as one array", "null")
        if not source.may_be_array and not self.encoded:
            yield Fault("short_side", f"null; {self.source} is stored as encoded images", "whole numbers from 1")
        if self.broken == "skip" and not self.encoded:
            yield Fault("broken", "'skip'; only encoded images can be left out", "'fatal', or a short_side")
        if self.encoded and self.channels != 3:
            yield Fault("channels", f"{self.channels}; encoded images are in colour", "3")
        if self.colour == "lab" and self.channels == 1:
            yield Fault("colour", "'lab' of grey images", "'rgb', or channels 3")


@settings
class View:
    """One family of augmentations, in the order in which they are applied; probabilities are for each image.

    `crop_scale`: range of the crop's area as a share of the image.
    `crop_ratio`: range of the crop's width over its height.
    `flip`, `jitter`, `greyscale`, `blur`, `solarise`: probabilities.
    `brightness`, `contrast`, `saturation`: the jitter's factors are drawn from 1 minus to 1 plus this.
    `hue`: the jitter's shift of the hue is drawn from minus to plus this; 1 is once round the colour circle.
    `blur_sigma`: range of the blur's standard deviation in pixels.
    `solarise_threshold`: pixels from this value on are inverted; 1 is white.
    """

    crop_scale: Annotated[tuple[AreaShare, AreaShare], AfterValidator(_increasing)]
    crop_ratio: Annotated[tuple[Ratio, Ratio], AfterValidator(_increasing)]
    flip: Fraction
    jitter: Fraction
    brightness: Fraction
    contrast: Fraction
    saturation: Fraction
    hue: Annotated[float, Field(ge=0, le=0.5)]
    greyscale: Fraction
    blur: Fraction
    blur_sigma: Interval
    solarise: Fraction
    solarise_threshold: Fraction


@settings
class LocalViews:
    """The small crops beside the two views (multi-crop), for methods with `local_crops`: their side in pixels."""

    size: Pixels
    view: View


class Transformer(NamedTuple):
    """The depth in blocks and the attention heads that the name of a Vision Transformer stands for."""

    depth: int
    heads: int


# the first two are timm's and DeiT's ViT-S and ViT-B; widths 384 and 768 there
TRANSFORMERS = {"vit_small": Transformer(12, 6), "vit_base": Transformer(12, 12), "small_vit": Transformer(4, 4)}
RESNET_STEMS, TRANSFORMER_STEMS = ("3x3", "7x7"), ("2x2", "4x4", "8x8", "16x16")
NARROWEST_HEAD = 8


@settings
class Network:
    """The backbone: `small_resnet` (three stages of one block), a ResNet of timm or a Vision Transformer.

    `width`: channels of a ResNet's first stage (timm's have 64); width of a Transformer's tokens, all heads together.
    `stem`: a ResNet's first convolution, `3x3` without pooling for small images or `7x7` with pooling; the size in
    pixels of a Transformer's patches.
    """

    backbone: Literal["small_resnet", "resnet18", "resnet50", "small_vit", "vit_small", "vit_base"]
    width: Annotated[int, Field(ge=1, le=4096)]
    stem: Literal["3x3", "7x7", "2x2", "4x4", "8x8", "16x16"]

    @property
    def transformer(self) -> Transformer | None:
        """The depth and heads of a Vision Transformer; None for a ResNet."""
        return TRANSFORMERS.get(self.backbone)

    @property
    def patch(self) -> int:
        """The side in pixels of the first layer's kernel, which is a Transformer's patch."""
        return int(self.stem.split("x")[0])

    def positions(self, size: int) -> int:
        """Return the pixels of a ResNet's last map for images of `size`; a Transformer has no batch norms: many."""
        if self.transformer:
            return LARGEST
        halvings = (2 if self.backbone == "small_resnet" else 3) + (2 if self.stem == "7x7" else 0)
        return (-(-size // 2**halvings)) ** 2

    @check
    def _shape(self) -> Iterator[Fault]:
        """Yield a stem or a width that the backbone cannot have."""
        stems = TRANSFORMER_STEMS if self.transformer else RESNET_STEMS
        if self.stem not in stems:
            yield Fault("stem", f"{self.stem!r} of a {self.backbone}", ", ".join(stems))
        if self.transformer:
            heads = self.transformer.heads
            narrowest = NARROWEST_HEAD * heads
            if self.width % heads or self.width < narrowest:
                allowed = f"multiples of its {heads} heads from {narrowest}"
                yield Fault("width", f"{self.width} of a {self.backbone}", allowed)


@settings
class Optimiser:
    """The optimiser of one method.

    `lr`: learning rate for a batch of 256 images; `lr_scaling` says how it grows with the batch.
    `momentum`: of sgd and lars; the first beta of adamw, whose second is torch's 0.999.
    """

    name: Literal["adamw", "sgd", "lars"]
    lr: Positive
    lr_scaling: Literal["none", "sqrt", "linear"]
    momentum: Annotated[float, Field(ge=0, lt=1)]
    weight_decay: NonNegative


@settings
class Training:
    """What the training of all methods has in common; the learning rate follows a cosine after the warm-up.

    `warmup_epochs`: epochs in which the learning rate rises from 0.
    `channels_last`: whether the channels of an image lie next to each other in memory.
    `compile`: whether torch compiles the networks.
    `chunk`: images that one process sends through the backbone at once; null is its whole share of a view.
    `checkpoint_seconds`: time between two checkpoints.
    `log_every`: steps between two lines of the history.
    """

    warmup_epochs: NonNegative
    precision: Precision
    channels_last: bool
    compile: bool
    chunk: Natural | None
    checkpoint_seconds: NonNegative
    log_every: Natural

    @check
    def _chunks_or_compiler(self) -> Iterator[Fault]:
        """Yield a compiler that cannot work with chunks."""
        if self.chunk is not None and self.compile:
            yield Fault("compile", "true, but the compiler does not see that chunks are computed twice", "false")


@settings
class Diagnostics:
    """How entropy and reconstruction are measured during the training of every method, in the same way for all.

    `every`: steps between two measurements.
    `samples`: pairs of embeddings, the first of the batch.
    `kappa`: concentration of the von Mises-Fisher kernel and density.
    `estimator`: whether a sample's own kernel counts in its entropy (`resubstitution`) or not (`leave_one_out`).
    """

    every: Natural
    samples: Several
    kappa: Kappa
    estimator: Literal["resubstitution", "leave_one_out"]


@settings
class Linear:
    """Linear evaluation on frozen features.

    `solver`: `lbfgs` solves the convex problem with all features at once; `sgd` takes minibatches, for large datasets.
    `l2`: candidates for the factor of half the squared weights in the mean loss, chosen on the validation split.
    `epochs`, `batch_size`, `lr`: of `sgd`; `lbfgs` does not use them.
    """

    solver: Literal["lbfgs", "sgd"]
    l2: GridFromZero
    epochs: Natural
    batch_size: Natural
    lr: Positive


@settings
class KNN:
    """Nearest neighbours by cosine similarity, each with the vote exp(similarity / temperature)."""

    neighbours: Natural
    temperature: Temperature


@settings
class Transfer:
    """Fine-tuning of all weights on other datasets; `lr` and `weight_decay` are chosen on their validation splits."""

    datasets: Annotated[tuple[str, ...], Distinct]
    epochs: Natural
    batch_size: Several
    lr: Grid
    weight_decay: GridFromZero
    view: View


@settings
class Evaluation:
    """The evaluations after pretraining."""

    linear: Linear
    knn: KNN
    transfer: Transfer


@settings
class Resources:
    """What one job of a step asks of the machine or the cluster: `threads`, `memory_mb` and `gpus` of each node."""

    threads: Natural
    memory_mb: Natural
    gpus: Count
    minutes: Natural
    nodes: Natural = 1

    @property
    def processes(self) -> int:
        """The processes of a job: one for each GPU, or one for each node without GPUs."""
        return max(self.gpus, 1) * self.nodes

    @property
    def threads_each(self) -> int:
        """The threads of one process; the processes of a node share the node's threads."""
        return max(self.threads // max(self.gpus, 1), 1)

    @check
    def _nodes_with_gpus(self) -> Iterator[Fault]:
        """Yield several nodes without GPUs."""
        if self.nodes > 1 and not self.gpus:
            yield Fault("nodes", f"{self.nodes} without GPUs", "1, or gpus from 1")


@settings
class Seeds:
    """The seeds of the headline setting (`main`) and of the sweeps over batch size and epochs (`sweep`)."""

    main: Annotated[tuple[Seed, ...], Field(min_length=1), Distinct]
    sweep: Annotated[tuple[Seed, ...], Field(min_length=1), Distinct]

    @check
    def _sweep_among_main(self) -> Iterator[Fault]:
        """Yield seeds of the sweeps that the headline setting lacks: a difference compares the same seeds."""
        for i, seed in enumerate(self.sweep):
            if seed not in self.main:
                yield Fault(f"sweep.{i}", f"{seed} is not among seeds.main", listed(self.main))
