"""The rules that decide C2, C3 and C8, each a pure function of what the seeds gave beside its sentence.

C2 and C3 are claims about the maximum of a bound, which a small study may not reach. What it does not reach is not held
against the bound: a row decides only where EntRec itself, or an objective that the theory was proved for, succeeds
with the same network and the same steps. What the seeds leave open is uncertain: the rules look at bounds over seeds,
never at estimates.
"""

from collections.abc import Mapping, Sequence
from typing import Literal

from entrec.report.bounds import CONFIDENCE, mean_bounds
from entrec.report.claims import Status
from entrec.report.theory.names import IN_WIDTH
from entrec.theory.settings.identifiability import LatentRecoveryRow

CaseOutcome = Literal["holds", "fails", "uncertain", "out of reach"]
BySeed = Sequence[float]  # R2 of one representation in one row, one for each seed
SHARE = 0.9  # of the gap in R2 between the untrained and the supervised encoder
POINT = 0.01  # a gap in R2 that is too small to show whether anything was learnt
BEHIND = 0.02  # of that gap: how far EntRec must be behind an objective that closes it
CONTENT = 0.95  # of the R2 of content that the instrument can read
LEAK = 0.05  # R2 of style that kernel ridge finds by chance, or that a small network leaves
CEILING = "oracle"  # the representation whose R2 of content is the most that the instrument can read

SlopeOutcome = Literal["agrees", "within", "beyond", "undecided"]
TOLERANCE = 0.1  # of an exponent: how far terms of higher order still move it at the study's sample sizes
UNTESTED = "the factor h^(4−d) of Theorem 2’s first term"

# what decides each claim, as the page states it
BOUNDS = (
    f"Bounds are one-sided t-bounds of {100 * CONFIDENCE:.0f} % over the seeds. They hold for all forms together where "
    "one of several forms is enough, and for all rows together where one row contradicts the claim (Bonferroni)."
)
ALL_ROWS = (
    "Where the references fall short too, the row is out of reach at this size; every other row is uncertain. The "
    "claim is not reproduced if a row contradicts it. It is reproduced if it holds in at least half of the rows and "
    "the others are out of reach. Otherwise it is inconclusive."
)
LATENTS_RULE = (
    "the rows count whose latents are uniform on the sphere or in the box, and whose objective has the space and the "
    "density of the pairs. The score is the share of the gap in held-out R² between the untrained and the supervised "
    "encoder, seed by seed, and a row is judged by the better of EntRec’s two forms. The claim holds in a row where "
    f"the lower bound of the score is above {SHARE:g} for some form. An objective falls short where its upper bound is "
    f"below {SHARE:g}. The row contradicts the claim where every form falls short, the lower bound of the reference, "
    f"InfoNCE, is above {SHARE:g}, and every form is behind it by more than {BEHIND:g} in the lower bound of their "
    f"difference. {ALL_ROWS} {BOUNDS} The theorem is about the exact bound, which resubstitution approaches as the "
    "batch grows (see the table of batch sizes). In the box, EntRec’s density is not truncated at the walls although "
    "that of the pairs is, so its bound is not tight there. Correlations are not judged, because the claim allows any "
    "affine map."
)
CONTENT_RULE = (
    "in every setting of dependence, two scores are taken seed by seed: R² of content (kernel ridge), less "
    f"{CONTENT:g} of what the same instrument reads from content itself; and R² of style, less that of content itself. "
    "The claim holds in a row where, for some form of EntRec, the lower bound of the first is above 0 and the upper "
    f"bound of the second at most {LEAK:g}. A form falls short where the upper bound of the first is below 0, or the "
    f"lower bound of the second above {LEAK:g}. The row contradicts the claim where every form falls short and a "
    "reference, an objective of the theory’s own paper (InfoNCE, or alignment with entropy), holds by the same bounds. "
    f"{ALL_ROWS} {BOUNDS} EntRecDisc is shown but not judged: categories that are equally frequent and certain "
    "maximise its bound, and they need not determine all of content."
)
RATES_RULE = (
    "in every row of the convergence table, the 95 % interval of the fitted exponent must come within "
    f"{TOLERANCE:g} of the stated one, or lie on the side that an upper bound allows: there an error falls faster "
    "with k, or grows less as h shrinks. An interval that reaches half the stated exponent leaves the claim "
    "inconclusive. The rule tests the exponents of k at a fixed width h of the kernel and, in the cases with several "
    f"widths, the exponent of h in the bias. It does not test {UNTESTED}. For d < 4 this factor cannot be part of a "
    "bound on the variance: k times the variance tends to Var(log p), d/2 for Gaussian data, as h goes to 0, while "
    "h^(4−d) tends to 0."
)


