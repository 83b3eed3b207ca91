"""How the theory page calls the cases and rows of a study, and how it writes numbers."""

from collections.abc import Sequence

from entrec.theory.settings.estimators import RateCase
from entrec.theory.settings.identifiability import (
    ContentIsolation,
    ContentIsolationRow,
    Density,
    LatentRecovery,
    LatentRecoveryRow,
)

LATENTS = ("content", "style")
IN_WIDTH = "bias against h"  # the one error that is fitted against the kernel's width; it grows as h shrinks
ROOT = "root mean square error"  # the one error that is fitted as a root
DENSITIES = {"vmf": "vMF κ =", "laplace": "Laplace", "normal": "normal", "cubic": "cubic"}


def case_title(case: RateCase) -> str:
    """Return what a case of the rates draws from and how wide its kernel is, such as `Gaussian d = 2, h = 0.5`."""
    d, width = case.dimension, number(case.width)
    return {
        "gaussian": f"Gaussian d = {d}, h = {width}",
        "sphere": f"sphere d = {d}, κ = {width}",
        "dirichlet": f"{d} categories",
    }[case.data]


def density_name(density: Density) -> str:
    """Return kind and width, such as `vMF κ = 10` or `Laplace 0.05`."""
    return f"{DENSITIES[density.kind]} {number(density.width)}"


def latent_recovery_title(row: LatentRecoveryRow) -> str:
    """Return how the pairs of a row are drawn."""
    return f"{row.space}, {density_name(row.conditional)}"


def latent_recovery_detail(row: LatentRecoveryRow) -> str:
    """Return where the encoder's space or the objective's density differs from that of the pairs, if it does."""
    into = f"{row.output} output" if row.output != row.space else ""
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
