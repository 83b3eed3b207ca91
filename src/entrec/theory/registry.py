"""The bounds, estimators and objectives of the theory studies: each has one entry, in the order of the tables.

The module imports no torch, so that rules, tables and figures can read it. An entry names its function as text, and
`load` imports it.
"""

from dataclasses import dataclass
from importlib import import_module
from typing import Any, ClassVar, Literal

Role = Literal["supervised", "reference", "judged", "shown"]


@dataclass(frozen=True)
class Title:
    """How tables and figures name something: the head of a column has `detail` on a second line."""

    title: str
    detail: str = ""
    between: str = ", "  # in front of the detail where both stand in one line

    def __str__(self) -> str:
        return f"{self.title}{self.between}{self.detail}" if self.detail else self.title


@dataclass(frozen=True)
class Function:
    """An entry whose code is `function`, given as `module:name`; all modules of its kind lie in the same `room`."""

    room: ClassVar[str]
    function: str

    def load(self) -> Any:
        """Import and return the function."""
        module, name = self.function.split(":")
        return getattr(import_module(f"entrec.{self.room}.{module}"), name)


@dataclass(frozen=True)
class Bound(Function):
    """A bound of mutual information whose critic or encoders are trained on Gaussians.

    `function` builds its learner from the settings of the study; `capped_by` is what keeps its value from the truth.
    """

    room = "theory.estimators"
    title: str
    capped_by: str

    @property
    def capped_by_log_k(self) -> bool:
        """Whether the bound cannot exceed the logarithm of the batch size k."""
        return "log k" in self.capped_by


BOUNDS = {
    "barber_agakov": Bound("learnt_bounds:barber_agakov", "Barber–Agakov", "the fit of q(y|x); needs H(Y)"),
    "tuba": Bound("learnt_bounds:tuba", "TUBA", "variance, which grows as exp(2I)"),
    "nwj": Bound("learnt_bounds:nwj", "NWJ", "variance, which grows as exp(2I)"),
    "js": Bound("learnt_bounds:js", "JS, read by NWJ", "variance, which grows as exp(2I)"),
    "smile": Bound("learnt_bounds:smile", "SMILE", "nothing; clipping can lift it above the truth"),
    "info_nce": Bound("learnt_bounds:info_nce", "InfoNCE", "log k"),
    "entrec_resubstitution": Bound("learnt_bounds:entrec_resubstitution", "EntRec, resubstitution", "log k"),
    "entrec_leave_one_out": Bound(
        "learnt_bounds:entrec_leave_one_out", "EntRec, leave-one-out", "kappa; may exceed the truth"
    ),
    "entrec_discrete": Bound("learnt_bounds:entrec_discrete", "EntRec, discrete", "log k and log categories"),
}


@dataclass(frozen=True)
class SphereEstimator(Function):
    """An estimator of the information between vMF pairs; a `slow` one is measured on small samples only."""

    room = "theory.estimators"
    title: Title
    slow: bool = False


SPHERE_ESTIMATORS = {
    "entrec_resubstitution": SphereEstimator("sphere:resubstitution", Title("EntRec", "resubstitution")),
    "entrec_leave_one_out": SphereEstimator("sphere:leave_one_out", Title("EntRec", "leave-one-out")),
    "info_nce": SphereEstimator("sphere:contrastive", Title("InfoNCE", "true critic")),
    "nearest_neighbours": SphereEstimator("sphere:nearest_neighbours", Title("Neighbours", "a check"), slow=True),
}


@dataclass(frozen=True)
class EntropyEstimator(Function):
    """An estimator of entropy whose rate of convergence is measured."""

    room = "information"
    title: str


ENTROPY_ESTIMATORS = {
    "kernel_entropy": EntropyEstimator("entropy:kernel_entropy", "resubstitution"),
    "leave_one_out_entropy": EntropyEstimator("entropy:leave_one_out_entropy", "leave-one-out"),
    "plug_in_entropy": EntropyEstimator("entropy:plug_in_entropy", "plug-in"),
}


@dataclass(frozen=True)
class Objective(Function):
    """An objective that encoders are trained with; its representations are scored.

    `role` is what a claim's decision rule takes it for: EntRec's own forms are `judged`; a `reference` is an objective
    that the theorems of the original papers speak of; `supervised` sees the latents; the others are only `shown`.
    """

    room = "theory.identifiability"
    title: Title
    role: Role


LATENT_RECOVERY = {
    "supervised": Objective("latent_recovery:supervised", Title("supervised"), "supervised"),
    "info_nce": Objective("latent_recovery:info_nce", Title("InfoNCE"), "reference"),
    "entrec_resubstitution": Objective(
        "latent_recovery:entrec_resubstitution", Title("EntRec", "resubstitution"), "judged"
    ),
    "entrec_leave_one_out": Objective(
        "latent_recovery:entrec_leave_one_out", Title("EntRec", "leave-one-out"), "judged"
    ),
}
CONTENT_ISOLATION = {
    "info_nce": Objective("content_isolation:info_nce", Title("InfoNCE"), "reference"),
    "align_entropy": Objective("content_isolation:align_entropy", Title("alignment", "and entropy", " "), "reference"),
    "entrec_cont": Objective("content_isolation:entrec_cont", Title("EntRecCont"), "judged"),
    "entrec_disc": Objective("content_isolation:entrec_disc", Title("EntRecDisc"), "shown"),
}
REFERENCE = "info_nce"  # both studies have it; its runs give the scores of what no objective trained

# What is scored beside the trained encoders, under the keys of the result files.
UNTRAINED = {
    "observations": Title("observations"),
    "untrained": Title("untrained"),
    "oracle": Title("content", "itself", " "),
}


def titles(objectives: dict[str, Objective], *untrained: str) -> dict[str, Title]:
    """Return the titles of some of `UNTRAINED` and of all `objectives`, by name, in the order of the tables."""
    return {name: UNTRAINED[name] for name in untrained} | {name: one.title for name, one in objectives.items()}


RECOVERY_REPRESENTATIONS = titles(LATENT_RECOVERY, "observations", "untrained")
ISOLATION_REPRESENTATIONS = titles(CONTENT_ISOLATION, "observations", "untrained", "oracle")
