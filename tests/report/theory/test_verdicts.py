"""The decision rules of claims C2, C3 and C8, on scores and exponents chosen by hand."""

import itertools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pandas as pd
import pytest

from entrec.report.claims import Verdict
from entrec.report.templates import fragment
from entrec.report.theory.decision_rules import conditions_hold, slope_outcome
from entrec.report.theory.figures import TITLES
from entrec.report.theory.verdicts import batch_sentence, content_verdict, judge, latents_verdict, rates_verdict
from entrec.theory.registry import ISOLATION_REPRESENTATIONS, RECOVERY_REPRESENTATIONS
from entrec.theory.settings.identifiability import Density
from entrec.theory.study import Setting

# R2 between an untrained and a supervised encoder: 90 % of the way is 0.95
ENDS = {"observations": 0.4, "untrained": 0.5, "supervised": 1.0}
GOOD = {"info_nce": 0.99, "entrec_resubstitution": 0.985, "entrec_leave_one_out": 0.99}
ISOLATED = {"observations": (0.7, 0.6), "untrained": (0.75, 0.65), "oracle": (1.0, 0.3), "info_nce": (0.97, 0.3),
            "align_entropy": (0.97, 0.3), "entrec_cont": (0.97, 0.3), "entrec_disc": (0.3, 0.3)}  # fmt: skip


# scores of five seeds differ by so much from their mean, in units of the parameter `spread`
STEPS = (-1.0, -0.5, 0.0, 0.5, 1.0)


def recovered(quick: Setting, *, spread: float = 0.001, **rows: dict[str, float]) -> pd.DataFrame:
    """Return a table of R2s that are `GOOD` but for `rows`, with seeds that spread so far."""
    frame = [
        {
            "row": row,
            "representation": name,
            "seed": seed,
            "r2": (ENDS | GOOD | rows.get(row, {}))[name] + spread * step * (name not in ENDS),
        }
        for row in quick.latent_recovery.rows
        for name in RECOVERY_REPRESENTATIONS
        for seed, step in enumerate(STEPS)
    ]
    return pd.DataFrame(frame)


def latents(quick: Setting, **changes: Any) -> Verdict:
    """Return the verdict on the table of `recovered`."""
    return latents_verdict(quick.latent_recovery, recovered(quick, **changes))


def isolated(
    quick: Setting, *, spread: float = 0.001, ceiling: float = 1.0, **rows: dict[str, tuple[float, float]]
) -> pd.DataFrame:
    """Return a table of R2s (content, style) that are `ISOLATED` but for `rows`, with seeds that spread so far.

    The instrument reads `ceiling` where all of content is there.
    """
    known = ISOLATED | {"oracle": (ceiling, ISOLATED["oracle"][1])}
    frame = [
        {
            "row": row,
            "representation": name,
            "latents": latents,
            "seed": seed,
            "kernel_ridge": r2 + spread * step * (name != "oracle"),
        }
        for row, name in itertools.product(quick.content_isolation.rows, ISOLATION_REPRESENTATIONS)
        for latents, r2 in zip(("content", "style"), (known | rows.get(row, {}))[name], strict=True)
        for seed, step in enumerate(STEPS)
    ]
    return pd.DataFrame(frame)


def content(quick: Setting, **changes: Any) -> Verdict:
    """Return the verdict on the table of `isolated`."""
    return content_verdict(quick.content_isolation, isolated(quick, **changes))


def test_the_conditions_are_even_latents_their_space_and_their_density(quick: Setting) -> None:
    rows = quick.latent_recovery.rows
    assert {name for name, row in rows.items() if conditions_hold(row)} == {"wide", "narrow", "box"}
    assert not conditions_hold(replace(rows["open"], space="unbounded"))
    assert not conditions_hold(replace(rows["narrow"], model=Density(kind="vmf", width=5.0)))


