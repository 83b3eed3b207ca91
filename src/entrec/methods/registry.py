"""The registry of methods: the settings of each in a study file, and its entry, which other modules read.

Nothing here imports torch, so that a study file is checked at once, before any job starts. A new method needs three
edits: its module, its settings and its entry here, and its hyper-parameters in `params/*.yaml`.
"""

from collections.abc import Iterator
from dataclasses import dataclass as plain_dataclass
from dataclasses import fields
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from entrec.settings import (
    Fraction,
    Kappa,
    NonNegative,
    Optimiser,
    Positive,
    PositiveInterval,
    Temperature,
    Width,
    settings,
)
from entrec.strict import Fault, check

if TYPE_CHECKING:
    from entrec.methods.method import Method

Widths = Annotated[tuple[Width, ...], Field(min_length=1)]
Prototypes = Annotated[int, Field(ge=1, le=2**20)]
Heads = Annotated[tuple[Prototypes, ...], Field(min_length=1)]
Iterations = Annotated[int, Field(ge=1, le=10_000)]
Queue = Annotated[int, Field(ge=0, le=2**24)]
Crops = Annotated[int, Field(ge=0, le=100)]


@settings
class UntrainedSettings:
    """The settings of the untrained backbone, the lower reference of every table: there are none."""

    @property
    def clusters(self) -> int:
        """How many clusters of images the method makes, for which there must be as many images."""
        return 0


@settings
class Trained(UntrainedSettings):
    """What the settings of every trained method contain."""

    optimiser: Optimiser


@settings
class Projected(Trained):
    """What the settings of most methods contain: the widths of the projector's layers, the last the embedding's."""

    projector: Widths

    @check
    def _embeddings_on_a_sphere(self) -> Iterator[Fault]:
        """Yield embeddings of one coordinate: the diagnostics put every embedding on a sphere, at least a circle."""
        if self.projector[-1] < 2:
            place = f"projector.{len(self.projector) - 1}"
            yield Fault(place, f"{self.projector[-1]}; the diagnostics need embeddings on a sphere", "2 or more")


@settings
class Predicting(Projected):
    """What the settings of methods with a predictor contain: the widths of its layers.

    It predicts embeddings, so that its last layer is as wide as the projector's.
    """

    predictor: Widths

    @check
    def _predictor_as_wide_as_projector(self) -> Iterator[Fault]:
        """Yield a predictor whose output is no embedding."""
        predicted, embedding = self.predictor[-1], self.projector[-1]
        if predicted != embedding:
            problem = f"{predicted} predicts embeddings of {embedding}, the last width of projector"
            yield Fault(f"predictor.{len(self.predictor) - 1}", problem, f"{embedding}")


@settings
class SupervisedSettings(Trained):
    """The settings of supervised pretraining: `label_smoothing` of its cross-entropy."""

    label_smoothing: Fraction


@settings
class SimCLRSettings(Projected):
    """The settings of SimCLR: `temperature` of NT-Xent."""

    temperature: Temperature


@settings
class CMCSettings(Projected):
    """The settings of CMC, with either kind of views: `temperature` of InfoNCE."""

    temperature: Temperature


@settings
class BYOLSettings(Predicting):
    """The settings of BYOL: `momentum` of the target network, which rises to 1 by a half cosine."""

    momentum: Fraction


@settings
class DINOERSettings(Projected):
    """The settings of DINO + ER, as in DINO, but without a centre.

    The teacher's temperature rises from `warmup_teacher_temperature` to `teacher_temperature` over the first
    `warmup_fraction` of the training; `momentum` is the teacher's; `local_crops` is a number per image.
    """

    prototypes: Prototypes
    student_temperature: Temperature
    teacher_temperature: Temperature
    warmup_teacher_temperature: Temperature
    warmup_fraction: Fraction
    momentum: Fraction
    local_crops: Crops


