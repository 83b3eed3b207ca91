"""The decision rules of claims C2, C3 and C8, each beside the sentence that states it on the page.

C2 and C3 are claims about the maximum of a bound, which a small study may not reach. What it does not reach is not held
against the bound: a case decides only where EntRec itself, or an objective that the theory was proved for, succeeds
with the same network and the same steps.
"""

import statistics
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import pandas as pd

from entrec.report.claims import Status, Verdict
from entrec.report.mean_sd import MeanSD, decimal, mean_sds
from entrec.report.theory.names import (
    IN_WIDTH,
    content_isolation_title,
    counted,
    full_title,
    hidden_of,
    quantity,
    steps_of,
)
from entrec.theory.registry import CONTENT_ISOLATION, LATENT_RECOVERY
from entrec.theory.settings.identifiability import ContentIsolation, LatentRecovery, LatentRecoveryRow

CaseOutcome = Literal["holds", "fails", "undecided"]
FORMS = [name for name, objective in LATENT_RECOVERY.items() if objective.role == "judged"]
REFERENCES = [name for name, objective in CONTENT_ISOLATION.items() if objective.role == "reference"]
SHARE = 0.9  # of the gap between the untrained and the supervised encoder
POINT = 0.01  # a gap in R2 that is too small to show whether anything was learnt
CONTENT = 0.95  # R2 of content that counts as all of it; the published values are 0.98 and more
LEAK = 0.05  # R2 of style that kernel ridge finds by chance, or that a small network leaves

SlopeOutcome = Literal["agrees", "within", "beyond", "undecided"]
TOLERANCE = 0.1  # of an exponent: how far terms of higher order still move it at the study's sample sizes
UNTESTED = "the factor h^(4−d) of Theorem 2’s first term"


@dataclass(frozen=True)
class Case:
    """One method in one row of a study, both by their titles, with the outcome of the rule."""

    row: str
    method: str
    outcome: CaseOutcome


# what decides each claim, as the page states it
LATENTS_RULE = (
    "in the rows whose latents are uniform on the sphere or in the box, and whose objective has the space and the "
    "density of the pairs, both forms of EntRec (resubstitution and leave-one-out) must close at least "
    f"{100 * SHARE:.0f} % of the gap in held-out R² between the untrained and the supervised encoder, in the mean "
    "over seeds. Where one form does not, but the other form or InfoNCE does, the case contradicts the claim. "
    f"Where none of the three does, or where the supervised encoder is at most {100 * POINT:.0f} point above the "
    "untrained one, the case is undecided. At least half of the cases must hold. In the box, EntRec’s density is "
    "not truncated at the walls although that of the pairs is, so its bound is not tight there. The other rows are "
    "shown but not judged, and neither are correlations, because the claim allows any affine map."
)
CONTENT_RULE = (
    "in every setting of dependence, the encoding by EntRecCont must explain content with an R² (kernel ridge) of "
    f"at least {CONTENT:g}, in the mean over seeds. It must explain style no better than content itself does with "
    f"the same seed: by at most {LEAK:g} in the mean, and by at most {2 * LEAK:g} with any seed. Where EntRecCont "
    "fails, and so do the two objectives of the theory’s own paper (InfoNCE, and alignment with entropy), the "
    "setting is undecided. At least half of the settings must hold. EntRecDisc is shown but not judged: categories "
    "that are equally frequent and certain maximise its bound, and they need not determine all of content."
)
RATES_RULE = (
    "in every row of the convergence table, the 95 % interval of the fitted exponent must come within "
    f"{TOLERANCE:g} of the stated one, or lie on the side that an upper bound allows: there an error falls faster "
    "with k, or grows less as h shrinks. An interval that reaches half the stated exponent decides nothing. "
    "The rule tests the exponents of k at a fixed width h of the kernel and, in the cases with several widths, the "
    f"exponent of h in the bias. It does not test {UNTESTED}. For d < 4 this factor cannot be part of a bound on "
    "the variance: k times the variance tends to Var(log p), d/2 for Gaussian data, as h goes to 0, while h^(4−d) "
    "tends to 0."
)


