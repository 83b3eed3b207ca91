"""The names on the theory page: estimators, representations, cases and rows, and how numbers are written."""

from collections.abc import Sequence
from dataclasses import dataclass

from entrec.theory.settings.identifiability import (
    CONTENT_ISOLATION_METHODS,
    LATENT_RECOVERY_METHODS,
    ContentIsolation,
    ContentIsolationRow,
    Density,
    LatentRecovery,
    LatentRecoveryRow,
    Space,
)
from entrec.theory.study import Setting


@dataclass(frozen=True)
class Title:
    """A title that heads a column, and the `detail` on the line below it; `full` is both in one line."""

    title: str
    detail: str = ""
    joint: str = ", "

    @property
    def full(self) -> str:
        """Title and detail in one line."""
        return f"{self.title}{self.joint}{self.detail}" if self.detail else self.title


ESTIMATORS = {
    "entrec_resubstitution": Title("EntRec", "resubstitution"),
    "entrec_leave_one_out": Title("EntRec", "leave-one-out"),
    "info_nce": Title("InfoNCE", "true critic"),
    "nearest_neighbours": Title("Neighbours", "a check"),
}
ENTROPIES = {
    "kernel_entropy": "resubstitution",
    "leave_one_out_entropy": "leave-one-out",
    "plug_in_entropy": "plug-in",
}
REPRESENTATIONS = {
    "identity": Title("observations"),
    "untrained": Title("untrained"),
    "oracle": Title("content", "itself", " "),
    "supervised": Title("supervised"),
    "info_nce": Title("InfoNCE"),
    "entrec_resubstitution": Title("EntRec", "resubstitution"),
    "entrec_leave_one_out": Title("EntRec", "leave-one-out"),
    "align_entropy": Title("alignment", "and entropy", " "),
    "entrec_cont": Title("EntRecCont"),
    "entrec_disc": Title("EntRecDisc"),
}
REFERENCE = "info_nce"  # the method whose runs give the scores that do not depend on the method
LATENT_RECOVERY_REPRESENTATIONS = ("identity", "untrained", *LATENT_RECOVERY_METHODS)
CONTENT_ISOLATION_REPRESENTATIONS = ("identity", "untrained", "oracle", *CONTENT_ISOLATION_METHODS)
SPACES: dict[Space, str] = {"sphere": "sphere", "box": "box", "unbounded": "unbounded space"}
DENSITIES = {"vmf": "vMF κ =", "laplace": "Laplace", "normal": "normal", "cubic": "cubic"}


def case_title(setting: Setting, case: str) -> str:
    """Return what a case of the rates draws from and how wide its kernel is, such as `Gaussian d = 2, h = 0.5`."""
    settings = setting.estimators.rates.cases[case]
    d, width = settings.dimension, number(settings.width)
    return {
        "gaussian": f"Gaussian d = {d}, h = {width}",
        "sphere": f"sphere d = {d}, κ = {width}",
        "dirichlet": f"{d} categories",
    }[settings.data]


def density_name(density: Density) -> str:
    """Return kind and width, such as `vMF κ = 10` or `Laplace 0.05`."""
    return f"{DENSITIES[density.kind]} {number(density.width)}"


def latent_recovery_title(row: LatentRecoveryRow) -> str:
    """Return how the pairs of a row are drawn."""
    return f"{SPACES[row.space]}, {density_name(row.conditional)}"


def latent_recovery_detail(row: LatentRecoveryRow) -> str:
    """Return where the encoder's space or the objective's density differs from that of the pairs, if it does."""
    into = f"encoded into {SPACES[row.output]}" if row.output != row.space else ""
    modelled = f"modelled as {density_name(row.model)}" if row.model != row.conditional else ""
    return ", ".join(filter(None, [into, modelled]))


def full_title(row: LatentRecoveryRow) -> str:
    """Return title and detail of a row in one line."""
    return "; ".join(filter(None, [latent_recovery_title(row), latent_recovery_detail(row)]))


def content_isolation_title(row: ContentIsolationRow) -> str:
    """Return how often style changes, and what it depends on."""
    kinds = {"statistical": row.statistical, "causal": row.causal}
    named = " and ".join(kind for kind, given in kinds.items() if given)
    return f"p = {number(row.change)}, {named or 'no'} dependence"


def hidden_of(own: LatentRecovery | ContentIsolation) -> str:
    """Return the widths of the encoder's hidden layers, such as `128, 128`."""
    return ", ".join(map(str, own.network.hidden))


def steps_of(own: LatentRecovery | ContentIsolation) -> str:
    """Return how long encoders train: `1000`, or `800 to 3000` where rows differ."""
    rows = [own.training_of(row) for row in own.rows] if isinstance(own, LatentRecovery) else [own.training]
    steps = [training.steps for training in rows]
    return " to ".join(map(str, sorted({min(steps), max(steps)})))


def number(value: float | None) -> str:
    """Return a number as people write it, with a minus sign; return nothing for None."""
    return "" if value is None else f"{value:g}".replace("-", "−")


def quantity(count: int, noun: str) -> str:
    """Return `1 seed`, or `3 seeds`."""
    return counted(count, noun, f"{noun}s")


def counted(count: int, one: str, many: str) -> str:
    """Return the count with the word for one or that for many: `1 agrees`, `3 agree`."""
    return f"{count} {one if count == 1 else many}"


def listed(values: Sequence[int]) -> str:
    """Return for instance `64, 1024 and 16384`."""
    *first, last = map(str, values)
    return f"{', '.join(first)} and {last}" if first else last
