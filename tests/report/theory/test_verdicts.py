"""The decision rules of claims C2, C3 and C8, on scores and exponents chosen by hand."""

import itertools
from dataclasses import replace

import pandas as pd
import pytest

from entrec.report.claims import Verdict
from entrec.report.templates import fragment
from entrec.report.theory.figures import TITLES
from entrec.report.theory.verdicts import (
    batch_sentence,
    conditions_hold,
    content_verdict,
    latents_verdict,
    rates_verdict,
    slope_outcome,
)
from entrec.theory.registry import ISOLATION_REPRESENTATIONS, RECOVERY_REPRESENTATIONS
from entrec.theory.settings.identifiability import Density
from entrec.theory.study import Setting

# R2 between an untrained and a supervised encoder: 90 % of the way is 0.95
ENDS = {"observations": 0.4, "untrained": 0.5, "supervised": 1.0}
GOOD = {"info_nce": 0.99, "entrec_resubstitution": 0.985, "entrec_leave_one_out": 0.99}
ISOLATED = {"observations": (0.7, 0.6), "untrained": (0.75, 0.65), "oracle": (1.0, 0.3), "info_nce": (0.97, 0.3),
            "align_entropy": (0.97, 0.3), "entrec_cont": (0.97, 0.3), "entrec_disc": (0.3, 0.3)}  # fmt: skip


def latents(quick: Setting, *, gap: float = 0.0, **rows: dict[str, float]) -> Verdict:
    """Return the verdict on R2s that are `GOOD` but for `rows`, of two seeds that are `gap` apart."""
    frame = [
        {
            "row": row,
            "representation": name,
            "seed": seed,
            "r2": (ENDS | GOOD | rows.get(row, {}))[name] + sign * gap / 2,
        }
        for row in quick.latent_recovery.rows
        for name in RECOVERY_REPRESENTATIONS
        for seed, sign in enumerate((-1, 1))
    ]
    return latents_verdict(quick.latent_recovery, pd.DataFrame(frame))


def content(quick: Setting, *, leaks: tuple[float, ...] = (0, 0), **rows: dict[str, tuple[float, float]]) -> Verdict:
    """Return the verdict on R2s (content, style) that are `ISOLATED` but for `rows`.

    EntRecCont explains so much more of style as `leaks` say, seed by seed.
    """
    frame = [
        {"row": row, "representation": name, "latents": latents, "seed": seed,
         "kernel_ridge": r2 + leak * ((latents, name) == ("style", "entrec_cont"))}
        for row, name in itertools.product(quick.content_isolation.rows, ISOLATION_REPRESENTATIONS)
        for latents, r2 in zip(("content", "style"), (ISOLATED | rows.get(row, {}))[name], strict=True)
        for seed, leak in enumerate(leaks)
    ]  # fmt: skip
    return content_verdict(quick.content_isolation, pd.DataFrame(frame))


def test_the_conditions_are_even_latents_their_space_and_their_density(quick: Setting) -> None:
    rows = quick.latent_recovery.rows
    assert {name for name, row in rows.items() if conditions_hold(row)} == {"wide", "narrow", "box"}
    assert not conditions_hold(replace(rows["open"], space="unbounded"))
    assert not conditions_hold(replace(rows["narrow"], model=Density(kind="vmf", width=5.0)))


def test_c2_is_reproduced_when_both_forms_recover_every_row(quick: Setting) -> None:
    found = latents(quick)
    assert found.name == "C2"
    assert found.status == "reproduced"
    assert found.sentence.startswith(
        "EntRec recovers the latents in 6 of 6 cases; 0 contradict the claim, 0 are undecided at this size. Held-out"
    )
    assert "sphere, vMF κ = 10: 50.0 ± 0.0, 100.0 ± 0.0; 99.0 ± 0.0, 98.5 ± 0.0, 99.0 ± 0.0 | box" in found.sentence


def test_rows_without_the_conditions_are_not_judged(quick: Setting) -> None:
    poor = {"entrec_resubstitution": 0.0, "entrec_leave_one_out": 0.0}
    assert latents(quick, foreign=poor, open=poor) == latents(quick)


@pytest.mark.parametrize(("r2", "reached"), [(0.951, 6), (0.949, 4)])
def test_a_row_is_reached_nine_tenths_of_the_way_to_the_supervised_encoder(
    r2: float, reached: int, quick: Setting
) -> None:
    found = latents(quick, box=dict.fromkeys(GOOD, r2))
    assert f"{reached} of 6 cases; 0 contradict the claim, {6 - reached} are undecided" in found.sentence


def test_a_row_that_is_reached_is_to_be_reached_by_both_forms(quick: Setting) -> None:
    assert latents(quick, box={"info_nce": 0.951, "entrec_resubstitution": 0.949}).status == "not reproduced"