@settings
class DINOSettings(DINOERSettings):
    """The settings of DINO: those of DINO + ER and `centre_momentum` of the teacher's mean logits."""

    centre_momentum: Fraction


@settings
class EntRecContSettings(Projected):
    """The settings of continuous EntRec: `kernel_kappa` of the entropy estimate, `kappa` of the reconstruction density.

    With `leave_one_out` the entropy estimate omits the i = j term. With `learn_kappa` both concentrations are trained
    with the weights, from these values on; their ratio stays fixed.
    """

    kernel_kappa: Kappa
    kappa: Kappa
    leave_one_out: bool
    learn_kappa: bool


@settings
class EntRecDiscSettings(Projected):
    """The settings of discrete EntRec: `temperature` divides the projector's outputs before the softmax."""

    temperature: Temperature


@settings
class MoCoV3Settings(Predicting):
    """The settings of MoCo v3: `temperature` of its loss, `momentum` of the momentum encoder, which rises to 1."""

    temperature: Temperature
    momentum: Fraction


@settings
class SimSiamSettings(Projected):
    """The settings of SimSiam: `bottleneck` is the hidden width of the predictor, whose output is an embedding."""

    bottleneck: Width


@settings
class VICRegSettings(Projected):
    """The settings of VICReg: the weights of its three terms; `epsilon` is added to variances under the root."""

    invariance_weight: NonNegative
    variance_weight: NonNegative
    covariance_weight: NonNegative
    epsilon: Positive


@settings
class BarlowTwinsSettings(Projected):
    """The settings of Barlow Twins: `redundancy_weight` of the off-diagonal correlations (the paper's lambda)."""

    redundancy_weight: NonNegative


@settings
class AlignUniformSettings(Projected):
    """The settings of alignment and uniformity: both weights; `t` of uniformity's kernel exp(-t |z - z'|^2)."""

    alignment_weight: NonNegative
    uniformity_weight: NonNegative
    t: Positive


@settings
class SwAVSettings(Projected):
    """The settings of SwAV: `epsilon` and iterations of Sinkhorn's algorithm, length of each global view's `queue`.

    The queue (0: none) fills from the share `queue_from` of the training on; the prototypes are trained from the share
    `freeze_prototypes` on.
    """

    prototypes: Prototypes
    temperature: Temperature
    epsilon: Temperature
    sinkhorn_iterations: Iterations
    queue: Queue
    queue_from: Fraction
    freeze_prototypes: Fraction
    local_crops: Crops


@settings
class DeepClusterSettings(Projected):
    """The settings of DeepCluster v2: `prototypes` of each head, and k-means iterations before each epoch."""

    prototypes: Heads
    temperature: Temperature
    kmeans_iterations: Iterations
    local_crops: Crops

    @property
    def clusters(self) -> int:
        """The clusters of the largest head."""
        return max(self.prototypes)


@settings
class AMDIMSettings(Trained):
    """The settings of AMDIM: `hidden` and `embedding` widths of each head; scores are softly limited to ±`clip`.

    `score_penalty` multiplies the mean square of the scores before the clip.
    """

    hidden: Width
    embedding: Annotated[int, Field(ge=2, le=65_536)]
    clip: Positive
    score_penalty: NonNegative


@settings
class MIBSettings(Projected):
    """The settings of MIB: hidden widths of the `critic`, weight `beta` of the divergence.

    The last width of the projector is the number of Gaussian coordinates. `beta` rises geometrically from its first to
    its second value between the shares `beta_from` and `beta_until` of the training.
    """

    critic: Widths
    beta: PositiveInterval
    beta_from: Fraction
    beta_until: Fraction

    @check
    def _rise(self) -> Iterator[Fault]:
        """Yield a rise that ends before it begins."""
        if self.beta_until < self.beta_from:
            yield Fault("beta_until", f"{self.beta_until:g} is before beta_from", f"from {self.beta_from:g} to 1")


