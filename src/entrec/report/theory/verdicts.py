"""The rule that claim C8 is judged by, beside the sentence that states it on the page."""

from collections.abc import Hashable
from dataclasses import replace
from typing import Any, Literal

import pandas as pd

from entrec.report.claims import CLAIMS, Claim, Status, Verdict
from entrec.report.mean_sd import decimal
from entrec.report.theory.names import quantity

Reading = Literal["agrees", "within", "beyond", "undecided"]
TOLERANCE = 0.1  # of an exponent: what terms of higher order still move within the sample sizes of the study
READINGS: dict[Reading, str] = {
    "agrees": "yes",
    "within": "within the bound",
    "beyond": "no",
    "undecided": "too uncertain",
}
IN_WIDTH = "bias against h"  # the one error that is fitted against the kernel's width; it grows as h shrinks
UNTESTED = "the factor h^(4−d) of Theorem 2’s first term"


def compared(quantity: str, low: float, high: float, stated: float) -> Reading:
    """How a slope's interval lies to the stated exponent of an upper bound.

    An error is within the bound where it falls faster with k, or grows less as h shrinks, than stated. An
    interval that reaches half the stated exponent cannot tell the stated rate from its square root.
    """
    above, below = low > stated + TOLERANCE, high < stated - TOLERANCE
    if above or below:
        return "within" if above == (quantity == IN_WIDTH) else "beyond"
    return "agrees" if high < stated / 2 else "undecided"


def rates_rule() -> str:
    """How C8 is judged."""
    return (
        "for every row of the convergence table, the 95 % interval of the fitted exponent comes within "
        f"{TOLERANCE:g} of the stated one, or lies on the side that an upper bound allows: an error that falls faster "
        "with k, or grows less as h shrinks. An interval that reaches half the stated exponent decides nothing. "
        "Tested are the exponents of k at a fixed width h of the kernel and, in the cases with several widths, the "
        f"exponent of h in the bias. Not tested is {UNTESTED}. For d < 4 it cannot be part of a bound of the "
        "variance: k times the variance tends to Var(log p), d/2 for Gaussian data, as h goes to 0, while h^(4−d) "
        "tends to 0."
    )


def ruled(name: str, rule: str, evidence: tuple[str, ...]) -> Claim:
    """The claim called `name` with the rule that the theory page judges it by, and where its numbers are."""
    (claim,) = (claim for claim in CLAIMS if claim.name == name)
    return replace(claim, rule=rule, evidence=evidence)


def rates_verdict(fits: pd.DataFrame) -> Verdict:
    """C8, from fits (columns as `theory_results.FITS`)."""
    claim = ruled("C8", rates_rule(), ("table_estimators_rates", "estimators_rates"))
    if not len(fits):
        return Verdict(claim, "not run", "No exponent was fitted.")
    rows = fits.to_dict("records")
    readings = [compared(row["quantity"], row["low"], row["high"], row["stated"]) for row in rows]
    beyond = [row for row, reading in zip(rows, readings, strict=True) if reading == "beyond"]
    undecided = readings.count("undecided")
    status: Status = "not reproduced" if beyond else "not run" if undecided else "reproduced"
    sentence = (
        f"{quantity(len(fits), 'exponent')} fitted in {quantity(fits['case'].nunique(), 'case')}: "
        f"{readings.count('agrees')} agree with the stated one, {readings.count('within')} are within the bound "
        f"without meeting it, {undecided} are too uncertain, {len(beyond)} contradict it{_listed(beyond)}. "
        f"{_extent(fits)}"
    )
    return Verdict(claim, status, sentence)


def _extent(fits: pd.DataFrame) -> str:
    """What the fitted exponents are of, and what of Theorem 2 they leave out."""
    swept = fits.loc[fits["quantity"] == IN_WIDTH, "case"].nunique()
    of_width = f", and that of h for the bias in {quantity(swept, 'case')}" if swept else ""
    return f"These are exponents of k at fixed h{of_width}; {UNTESTED} is not tested."


def _listed(rows: list[dict[Hashable, Any]]) -> str:
    if not rows:
        return ""
    parts = [
        f"{row['case']}, {row['quantity']}: {decimal(row['slope'], 2)} for {decimal(row['stated'], 2)}" for row in rows
    ]
    return f" ({'; '.join(parts)})"
