"""The bounds, estimators and objectives of the theory studies: each has one entry, in the order of the tables.

The module imports no torch, so that rules, tables and figures can read it. An entry names its function as text,
`module:function` with the module's path below `entrec`, and `load` imports it.
"""

from dataclasses import dataclass
from importlib import import_module
from typing import Any, Literal

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
    """An entry whose code is the function that `function` names."""

    function: str

    def load(self) -> Any:
        """Import and return the function."""
        module, name = self.function.split(":")
        return getattr(import_module(f"entrec.{module}"), name)


@dataclass(frozen=True)
class Bound(Function):
    """A bound of mutual information whose critic or encoders are trained on Gaussians.

    `function` builds its learner from the settings of the study; `capped_by` is what keeps its value from the truth.
    """

    title: str
    capped_by: str

    @property
    def capped_by_log_k(self) -> bool:
        """Whether the bound cannot exceed the logarithm of the batch size k."""
        return "log k" in self.capped_by


GAUSSIAN = "theory.estimators.learnt_bounds"
BOUNDS = {
    "barber_agakov": Bound(f"{GAUSSIAN}:barber_agakov", "Barber–Agakov", "the fit of q(y|x); needs H(Y)"),
    "tuba": Bound(f"{GAUSSIAN}:tuba", "TUBA", "variance, which grows as exp(2I)"),
    "nwj": Bound(f"{GAUSSIAN}:nwj", "NWJ", "variance, which grows as exp(2I)"),
    "js": Bound(f"{GAUSSIAN}:js", "JS, read by NWJ", "variance, which grows as exp(2I)"),
    "smile": Bound(f"{GAUSSIAN}:smile", "SMILE", "nothing; clipping can lift it above the truth"),
    "info_nce": Bound(f"{GAUSSIAN}:info_nce", "InfoNCE", "log k"),
    "entrec_resubstitution": Bound(f"{GAUSSIAN}:entrec_resubstitution", "EntRec, resubstitution", "log k"),
    "entrec_leave_one_out": Bound(
        f"{GAUSSIAN}:entrec_leave_one_out", "EntRec, leave-one-out", "kappa; may exceed the truth"
    ),
    "entrec_discrete": Bound(f"{GAUSSIAN}:entrec_discrete", "EntRec, discrete", "log k and log categories"),
}


@dataclass(frozen=True)
class SphereEstimator(Function):
    """An estimator of the information between vMF pairs; a `slow` one is measured on small samples only."""

    title: Title
    slow: bool = False


SPHERE = "theory.estimators.sphere"
SPHERE_ESTIMATORS = {
    "entrec_resubstitution": SphereEstimator(f"{SPHERE}:resubstitution", Title("EntRec", "resubstitution")),
    "entrec_leave_one_out": SphereEstimator(f"{SPHERE}:leave_one_out", Title("EntRec", "leave-one-out")),
    "info_nce": SphereEstimator(f"{SPHERE}:contrastive", Title("InfoNCE", "true critic")),
    "nearest_neighbours": SphereEstimator(f"{SPHERE}:nearest_neighbours", Title("Neighbours", "a check"), slow=True),
}


@dataclass(frozen=True)
class EntropyEstimator(Function):
    """An estimator of entropy whose rate of convergence is measured."""

    title: str


ENTROPY_ESTIMATORS = {
    "kernel_entropy": EntropyEstimator("information.entropy:kernel_entropy", "resubstitution"),
    "leave_one_out_entropy": EntropyEstimator("information.entropy:leave_one_out_entropy", "leave-one-out"),
    "plug_in_entropy": EntropyEstimator("information.entropy:plug_in_entropy", "plug-in"),
}


@dataclass(frozen=True)
class Objective(Function):
    """An objective that encoders are trained with; its representations are scored.

    `role` is what a claim's decision rule takes it for: EntRec's own forms are `judged`; a `reference` is an objective
    that the theorems of the original papers speak of; `supervised` sees the latents; the others are only `shown`.
    """

    title: Title
    role: Role


RECOVERY = "theory.identifiability.latent_recovery"
LATENT_RECOVERY = {
    "supervised": Objective(f"{RECOVERY}:supervised", Title("supervised"), "supervised"),
    "info_nce": Objective(f"{RECOVERY}:info_nce", Title("InfoNCE"), "reference"),
    "entrec_resubstitution": Objective(
        f"{RECOVERY}:entrec_resubstitution", Title("EntRec", "resubstitution"), "judged"
    ),
    "entrec_leave_one_out": Objective(f"{RECOVERY}:entrec_leave_one_out", Title("EntRec", "leave-one-out"), "judged"),
}
ISOLATION = "theory.identifiability.content_isolation"
CONTENT_ISOLATION = {
    "info_nce": Objective(f"{ISOLATION}:info_nce", Title("InfoNCE"), "reference"),
    "align_entropy": Objective(f"{ISOLATION}:align_entropy", Title("alignment", "and entropy", " "), "reference"),
    "entrec_cont": Objective(f"{ISOLATION}:entrec_cont", Title("EntRecCont"), "judged"),
    "entrec_disc": Objective(f"{ISOLATION}:entrec_disc", Title("EntRecDisc"), "shown"),
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