def test_seeds_that_disagree_excuse_no_form_that_does_not_get_there(quick: Setting) -> None:
    assert latents(quick, gap=0.1, box={"entrec_resubstitution": 0.9}).status == "not reproduced"


def test_a_row_that_no_unsupervised_method_reaches_is_listed_and_decides_nothing(quick: Setting) -> None:
    poor = {"info_nce": 0.6, "entrec_resubstitution": 0.8, "entrec_leave_one_out": 0.6}
    found = latents(quick, wide=poor)
    assert found.status == "reproduced"
    named = "sphere, vMF κ = 1 by EntRec, resubstitution | sphere, vMF κ = 1 by EntRec, leave-one-out"
    assert f"4 of 6 cases; 0 contradict the claim, 2 are undecided at this size (undecided: {named})." in found.sentence
    assert latents(quick, wide=poor, narrow=poor).status == "not run"  # fewer than half decide


def test_a_row_that_info_nce_alone_reaches_contradicts_c2_and_is_named(quick: Setting) -> None:
    found = latents(quick, narrow={"entrec_resubstitution": 0.7})
    assert found.status == "not reproduced"
    assert (
        "1 contradicts the claim, 0 are undecided at this size "
        "(contradicting: sphere, vMF κ = 10 by EntRec, resubstitution" in found.sentence
    )


def test_what_entrec_alone_reaches_counts_for_it(quick: Setting) -> None:
    assert "6 of 6 cases" in latents(quick, narrow={"info_nce": 0.6}).sentence


def test_what_one_form_reaches_counts_against_the_other(quick: Setting) -> None:
    poor = {"entrec_resubstitution": 0.0, "info_nce": 0.94}
    found = latents(quick, **dict.fromkeys(quick.latent_recovery.rows, poor))
    assert found.status == "not reproduced"
    assert "3 of 6 cases; 3 contradict the claim" in found.sentence


def test_a_row_in_which_there_is_nothing_to_learn_decides_nothing(quick: Setting) -> None:
    assert "2 are undecided" in latents(quick, narrow={"untrained": 0.995, "entrec_resubstitution": 1.0}).sentence


def test_without_a_row_that_meets_the_conditions_c2_is_not_run(quick: Setting) -> None:
    own = quick.latent_recovery
    frame = pd.DataFrame(columns=["row", "representation", "seed", "r2"])
    found = latents_verdict(replace(own, rows={"open": own.rows["open"]}, sweep=replace(own.sweep, row="open")), frame)
    assert (found.status, found.sentence) == ("not run", "No row meets the conditions of the theorems.")


def test_c3_is_reproduced_when_style_is_told_no_better_than_by_content(quick: Setting) -> None:
    found = content(quick)
    assert (found.name, found.status) == ("C3", "reproduced")
    assert "isolates content in 2 of 2 cases; 0 contradict the claim" in found.sentence
    assert "causal dependence: 0.97 ± 0.00; 0.30 ± 0.00 of 0.30 ± 0.00." in found.sentence


@pytest.mark.parametrize(
    ("r2", "outcome"),
    [
        ((0.951, 0.3), "reproduced"),
        ((0.949, 0.3), "not reproduced"),
        ((0.97, 0.349), "reproduced"),
        ((0.97, 0.351), "not reproduced"),
        ((0.97, 0.1), "reproduced"),
    ],
)
def test_c3_needs_content_and_no_more_style_than_content_tells(
    r2: tuple[float, float], outcome: str, quick: Setting
) -> None:
    assert content(quick, causal={"entrec_cont": r2}).status == outcome


@pytest.mark.parametrize(
    ("leaks", "outcome"),
    [
        ((0.09, 0.0), "reproduced"),
        ((0.11, -0.1), "not reproduced"),  # one seed keeps style, the mean does not show it
        ((0.06, 0.06), "not reproduced"),
        ((0.0, 0.6, 0.6), "not reproduced"),
    ],
)
def test_seeds_that_disagree_excuse_no_leak_of_style(leaks: tuple[float, ...], outcome: str, quick: Setting) -> None:
    assert content(quick, leaks=leaks).status == outcome


def test_a_setting_that_no_reference_isolates_decides_nothing(quick: Setting) -> None:
    leak = dict.fromkeys(("info_nce", "align_entropy", "entrec_cont"), (0.97, 0.6))
    found = content(quick, causal=leak)
    assert found.status == "reproduced"
    assert "(undecided: p = 0.75, statistical and causal dependence by EntRecCont)" in found.sentence
    assert content(quick, causal=leak | {"align_entropy": (0.97, 0.3)}).status == "not reproduced"
    assert content(quick, causal=leak, apart=leak).status == "not run"


def test_categories_are_shown_and_not_judged(quick: Setting) -> None:
    assert content(quick, causal={"entrec_disc": (0.0, 0.9)}) == content(quick)


