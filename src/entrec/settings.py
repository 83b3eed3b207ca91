"""The vocabulary of a study file: frozen dataclasses with ranges, read strictly.

Numbers live in `params/*.yaml`; nothing here has a default, so that no number has two homes.
"""

from typing import Annotated, Any, Literal, NamedTuple, dataclass_transform

from pydantic import AfterValidator, ConfigDict, Field
from pydantic.dataclasses import dataclass

Natural = Annotated[int, Field(ge=1)]
Count = Annotated[int, Field(ge=0)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Fraction = Annotated[float, Field(ge=0, le=1)]
AreaShare = Annotated[float, Field(gt=0, le=1)]
Temperature = Positive
Precision = Literal["float32", "bfloat16"]
Colour = Literal["rgb", "lab"]
# what ships inside packages is read whole; CIFAR and a folder can be, or stay encoded; the others stay encoded
PackagedName = Literal["digits", "faces", "textures", "fashion_mnist"]
EitherName = Literal["folder", "cifar10", "cifar100"]
EncodedName = Literal[
    "imagenet", "food101", "sun397", "stanford_cars", "fgvc_aircraft", "dtd", "oxford_pets", "caltech101", "flowers102"
]
SourceName = PackagedName | EitherName | EncodedName
Grid = Annotated[tuple[Positive, ...], Field(min_length=1)]
GridFromZero = Annotated[tuple[NonNegative, ...], Field(min_length=1)]


def _ordered(interval: tuple[float, float]) -> tuple[float, float]:
    if interval[0] > interval[1]:
        raise ValueError("must run from low to high")
    return interval


Interval = Annotated[tuple[NonNegative, NonNegative], AfterValidator(_ordered)]
PositiveInterval = Annotated[tuple[Positive, Positive], AfterValidator(_ordered)]


@dataclass_transform(frozen_default=True)
def settings(cls: type) -> Any:
    """A frozen dataclass whose unknown keys and wrong types are errors."""
    return dataclass(cls, frozen=True, config=ConfigDict(extra="forbid", strict=True))


@settings
class Dataset:
    """One dataset as prepared: images that networks see as squares of `size` with `channels` (1 grey, 3 colour).

    `short_side: null` keeps one array of squares of `size`; a number keeps encoded images with their short side shrunk
    to it, never enlarged, decoded for every batch. `broken` says what an image that cannot be read does to an encoded
    set. `validation` is a share of the training part and `test` of all images; 0 keeps the source's official part.
    `metric` is the set's convention. `path` is the folder of the makers' files, for sources that do not ship inside
    packages. Networks see `colour`: pixels as they are, or CIE Lab of them; views are made before.
    """

    source: SourceName
    size: Natural
    channels: Literal[1, 3]
    validation: Annotated[float, Field(ge=0, lt=1)]
    test: Annotated[float, Field(ge=0, lt=1)]
    metric: Literal["top1", "mean_per_class"]
    path: str | None = None
    colour: Colour = "rgb"
    short_side: Natural | None = None
    broken: Literal["fatal", "skip"] = "fatal"

    @property
    def encoded(self) -> bool:
        """Whether the prepared set keeps encoded images instead of one array."""
        return self.short_side is not None


@settings
class View:
    """One family of augmentation, in the order applied; probabilities are per image.

    `crop_scale` is the area kept, `crop_ratio` the aspect ratio (width over height), `blur_sigma` in
    pixels; `brightness`, `contrast`, `saturation` are half-widths around 1 and `hue` around 0.
    """

    crop_scale: Annotated[tuple[AreaShare, AreaShare], AfterValidator(_ordered)]
    crop_ratio: PositiveInterval
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
    """Small crops beside the views (multi-crop), for methods with `local_crops`: `size` pixels, made as `view` says."""

    size: Natural
    view: View


class Transformer(NamedTuple):
    """What a Vision Transformer's name stands for."""

    depth: int
    heads: int


# the first two are timm's and DeiT's ViT-S and ViT-B; widths 384 and 768 there
TRANSFORMERS = {"vit_small": Transformer(12, 6), "vit_base": Transformer(12, 12), "small_vit": Transformer(4, 4)}


@settings
class Network:
    """The backbone: `small_resnet` (one block a stage, three stages), a ResNet of timm or a Vision Transformer.

    Of ResNets `width` is the first stage's channels (timm's are 64), and `stem` is `3x3` without pooling for
    small images or `7x7` with it. Of Transformers `width` is that of a token, all heads together, and `stem`
    the size of a patch.
    """

    backbone: Literal["small_resnet", "resnet18", "resnet50", "small_vit", "vit_small", "vit_base"]
    width: Natural
    stem: Literal["3x3", "7x7", "2x2", "4x4", "8x8", "16x16"]

    @property
    def transformer(self) -> Transformer | None:
        """Depth and heads of a Vision Transformer; of a ResNet there are none."""
        return TRANSFORMERS.get(self.backbone)

    @property
    def patch(self) -> int:
        """The side in pixels of what the first layer sees at once: a Transformer's patch."""
        return int(self.stem.split("x")[0])


@settings
class Optimiser:
    """`lr` is for a batch of 256 and grows with the batch as `lr_scaling` says.

    `momentum` is that of sgd and lars, and the first beta of adamw (its second is torch's 0.999).
    """

    name: Literal["adamw", "sgd", "lars"]
    lr: Positive
    lr_scaling: Literal["none", "sqrt", "linear"]
    momentum: Fraction
    weight_decay: NonNegative


@settings
class Training:
    """What all methods share: cosine schedule after `warmup_epochs`, precision, saving.

    `chunk` is how many images a process sends through the backbone at once (null: all of its share of a view).
    """

    warmup_epochs: NonNegative
    precision: Precision
    channels_last: bool
    compile: bool
    chunk: Natural | None
    checkpoint_seconds: NonNegative
    log_every: Natural


@settings
class Diagnostics:
    """How entropy and reconstruction are measured for every method: vMF with `kappa` on `samples` pairs."""

    every: Natural
    samples: Annotated[int, Field(ge=2)]
    kappa: Positive
    estimator: Literal["resubstitution", "leave_one_out"]


@settings
class Linear:
    """Linear evaluation on frozen features; the L2 strength is chosen on the validation part.

    `lbfgs` solves the convex problem; `sgd` trains a head in minibatches, for sets that do not fit.
    `l2` multiplies half the squared weights in the mean loss.
    """

    solver: Literal["lbfgs", "sgd"]
    l2: GridFromZero
    epochs: Natural
    batch_size: Natural
    lr: Positive


@settings
class KNN:
    """Weighted nearest neighbours by cosine: each votes exp(similarity / temperature)."""

    neighbours: Natural
    temperature: Temperature


@settings
class Transfer:
    """Fine-tuning of all weights; learning rate and weight decay chosen on the validation part."""

    datasets: tuple[str, ...]
    epochs: Natural
    batch_size: Natural
    lr: Grid
    weight_decay: GridFromZero
    view: View


@settings
class Evaluation:
    """The protocol after pretraining."""

    linear: Linear
    knn: KNN
    transfer: Transfer


@settings
class Resources:
    """What one job of a rule asks of the machine or cluster: `threads`, `memory_mb` and `gpus` are of each node."""

    threads: Natural
    memory_mb: Natural
    gpus: Count
    minutes: Natural
    nodes: Natural = 1

    @property
    def processes(self) -> int:
        """One for each GPU, and one for each node without."""
        return max(self.gpus, 1) * self.nodes

    @property
    def threads_each(self) -> int:
        """Of a process: those of one node share its threads."""
        return max(self.threads // max(self.gpus, 1), 1)


@settings
class Seeds:
    """Seeds of the main column and of the sweeps over batch size and epochs."""

    main: Annotated[tuple[Count, ...], Field(min_length=1)]
    sweep: Annotated[tuple[Count, ...], Field(min_length=1)]