def latents_verdict(settings: LatentRecovery, scores: pd.DataFrame) -> Verdict:
    """Return the verdict on C2 from `scores`, the rows of `table_latent_recovery`."""
    verdict = partial(
        Verdict, "C2", LATENTS_RULE, ("table_latent_recovery", "latent_recovery", "latent_recovery_training")
    )
    r2 = mean_sds(scores, ["row", "representation"], "r2", scale=100)
    rows = {name: full_title(row) for name, row in settings.rows.items() if conditions_hold(row)}
    cases = [
        Case(title, str(LATENT_RECOVERY[form].title), _recovery_outcome(r2, row, form))
        for row, title in rows.items()
        for form in FORMS
    ]
    if not cases:
        return verdict("not run", "No row meets the conditions of the theorems.")
    numbers = (
        f"{title}: {r2[row, 'untrained'].text()}, {r2[row, 'supervised'].text()}; "
        f"{r2[row, 'info_nce'].text()}, {', '.join(r2[row, form].text() for form in FORMS)}"
        for row, title in rows.items()
    )
    sentence = (
        f"EntRec recovers the latents in {_counted_cases(cases)}{_named(cases)}. Held-out R² in % (mean ± "
        "standard deviation over seeds) of the untrained and the supervised encoder; then of InfoNCE, EntRec "
        f"(resubstitution) and EntRec (leave-one-out): {' | '.join(numbers)}."
    )
    return verdict(_status(cases), sentence, _extent(settings))


def conditions_hold(row: LatentRecoveryRow) -> bool:
    """Return whether the theorems speak of a row: uniform latents, encoded into their space, with their density."""
    return row.space != "unbounded" and row.output == row.space and row.model == row.conditional


def content_verdict(settings: ContentIsolation, scores: pd.DataFrame) -> Verdict:
    """Return the verdict on C3 from `scores`, the rows of `table_content_style`."""
    verdict = partial(Verdict, "C3", CONTENT_RULE, ("table_content_style", "content_style"))
    ridge = mean_sds(scores, ["latents", "row", "representation"], "kernel_ridge")
    rows = {name: content_isolation_title(row) for name, row in settings.rows.items()}
    excess = _style_above_oracle(scores)
    cases = []
    for row, title in rows.items():
        isolated = {
            name: isolates(ridge["content", row, name], list(excess[name][row]))
            for name in ("entrec_cont", *REFERENCES)
        }
        outcome: CaseOutcome = "fails" if any(isolated.values()) else "undecided"
        cases.append(Case(title, "EntRecCont", "holds" if isolated["entrec_cont"] else outcome))
    numbers = (
        f"{title}: {ridge['content', row, 'entrec_cont'].text(decimals=2)}; "
        f"{ridge['style', row, 'entrec_cont'].text(decimals=2)} of {ridge['style', row, 'oracle'].text(decimals=2)}"
        for row, title in rows.items()
    )
    sentence = (
        f"EntRecCont isolates content in {_counted_cases(cases)}{_named(cases)}. R² (mean ± standard deviation "
        f"over seeds) of content; then of style, beside what content itself explains of it: {' | '.join(numbers)}."
    )
    return verdict(_status(cases), sentence, _extent(settings))


def isolates(content: MeanSD, excess: Sequence[float]) -> bool:
    """Return whether content is isolated, by R2 of content and by R2 of style less that of true content, by seed."""
    return content.mean >= CONTENT and statistics.fmean(excess) <= LEAK and max(excess) <= 2 * LEAK


def rates_verdict(fits: pd.DataFrame) -> Verdict:
    """Return the verdict on C8 from `fits`, the rows of `table_estimators_rates`."""
    verdict = partial(Verdict, "C8", RATES_RULE, ("table_estimators_rates", "estimators_rates"))
    if not len(fits):
        return verdict("not run", "No exponent was fitted.")
    rows = fits.to_dict("records")
    outcomes = [slope_outcome(row["quantity"], row["low"], row["high"], row["stated"]) for row in rows]
    beyond = [row for row, outcome in zip(rows, outcomes, strict=True) if outcome == "beyond"]
    undecided = outcomes.count("undecided")
    status: Status = "not reproduced" if beyond else "not run" if undecided else "reproduced"
    sentence = (
        f"{counted(len(rows), 'exponent was', 'exponents were')} fitted in "
        f"{quantity(fits['case'].nunique(), 'case')}: "
        f"{counted(outcomes.count('agrees'), 'agrees', 'agree')} with the stated one; "
        f"{counted(outcomes.count('within'), 'is', 'are')} faster than the stated rate, which is only an upper bound; "
        f"{counted(undecided, 'is', 'are')} too uncertain; "
        f"{counted(len(beyond), 'contradicts', 'contradict')} the claim{_listed_slopes(beyond)}. {_tested(fits)}"
    )
    return verdict(status, sentence)


