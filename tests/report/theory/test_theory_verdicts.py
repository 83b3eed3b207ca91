"""Claim C8: the rule on exponents chosen by hand."""

import pandas as pd
import pytest

from entrec.report.claims import Verdict, claims_fragment
from entrec.report.theory.verdicts import rates_verdict, slope_outcome


def verdict(*fits: tuple[str, float, float]) -> Verdict:
    """Of fits (quantity, slope, stated) whose intervals reach 0.05 to either side."""
    columns = ["case", "quantity", "slope", "low", "high", "stated"]
    rows = [("a_case", quantity, slope, slope - 0.05, slope + 0.05, stated) for quantity, slope, stated in fits]
    return rates_verdict(pd.DataFrame(rows, columns=columns))


@pytest.mark.parametrize(
    ("low", "high", "reading"),
    [(-2.1, -1.95, "agrees"), (-1.92, -1.8, "agrees"), (-1.89, -1.7, "beyond"), (-2.4, -2.11, "within")],
)
def test_a_slope_agrees_when_its_interval_comes_within_a_tenth(low: float, high: float, reading: str) -> None:
    assert slope_outcome("squared bias", low, high, -2.0) == reading


def test_an_interval_that_reaches_half_the_exponent_decides_nothing() -> None:
    assert slope_outcome("variance", -1.3, -0.51, -1.0) == "agrees"
    assert slope_outcome("variance", -1.3, -0.49, -1.0) == "undecided"
    columns = ["case", "quantity", "slope", "low", "high", "stated"]
    fits = pd.DataFrame([("a_case", "variance", -0.9, -1.4, -0.4, -1.0)], columns=columns)
    found = rates_verdict(fits)
    assert found.status == "not run"
    assert "1 is too uncertain" in found.sentence


@pytest.mark.parametrize(("slope", "reading"), [(-2.0, "agrees"), (-1.5, "within"), (-2.5, "beyond")])
def test_a_bias_that_grows_less_as_the_kernel_shrinks_is_within_the_bound(slope: float, reading: str) -> None:
    assert slope_outcome("bias against h", slope - 0.05, slope + 0.05, -2.0) == reading


def test_c8_is_reproduced_when_no_error_falls_more_slowly_than_stated() -> None:
    found = verdict(("squared bias", -1.98, -2.0), ("variance", -1.6, -1.0))
    assert found.status == "reproduced"
    assert "2 exponents were fitted in 1 case: 1 agrees with the stated one, 1 is within the bound" in found.sentence
    assert "0 contradict it." in found.sentence


def test_c8_is_not_reproduced_when_one_falls_more_slowly_and_says_which() -> None:
    found = verdict(("squared bias", -2.0, -2.0), ("variance", -0.7, -1.0))
    assert found.status == "not reproduced"
    assert "1 contradicts it (a_case, variance: −0.70 for −1.00)." in found.sentence


def test_without_a_fit_c8_is_not_run() -> None:
    assert verdict().status == "not run"


def test_the_verdict_says_which_exponents_are_tested_and_which_is_not() -> None:
    in_k = "These are exponents of k at fixed h; the factor h^(4−d) of Theorem 2’s first term is not tested."
    assert verdict(("variance", -1.0, -1.0)).sentence.endswith(in_k)
    swept = verdict(("variance", -1.0, -1.0), ("bias against h", -2.0, -2.0)).sentence
    assert "exponents of k at fixed h, and that of h for the bias in 1 case; the factor h^(4−d)" in swept


def test_the_rule_says_why_the_untested_factor_bounds_no_variance() -> None:
    rule = verdict(("variance", -1.0, -1.0)).claim.rule
    assert "It does not test the factor h^(4−d) of Theorem 2’s first term. For d < 4" in rule
    assert "k times the variance tends to Var(log p), d/2 for Gaussian data" in rule


def test_the_rule_and_the_evidence_are_on_the_page() -> None:
    html = claims_fragment([verdict(("variance", -1.0, -1.0))])
    assert "must come within 0.1 of the stated one" in html
    assert 'href="#table_estimators_rates"' in html
    assert 'href="#estimators_rates"' in html