def test_c2_is_reproduced_when_every_row_is_recovered(quick: Setting) -> None:
    found = latents(quick)
    assert found.name == "C2"
    assert found.status == "reproduced"
    assert found.sentence.startswith(
        "EntRec recovers the latents in 3 of 3 rows; 0 contradict the claim, 0 are uncertain, 0 are out of reach at "
        "this size. Held-out"
    )
    assert "sphere, vMF κ = 10: 50.0 ± 0.0, 100.0 ± 0.0, 99.0 ± 0.1, 98.5 ± 0.1, 99.0 ± 0.1 | box" in found.sentence


def test_rows_without_the_conditions_are_not_judged(quick: Setting) -> None:
    poor = {"entrec_resubstitution": 0.0, "entrec_leave_one_out": 0.0}
    assert latents(quick, foreign=poor, open=poor) == latents(quick)


def test_a_row_is_judged_by_the_better_form(quick: Setting) -> None:
    for form in ("entrec_resubstitution", "entrec_leave_one_out"):
        assert latents(quick, box={form: 0.6}).status == "reproduced"
    both = {"entrec_resubstitution": 0.6, "entrec_leave_one_out": 0.6}
    found = latents(quick, box=both)
    assert found.status == "not reproduced"
    assert "2 of 3 rows; 1 contradicts the claim" in found.sentence
    assert "(contradicting: box, Laplace 0.05). Held-out" in found.sentence


@pytest.mark.parametrize(("r2", "reached"), [(0.952, 3), (0.95, 2)])
def test_a_row_is_recovered_nine_tenths_of_the_way_to_the_supervised_encoder(
    r2: float, reached: int, quick: Setting
) -> None:
    found = latents(quick, box=dict.fromkeys(GOOD, r2))
    assert f"{reached} of 3 rows; 0 contradict the claim, {3 - reached}" in found.sentence


def test_seeds_that_disagree_leave_the_claim_inconclusive(quick: Setting) -> None:
    forms = {"entrec_resubstitution": 0.6, "entrec_leave_one_out": 0.93}
    assert latents(quick, spread=0.1, box=forms).status == "inconclusive"
    assert latents(quick, spread=0.001, box=forms).status == "not reproduced"


def test_what_is_hardly_behind_the_reference_does_not_contradict_c2(quick: Setting) -> None:
    close = {"info_nce": 0.952, "entrec_resubstitution": 0.948, "entrec_leave_one_out": 0.948}
    found = latents(quick, spread=0.0001, box=close)
    assert found.status == "inconclusive"
    assert "0 contradict the claim, 1 is uncertain" in found.sentence


def test_a_row_that_no_objective_reaches_decides_nothing_but_half_of_the_rows_must_hold(quick: Setting) -> None:
    poor = {"info_nce": 0.6, "entrec_resubstitution": 0.8, "entrec_leave_one_out": 0.6}
    found = latents(quick, wide=poor)
    assert found.status == "reproduced"
    assert "1 is out of reach at this size (out of reach: sphere, vMF κ = 1). Held-out" in found.sentence
    assert latents(quick, wide=poor, narrow=poor).status == "inconclusive"


def test_what_entrec_alone_reaches_counts_for_it(quick: Setting) -> None:
    assert "3 of 3 rows" in latents(quick, narrow={"info_nce": 0.6}).sentence


def test_a_row_in_which_there_is_nothing_to_learn_decides_nothing(quick: Setting) -> None:
    assert "1 is out of reach" in latents(quick, narrow={"untrained": 0.995}).sentence


def test_without_a_row_that_meets_the_conditions_c2_is_not_run(quick: Setting) -> None:
    own = quick.latent_recovery
    frame = pd.DataFrame(columns=["row", "representation", "seed", "r2"])
    found = latents_verdict(replace(own, rows={"open": own.rows["open"]}, sweep=replace(own.sweep, row="open")), frame)
    assert (found.status, found.sentence) == ("not run", "No row meets the conditions of the theorems.")