@settings
class EntRecGaussianSettings(Projected):
    """The settings of EntRec in R^d: `bandwidth` of the Gaussian kernel, `sigma` of the Gaussian density."""

    bandwidth: Positive
    sigma: Positive
    leave_one_out: bool


@settings
class BYOLERSettings(BYOLSettings):
    """The settings of BYOL + ER: those of BYOL, and both concentrations as in `EntRecContSettings`."""

    kernel_kappa: Kappa
    kappa: Kappa
    leave_one_out: bool


Family = Literal["contrastive", "clustering", "distillation", "redundancy reduction", "information-maximising"]


@plain_dataclass(frozen=True)
class Traits:
    """What a method does with the two terms of the bound H(Z2) + E[log q(Z2 | Z1)]: the paper's Section 3 as data.

    `reconstruction` names the density q whose mean logarithm the method maximises, up to constants. `entropy` says
    what keeps the entropy from falling. `maximises` says whether the two terms make the bound, and why. That BYOL and
    DINO keep the entropy up implicitly is what the later paper says (arXiv:2307.10907); the traits of VICReg, Barlow
    Twins, AMDIM and MIB are our own reading.
    """

    family: Family
    reconstruction: str
    entropy: str
    maximises: str


@plain_dataclass(frozen=True)
class MethodEntry:
    """All that other modules need to know of a method.

    `method` names its module and class. Baselines, which are reference rows of the tables and run at the headline
    setting only, have no `traits`. A method that `needs_lab` takes the channels of CIE Lab as its views; one that
    `needs_maps` takes the local features of a ResNet.
    """

    title: str
    method: str
    settings: type
    traits: Traits | None = None
    needs_lab: bool = False
    needs_maps: bool = False

    @property
    def baseline(self) -> bool:
        """Whether this is not a self-supervised method."""
        return self.traits is None

    @property
    def module(self) -> str:
        """The full name of the method's module."""
        return f"entrec.methods.{self.method.split(':')[0]}"

    def load(self) -> "type[Method]":
        """Return the method's class; imports torch."""
        return getattr(import_module(self.module), self.method.split(":")[1])

    def local_crops(self, settings: Any) -> int:
        """Return how many local crops of an image the method takes with its `settings`: 0 unless they say so."""
        takes_any = "local_crops" in (field.name for field in fields(self.settings))
        return settings.local_crops if takes_any else 0