def test_a_verdict_says_what_was_trained_and_prints_its_rule(quick: Setting) -> None:
    for found in (latents(quick), content(quick)):
        html = fragment("claims", [found], TITLES)
        assert "trained for 100 steps in batches of 512; the originals" in html
        assert "at least half" in html.lower()
    assert 'href="#table_content_style"' in fragment("claims", [content(quick)], TITLES)
    assert 'href="#table_latent_recovery"' in fragment("claims", [latents(quick)], TITLES)


def test_the_sweep_is_told_from_the_largest_batch_to_the_smallest() -> None:
    rows = [
        ("info_nce", 64, 0.9),
        ("info_nce", 512, 0.99),
        ("entrec_resubstitution", 64, 0.95),
        ("entrec_resubstitution", 512, 0.98),
    ]
    frame = pd.DataFrame([(*row, 0) for row in rows], columns=["method", "batch_size", "r2", "seed"])
    said = batch_sentence(frame)
    assert "From batches of 512 to batches of 64, held-out R² changes as follows (in %, 1 seed)" in said
    assert "InfoNCE 99.0 → 90.0; EntRec, resubstitution 98.0 → 95.0. This is no verdict on C6" in said


def rates(*fits: tuple[str, float, float]) -> Verdict:
    """Return the verdict on fits (quantity, slope, stated) whose intervals reach 0.05 to either side."""
    columns = ["case", "quantity", "slope", "low", "high", "stated"]
    rows = [("a_case", quantity, slope, slope - 0.05, slope + 0.05, stated) for quantity, slope, stated in fits]
    return rates_verdict(pd.DataFrame(rows, columns=columns))


@pytest.mark.parametrize(
    ("low", "high", "outcome"),
    [(-2.1, -1.95, "agrees"), (-1.92, -1.8, "agrees"), (-1.89, -1.7, "beyond"), (-2.4, -2.11, "within")],
)
def test_a_slope_agrees_when_its_interval_comes_within_a_tenth(low: float, high: float, outcome: str) -> None:
    assert slope_outcome("squared bias", low, high, -2.0) == outcome


def test_an_interval_that_reaches_half_the_exponent_decides_nothing() -> None:
    assert slope_outcome("variance", -1.3, -0.51, -1.0) == "agrees"
    assert slope_outcome("variance", -1.3, -0.49, -1.0) == "undecided"
    columns = ["case", "quantity", "slope", "low", "high", "stated"]
    fits = pd.DataFrame([("a_case", "variance", -0.9, -1.4, -0.4, -1.0)], columns=columns)
    found = rates_verdict(fits)
    assert found.status == "not run"
    assert "1 is too uncertain" in found.sentence


@pytest.mark.parametrize(("slope", "outcome"), [(-2.0, "agrees"), (-1.5, "within"), (-2.5, "beyond")])
def test_a_bias_that_grows_less_as_the_kernel_shrinks_is_within_the_bound(slope: float, outcome: str) -> None:
    assert slope_outcome("bias against h", slope - 0.05, slope + 0.05, -2.0) == outcome


def test_c8_is_reproduced_when_no_error_falls_more_slowly_than_stated() -> None:
    found = rates(("squared bias", -1.98, -2.0), ("variance", -1.6, -1.0))
    assert found.status == "reproduced"
    assert (
        "2 exponents were fitted in 1 case: 1 agrees with the stated one; 1 is faster than the stated rate"
        in found.sentence
    )
    assert "0 contradict the claim." in found.sentence


def test_c8_is_not_reproduced_when_one_falls_more_slowly_and_says_which() -> None:
    found = rates(("squared bias", -2.0, -2.0), ("variance", -0.7, -1.0))
    assert found.status == "not reproduced"
    assert "1 contradicts the claim (a_case, variance: −0.70 for −1.00)." in found.sentence


def test_without_a_fit_c8_is_not_run() -> None:
    assert rates().status == "not run"


def test_the_verdict_says_which_exponents_are_tested_and_which_is_not() -> None:
    in_k = "These are exponents of k at fixed h; the factor h^(4−d) of Theorem 2’s first term is not tested."
    assert rates(("variance", -1.0, -1.0)).sentence.endswith(in_k)
    swept = rates(("variance", -1.0, -1.0), ("bias against h", -2.0, -2.0)).sentence
    assert "exponents of k at fixed h, and that of h for the bias in 1 case; the factor h^(4−d)" in swept


def test_the_rule_says_why_the_untested_factor_bounds_no_variance() -> None:
    rule = rates(("variance", -1.0, -1.0)).rule
    assert "It does not test the factor h^(4−d) of Theorem 2’s first term. For d < 4" in rule
    assert "k times the variance tends to Var(log p), d/2 for Gaussian data" in rule


def test_the_rule_and_the_evidence_are_on_the_page() -> None:
    html = fragment("claims", [rates(("variance", -1.0, -1.0))], TITLES)
    assert "must come within 0.1 of the stated one" in html
    assert 'href="#table_estimators_rates"' in html
    assert 'href="#estimators_rates"' in html