def test_c3_is_reproduced_when_style_is_told_no_better_than_by_content(quick: Setting) -> None:
    found = content(quick)
    assert (found.name, found.status) == ("C3", "reproduced")
    assert "isolates content in 2 of 2 rows; 0 contradict the claim" in found.sentence
    assert "causal dependence: 0.97 ± 0.00 of 1.00 ± 0.00; 0.30 ± 0.00 of 0.30 ± 0.00." in found.sentence


@pytest.mark.parametrize(
    ("r2", "outcome"),
    [
        ((0.952, 0.3), "reproduced"),
        ((0.95, 0.3), "inconclusive"),
        ((0.948, 0.3), "not reproduced"),
        ((0.97, 0.348), "reproduced"),
        ((0.97, 0.35), "inconclusive"),
        ((0.97, 0.353), "not reproduced"),
        ((0.97, 0.1), "reproduced"),
    ],
)
def test_c3_needs_content_and_no_more_style_than_content_tells(
    r2: tuple[float, float], outcome: str, quick: Setting
) -> None:
    assert content(quick, causal={"entrec_cont": r2}).status == outcome


def test_content_is_measured_by_what_the_instrument_can_read(quick: Setting) -> None:
    rows = {row: {"entrec_cont": (0.87, 0.3), "info_nce": (0.87, 0.3)} for row in ("apart", "causal")}
    assert content(quick, **rows).status == "not reproduced"  # alignment with entropy reads 0.97
    assert content(quick, ceiling=0.9, **rows).status == "reproduced"


def test_seeds_that_disagree_excuse_no_leak_of_style_and_convict_of_none(quick: Setting) -> None:
    leak = {"entrec_cont": (0.97, 0.4)}
    assert content(quick, causal=leak).status == "not reproduced"
    found = content(quick, spread=0.2, causal=leak)
    assert found.status == "inconclusive"
    assert "0 contradict the claim" in found.sentence


def test_a_setting_that_no_reference_isolates_decides_nothing(quick: Setting) -> None:
    leak = dict.fromkeys(("info_nce", "align_entropy", "entrec_cont"), (0.97, 0.6))
    found = content(quick, causal=leak)
    assert found.status == "reproduced"
    assert "(out of reach: p = 0.75, statistical and causal dependence)" in found.sentence
    assert content(quick, causal=leak | {"align_entropy": (0.97, 0.3)}).status == "not reproduced"
    assert content(quick, causal=leak, apart=leak).status == "inconclusive"


def test_categories_are_shown_and_not_judged(quick: Setting) -> None:
    assert content(quick, causal={"entrec_disc": (0.0, 0.9)}) == content(quick)


def test_claims_that_a_setting_does_not_speak_of_are_not_run(quick: Setting, changed: Callable[..., Setting]) -> None:
    tables = {"table_latent_recovery": recovered(quick), "table_content_style": isolated(quick)}
    tables["table_estimators_rates"] = fits(("variance", -1.0, -1.0))
    assert {verdict.name: verdict.status for verdict in judge(changed(claims=("C2", "C8")), tables.__getitem__)} == {
        "C2": "reproduced",
        "C3": "not run",
        "C8": "reproduced",
    }
    silent = judge(changed(claims=()), tables.__getitem__)
    assert {verdict.sentence for verdict in silent} == {"The setting `quick` does not speak of this claim."}


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


def fits(*slopes: tuple[str, float, float]) -> pd.DataFrame:
    """Return a table of fits (quantity, slope, stated) whose intervals reach 0.05 to either side."""
    columns = ["case", "quantity", "slope", "low", "high", "stated"]
    rows = [("a_case", quantity, slope, slope - 0.05, slope + 0.05, stated) for quantity, slope, stated in slopes]
    return pd.DataFrame(rows, columns=columns)


def rates(*slopes: tuple[str, float, float]) -> Verdict:
    """Return the verdict on the table of `fits`."""
    return rates_verdict(fits(*slopes))


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
    found = rates_verdict(pd.DataFrame([("a_case", "variance", -0.9, -1.4, -0.4, -1.0)], columns=columns))
    assert found.status == "inconclusive"
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
