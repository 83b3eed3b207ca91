"""The rule that claim C8 is judged by, beside the sentence that states it on the page."""

from collections.abc import Hashable
from dataclasses import replace
from typing import Any, Literal

import pandas as pd

from entrec.report.claims import CLAIMS, Claim, Status, Verdict
from entrec.report.spread import decimal

Reading = Literal["agrees", "within", "beyond", "undecided"]
TOLERANCE = 0.1  # of an exponent: what terms of higher order still move within the sample sizes of the study
READINGS: dict[Reading, str] = {
    "agrees": "yes",
    "within": "within the bound",
    "beyond": "no",
    "undecided": "too uncertain",
}
IN_WIDTH = "bias against h"  # the one error that is fitted against the kernel's width; it grows as h shrinks
JUDGED = ("C2", "C3", "C8")


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
        "with k, or grows less as h shrinks. An interval that reaches half the stated exponent decides nothing."
    )


def theory_verdicts(fits: pd.DataFrame) -> list[Verdict]:
    """The claims that a theory study can judge, from its fits (columns as `theory_results.FITS`)."""
    verdicts = []
    for claim in CLAIMS:
        if claim.name == "C8":
            verdicts.append(_rates(claim, fits))
        elif claim.name in JUDGED:
            verdicts.append(Verdict(claim, "not run", "No experiment on it yet."))
    return verdicts


def _rates(claim: Claim, fits: pd.DataFrame) -> Verdict:
    claim = replace(claim, rule=rates_rule(), evidence=("table_estimators_rates", "estimators_rates"))
    if not len(fits):
        return Verdict(claim, "not run", "No exponent was fitted.")
    rows = fits.to_dict("records")
    readings = [compared(row["quantity"], row["low"], row["high"], row["stated"]) for row in rows]
    beyond = [row for row, reading in zip(rows, readings, strict=True) if reading == "beyond"]
    undecided = readings.count("undecided")
    status: Status = "not reproduced" if beyond else "not run" if undecided else "reproduced"
    sentence = (
        f"{len(fits)} exponents fitted in {fits['case'].nunique()} cases: {readings.count('agrees')} agree with the "
        f"stated one, {readings.count('within')} are within the bound without meeting it, {undecided} are too "
        f"uncertain, {len(beyond)} contradict it{_listed(beyond)}."
    )
    return Verdict(claim, status, sentence)


def _listed(rows: list[dict[Hashable, Any]]) -> str:
    if not rows:
        return ""
    parts = [
        f"{row['case']}, {row['quantity']}: {decimal(row['slope'], 2)} for {decimal(row['stated'], 2)}" for row in rows
    ]
    return f" ({'; '.join(parts)})"
