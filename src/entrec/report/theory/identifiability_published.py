"""What the papers of the two theories report of their simulations, beside which ours may stand.

Zimmermann et al. 2021 (arXiv:2102.08850): n = 10, scored on the points that the map was fitted to, in percent. von
Kuegelgen et al. 2021 (arXiv:2106.04619): numerical simulation, three seeds, InfoNCE as objective. As reported, not
derived anew. A row of ours is beside a row of theirs where its pairs are drawn and modelled alike.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from entrec.theory.identifiability.settings import ContentIsolationRow, Density, LatentRecoveryRow, Space


class Reported(NamedTuple):
    """Mean and standard deviation, percent."""

    mean: float
    sd: float


@dataclass(frozen=True)
class Setup:
    """Pairs of one density, modelled by the same."""

    space: Space
    density: Density
    output: Space

    def covers(self, row: LatentRecoveryRow) -> bool:
        """Whether the row is that set-up."""
        alike = (row.space, row.conditional, row.model, row.output)
        return alike == (self.space, self.density, self.density, self.output)


class Explained(NamedTuple):
    """R2 as a fraction: kernel ridge with its deviation, and linear."""

    kernel_ridge: float
    sd: float
    linear: float


COLUMNS = ("identity", "supervised", "unsupervised")
R2 = {
    Setup("sphere", Density("vmf", 1), "sphere"): {
        "identity": Reported(66.98, 2.79),
        "supervised": Reported(99.71, 0.05),
        "unsupervised": Reported(99.42, 0.05),
    },
    Setup("sphere", Density("vmf", 10), "sphere"): {"unsupervised": Reported(99.86, 0.01)},
    Setup("box", Density("normal", 0.05), "unbounded"): {
        "identity": Reported(67.93, 7.40),
        "supervised": Reported(99.78, 0.06),
        "unsupervised": Reported(99.60, 0.02),
    },
}
CORRELATION = {
    Setup("box", Density("laplace", 0.05), "box"): {
        "identity": Reported(46.55, 1.34),
        "supervised": Reported(99.93, 0.03),
        "unsupervised": Reported(98.62, 0.05),
    },
}
CONTENT_STYLE = {
    ContentIsolationRow(change=1.0, statistical=False, causal=False): {
        "content": Explained(1.00, 0.00, 1.00),
        "style": Explained(0.07, 0.00, 0.00),
    },
    ContentIsolationRow(change=0.75, statistical=False, causal=False): {
        "content": Explained(1.00, 0.00, 0.99),
        "style": Explained(0.06, 0.05, 0.00),
    },
    ContentIsolationRow(change=0.75, statistical=True, causal=False): {
        "content": Explained(0.98, 0.03, 0.97),
        "style": Explained(0.37, 0.05, 0.37),
    },
    ContentIsolationRow(change=0.75, statistical=True, causal=True): {
        "content": Explained(0.99, 0.01, 0.98),
        "style": Explained(0.80, 0.08, 0.78),
    },
}


def reported(
    table: Mapping[Setup, Mapping[str, Reported]], rows: Mapping[str, LatentRecoveryRow]
) -> dict[str, Mapping[str, Reported]]:
    """What is reported of each of `rows`, by its name; those of which nothing is are left out."""
    return {name: table[setup] for name, row in rows.items() for setup in table if setup.covers(row)}
