"""How the theory page writes estimators, representations, cases, rows and numbers."""

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

# of the vMF pairs: title, and a second line for the head of a column
ESTIMATORS = {
    "entrec_resubstitution": ("EntRec", "resubstitution"),
    "entrec_leave_one_out": ("EntRec", "leave-one-out"),
    "info_nce": ("InfoNCE", "true critic"),
    "nearest_neighbours": ("Neighbours", "a check"),
}
ENTROPIES = {
    "kernel_entropy": "resubstitution",
    "leave_one_out_entropy": "leave-one-out",
    "plug_in_entropy": "plug-in",
}


def estimator_name(estimator: str) -> str:
    """Title and second line of an estimator of the vMF pairs in one."""
    title, detail = ESTIMATORS[estimator]
    return f"{title}, {detail}"


def case_title(setting: Setting, case: str) -> str:
    """What a case of the rates draws from, and how wide its kernel is: `Gaussian d = 2, h = 0.5`."""
    settings = setting.estimators.rates.cases[case]
    d, width = settings.dimension, settings.width
    if settings.data == "dirichlet":
        return f"{d} categories"
    if settings.data == "gaussian":
        return f"Gaussian d = {d}, h = {number(width)}"
    return f"sphere d = {d}, κ = {number(width)}"


def number(value: float | None) -> str:
    """A number of the study as people write it, with a minus sign."""
    return "" if value is None else f"{value:g}".replace("-", "−")


def quantity(count: int, noun: str) -> str:
    """Return `1 seed`, or `3 seeds`."""
    return counted(count, noun, f"{noun}s")


def counted(count: int, one: str, many: str) -> str:
    """Return the count with the word for one or that for many: `1 agrees`, `3 agree`."""
    return f"{count} {one if count == 1 else many}"


def selection(sizes: tuple[int, ...]) -> list[int]:
    """The smallest, the middle and the largest of `sizes`."""
    ordered = sorted(sizes)
    return sorted({ordered[0], ordered[len(ordered) // 2], ordered[-1]})


def listed(values: list[int]) -> str:
    """`64, 1024 and 16384`."""
    *first, last = map(str, values)
    return f"{', '.join(first)} and {last}" if first else last


REFERENCE = "info_nce"  # whose runs give what does not depend on the method
LATENT_RECOVERY_REPRESENTATIONS = ("identity", "untrained", *LATENT_RECOVERY_METHODS)
CONTENT_ISOLATION_REPRESENTATIONS = ("identity", "untrained", "oracle", *CONTENT_ISOLATION_METHODS)
# what is scored: title, and a second line for the head of a column
REPRESENTATIONS = {
    "identity": ("observations", ""),
    "untrained": ("untrained", ""),
    "oracle": ("content", "itself"),
    "supervised": ("supervised", ""),
    "info_nce": ("InfoNCE", ""),
    "entrec_resubstitution": ("EntRec", "resubstitution"),
    "entrec_leave_one_out": ("EntRec", "leave-one-out"),
    "align_entropy": ("alignment", "and entropy"),
    "entrec_cont": ("EntRecCont", ""),
    "entrec_disc": ("EntRecDisc", ""),
}
SPACES: dict[Space, str] = {"sphere": "sphere", "box": "box", "unbounded": "open space"}
WIDTHS = {"vmf": "vMF κ =", "laplace": "Laplace", "normal": "normal", "cubic": "cubic"}


def representation_name(name: str) -> str:
    """Title and second line of a representation in one."""
    title, detail = REPRESENTATIONS[name]
    joint = "" if not detail else ", " if title == "EntRec" else " "
    return f"{title}{joint}{detail}"


def density_name(density: Density) -> str:
    """`vMF κ = 10`, `Laplace 0.05`: kind and width."""
    return f"{WIDTHS[density.kind]} {number(density.width)}"


def latent_recovery_title(row: LatentRecoveryRow) -> str:
    """How the pairs of a row are drawn."""
    return f"{SPACES[row.space]}, {density_name(row.conditional)}"


def latent_recovery_detail(row: LatentRecoveryRow) -> str:
    """Another space that they are encoded into, another density that the objective takes them for; else nothing."""
    into = f"encoded into {SPACES[row.output]}" if row.output != row.space else ""
    taken = f"taken for {density_name(row.model)}" if row.model != row.conditional else ""
    return ", ".join(filter(None, [into, taken]))


def full_title(row: LatentRecoveryRow) -> str:
    """Title and detail of a row in one."""
    return "; ".join(filter(None, [latent_recovery_title(row), latent_recovery_detail(row)]))


def content_isolation_title(row: ContentIsolationRow) -> str:
    """How often style changes, and what it depends on."""
    kinds = {"statistical": row.statistical, "causal": row.causal}
    named = " and ".join(kind for kind, given in kinds.items() if given)
    return f"p = {number(row.change)}, {named or 'no'} dependence"


def steps_of(own: LatentRecovery | ContentIsolation) -> str:
    """How long encoders train: `1000`, or `800 to 3000` where rows differ."""
    steps = (
        {own.training_of(row).steps for row in own.rows} if isinstance(own, LatentRecovery) else {own.training.steps}
    )
    return " to ".join(map(str, sorted({min(steps), max(steps)})))