def slope_outcome(quantity: str, low: float, high: float, stated: float) -> SlopeOutcome:
    """Compare the interval of a fitted slope with the stated exponent of an upper bound.

    An error is within the bound where it falls faster with k, or grows less as h shrinks, than stated. An
    interval that reaches half the stated exponent cannot tell the stated rate from its square root.
    """
    above, below = low > stated + TOLERANCE, high < stated - TOLERANCE
    if above or below:
        return "within" if above == (quantity == IN_WIDTH) else "beyond"
    return "agrees" if high < stated / 2 else "undecided"


def batch_sentence(rows: pd.DataFrame) -> str:
    """Return what the sweep over batch sizes shows beside C6, from the rows of `table_latent_recovery_batch`."""
    smallest, largest = rows["batch_size"].min(), rows["batch_size"].max()
    r2 = mean_sds(rows, ["method", "batch_size"], "r2", scale=100)
    changes = [
        f"{LATENT_RECOVERY[name].title} {r2[name, largest].text()} → {r2[name, smallest].text()}"
        for name in rows["method"].unique()
    ]
    return (
        f"From batches of {largest} to batches of {smallest}, held-out R² changes as follows (in %, "
        f"{quantity(rows['seed'].nunique(), 'seed')}): {'; '.join(changes)}. This is no verdict on C6, which is about "
        "ImageNet: it shows what the batch size does to each bound where there is nothing to learn but the latents."
    )


def _recovery_outcome(r2: Mapping[tuple[str, str], MeanSD], row: str, form: str) -> CaseOutcome:
    low, high = (r2[row, name].mean for name in ("untrained", "supervised"))
    if high - low <= 100 * POINT:
        return "undecided"  # the network has nothing to learn in this row
    enough = low + SHARE * (high - low)
    if r2[row, form].mean >= enough:
        return "holds"
    return "fails" if any(r2[row, name].mean >= enough for name in ("info_nce", *FORMS)) else "undecided"


def _style_above_oracle(scores: pd.DataFrame) -> pd.DataFrame:
    """Return R2 of style less that of the oracle, which has the same process: rows and seeds by representations."""
    style = scores[scores["latents"] == "style"]
    r2 = style.pivot_table("kernel_ridge", index=["row", "seed"], columns="representation")
    return r2.sub(r2["oracle"], axis="index")


def _status(cases: Sequence[Case]) -> Status:
    outcomes = [case.outcome for case in cases]
    if "fails" in outcomes:
        return "not reproduced"
    return "reproduced" if 2 * outcomes.count("holds") >= len(cases) else "not run"


def _counted_cases(cases: Sequence[Case]) -> str:
    """Return for instance `1 of 8 cases; 1 contradicts the claim, 6 are undecided at this size`."""
    found = Counter(case.outcome for case in cases)
    return (
        f"{found['holds']} of {quantity(len(cases), 'case')}; {counted(found['fails'], 'contradicts', 'contradict')} "
        f"the claim, {counted(found['undecided'], 'is', 'are')} undecided at this size"
    )


def _named(cases: Sequence[Case]) -> str:
    """Return the cases that do not hold, in brackets."""
    lists = []
    for outcome, words in (("fails", "contradicting"), ("undecided", "undecided")):
        names = [f"{case.row} by {case.method}" for case in cases if case.outcome == outcome]
        lists += [f"{words}: {' | '.join(names)}"] if names else []
    return f" ({'; '.join(lists)})" if lists else ""


def _extent(own: LatentRecovery | ContentIsolation) -> str:
    """Return how small the study's networks and runs are beside the originals."""
    return (
        f"This verdict is about encoders with hidden layers of {hidden_of(own)} units, trained for {steps_of(own)} "
        f"steps in batches of {own.training.batch_size}; the originals have up to 500 units and are trained for "
        "300,000 steps in batches of 6,144. A claim about maxima can be contradicted here only where another "
        "objective succeeds."
    )


def _listed_slopes(rows: list[dict[Hashable, Any]]) -> str:
    slopes = [
        f"{row['case']}, {row['quantity']}: {decimal(row['slope'], 2)} for {decimal(row['stated'], 2)}" for row in rows
    ]
    return f" ({'; '.join(slopes)})" if slopes else ""


def _tested(fits: pd.DataFrame) -> str:
    """Return which exponents were fitted, and which factor of Theorem 2 was not."""
    swept = fits.loc[fits["quantity"] == IN_WIDTH, "case"].nunique()
    of_width = f", and that of h for the bias in {quantity(swept, 'case')}" if swept else ""
    return f"These are exponents of k at fixed h{of_width}; {UNTESTED} is not tested."