# traits: the family, the density of the reconstruction, what keeps the entropy up, whether both make the bound
METHODS: dict[str, MethodEntry] = {
    "untrained": MethodEntry(title="Untrained", method="untrained:Untrained", settings=UntrainedSettings),
    "supervised": MethodEntry(title="Supervised", method="supervised:Supervised", settings=SupervisedSettings),
    "simclr": MethodEntry(
        title="SimCLR",
        method="simclr:SimCLR",
        settings=SimCLRSettings,
        traits=Traits("contrastive", "vMF", "kernel estimate, both branches together", "yes"),
    ),
    "cmc": MethodEntry(
        title="CMC",
        method="cmc:CMC",
        settings=CMCSettings,
        traits=Traits("contrastive", "vMF", "kernel estimate, the other branch", "yes, as InfoNCE"),
    ),
    "byol": MethodEntry(
        title="BYOL",
        method="byol:BYOL",
        settings=BYOLSettings,
        traits=Traits("distillation", "vMF", "implicit: predictor and EMA target", "only the reconstruction"),
    ),
    "dino": MethodEntry(
        title="DINO",
        method="dino:DINO",
        settings=DINOSettings,
        traits=Traits("distillation", "categorical", "implicit: centred EMA teacher", "only the reconstruction"),
    ),
    "entrec_cont": MethodEntry(
        title="EntRecCont",
        method="entrec_cont:EntRecCont",
        settings=EntRecContSettings,
        traits=Traits("information-maximising", "vMF", "kernel estimate, the same branch", "yes"),
    ),
    "entrec_disc": MethodEntry(
        title="EntRecDisc",
        method="entrec_disc:EntRecDisc",
        settings=EntRecDiscSettings,
        traits=Traits("information-maximising", "categorical", "plug-in estimate of the mean softmax", "yes"),
    ),
    "moco_v3": MethodEntry(
        title="MoCo v3",
        method="moco_v3:MoCoV3",
        settings=MoCoV3Settings,
        traits=Traits("contrastive", "vMF", "kernel estimate, the EMA branch", "yes, as InfoNCE"),
    ),
    "simsiam": MethodEntry(
        title="SimSiam",
        method="simsiam:SimSiam",
        settings=SimSiamSettings,
        traits=Traits("distillation", "vMF", "implicit: predictor and stop-gradient", "only the reconstruction"),
    ),
    "vicreg": MethodEntry(
        title="VICReg",
        method="vicreg:VICReg",
        settings=VICRegSettings,
        traits=Traits("redundancy reduction", "Gaussian", "variances and covariances", "no: only second moments"),
    ),
    "barlow_twins": MethodEntry(
        title="Barlow Twins",
        method="barlow_twins:BarlowTwins",
        settings=BarlowTwinsSettings,
        traits=Traits("redundancy reduction", "Gaussian", "correlations", "no: only second moments"),
    ),
    "align_uniform": MethodEntry(
        title="Alignment + uniformity",
        method="align_uniform:AlignUniform",
        settings=AlignUniformSettings,
        traits=Traits("contrastive", "vMF", "kernel estimate, mean before the log", "yes, by Jensen's inequality"),
    ),
    "swav": MethodEntry(
        title="SwAV",
        method="swav:SwAV",
        settings=SwAVSettings,
        traits=Traits("clustering", "categorical", "equal shares by Sinkhorn", "yes, the entropy as a constraint"),
    ),
    "deepcluster": MethodEntry(
        title="DeepCluster v2",
        method="deepcluster:DeepCluster",
        settings=DeepClusterSettings,
        traits=Traits("clustering", "categorical", "k-means before each epoch", "yes, the entropy by reassignment"),
    ),
    "cmc_lab": MethodEntry(
        title="CMC, Lab views",
        method="cmc_lab:CMCLab",
        settings=CMCSettings,
        traits=Traits("contrastive", "vMF", "kernel estimate, the other branch", "yes, as InfoNCE"),
        needs_lab=True,
    ),
    "amdim": MethodEntry(
        title="AMDIM",
        method="amdim:AMDIM",
        settings=AMDIMSettings,
        traits=Traits(
            "contrastive", "bilinear scores", "kernel estimate, positions of the other branch", "yes, as InfoNCE"
        ),
        needs_maps=True,
    ),
    "mib": MethodEntry(
        title="MIB",
        method="mib:MIB",
        settings=MIBSettings,
        traits=Traits("information-maximising", "learnt critic", "unpaired scores of the critic", "no: Jensen-Shannon"),
    ),
    "entrec_gaussian": MethodEntry(
        title="EntRec, Gaussian",
        method="entrec_gaussian:EntRecGaussian",
        settings=EntRecGaussianSettings,
        traits=Traits("information-maximising", "Gaussian", "kernel estimate, the same branch", "yes"),
    ),
    "simclr_er": MethodEntry(
        title="SimCLR + ER",
        method="entrec_cont:EntRecCont",
        settings=EntRecContSettings,
        traits=Traits("information-maximising", "vMF", "kernel estimate, the same branch", "yes"),
    ),
    "byol_er": MethodEntry(
        title="BYOL + ER",
        method="byol_er:BYOLER",
        settings=BYOLERSettings,
        traits=Traits("information-maximising", "vMF", "kernel estimate, the online branch", "yes"),
    ),
    "dino_er": MethodEntry(
        title="DINO + ER",
        method="dino_er:DINOER",
        settings=DINOERSettings,
        traits=Traits("information-maximising", "categorical", "plug-in estimate of the student's mean softmax", "yes"),
    ),
}