def conditions_hold(row: LatentRecoveryRow) -> bool:
    """Return whether the theorems speak of a row: uniform latents, encoded into their space, with their density."""
    return row.space != "unbounded" and row.output == row.space and row.model == row.conditional


def recovery_outcome(
    forms: Mapping[str, BySeed],
    references: Mapping[str, BySeed],
    *,
    untrained: BySeed,
    supervised: BySeed,
    rows: int,
) -> CaseOutcome:
    """Decide C2 in one of so many `rows`, from R2 by seed of EntRec's forms, references and both ends of the scale."""
    if min(_less(supervised, untrained)) <= POINT:
        return "out of reach"  # the network has nothing to learn in this row
    closed = {
        name: [(r2 - low) / (high - low) for r2, low, high in zip(values, untrained, supervised, strict=True)]
        for name, values in {**forms, **references}.items()
    }
    beaten = any(
        _above(closed[reference], SHARE)
        and all(_above(_less(closed[reference], closed[form]), BEHIND, comparisons=rows) for form in forms)
        for reference in references
    )
    return _outcome(
        holds=any(_above(closed[form], SHARE, comparisons=len(forms)) for form in forms),
        short=all(_below(closed[form], SHARE, comparisons=rows) for form in forms),
        beaten=beaten,
        out_of_reach=all(_below(closed[reference], SHARE, comparisons=rows) for reference in references),
    )


def isolation_outcome(
    forms: Mapping[str, tuple[BySeed, BySeed]],
    references: Mapping[str, tuple[BySeed, BySeed]],
    *,
    ceiling: BySeed,
    oracle: BySeed,
    rows: int,
) -> CaseOutcome:
    """Decide C3 in one of so many `rows`, from R2 by seed of content and of style.

    `ceiling` is the R2 of content that the instrument reads where all of content is there, and `oracle` the R2 of style
    that content itself explains.
    """
    enough = [CONTENT * most for most in ceiling]

    def isolates(scores: tuple[BySeed, BySeed], comparisons: int) -> bool:
        content, style = scores
        return _above(_less(content, enough), 0, comparisons=comparisons) and _below(
            _less(style, oracle), LEAK, comparisons=comparisons
        )

    def short(scores: tuple[BySeed, BySeed]) -> bool:
        content, style = scores
        return _below(_less(content, enough), 0, comparisons=2 * rows) or _above(
            _less(style, oracle), LEAK, comparisons=2 * rows
        )

    return _outcome(
        holds=any(isolates(form, len(forms)) for form in forms.values()),
        short=all(map(short, forms.values())),
        beaten=any(isolates(reference, 1) for reference in references.values()),
        out_of_reach=all(map(short, references.values())),
    )


def slope_outcome(quantity: str, low: float, high: float, stated: float) -> SlopeOutcome:
    """Compare the interval of a fitted slope with the stated exponent of an upper bound.

    An error is within the bound where it falls faster with k, or grows less as h shrinks, than stated. An
    interval that reaches half the stated exponent cannot tell the stated rate from its square root.
    """
    above, below = low > stated + TOLERANCE, high < stated - TOLERANCE
    if above or below:
        return "within" if above == (quantity == IN_WIDTH) else "beyond"
    return "agrees" if high < stated / 2 else "undecided"


def status_of(outcomes: Sequence[CaseOutcome]) -> Status:
    """Return the status of a claim from the outcomes of its rows."""
    if "fails" in outcomes:
        return "not reproduced"
    enough = 2 * outcomes.count("holds") >= len(outcomes)
    return "reproduced" if enough and "uncertain" not in outcomes else "inconclusive"


def _less(values: BySeed, others: BySeed) -> BySeed:
    return [value - other for value, other in zip(values, others, strict=True)]


def _above(values: BySeed, limit: float, *, comparisons: int = 1) -> bool:
    found = mean_bounds(values, comparisons=comparisons)
    return found is not None and found.low > limit


def _below(values: BySeed, limit: float, *, comparisons: int) -> bool:
    found = mean_bounds(values, comparisons=comparisons)
    return found is not None and found.high < limit


def _outcome(*, holds: bool, short: bool, beaten: bool, out_of_reach: bool) -> CaseOutcome:
    if holds:
        return "holds"
    if not short:
        return "uncertain"
    return "fails" if beaten else "out of reach" if out_of_reach else "uncertain"
