"""The rules that decide the claims, each in `DECISIONS` beside the sentence that states it on the page.

A difference counts when it exceeds the margin: two pooled standard deviations over the seeds of the headline setting,
and never less than what the paper's own single runs leave unresolved.
"""

import statistics
from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from entrec.methods.registry import METHODS
from entrec.report.mean_sd import MeanSD, decimal, mean_sds, points, pooled
from entrec.report.vision.frames import Frames
from entrec.report.vision.published import NOISE_FLOOR
from entrec.results import INFORMATION
from entrec.study import Study

ENTREC = ("entrec_cont", "entrec_disc")
DEVIATIONS = 2
MARGIN = f"{DEVIATIONS} pooled standard deviations in the headline setting, at least {NOISE_FLOOR} points"
SUM_TOLERANCE = 1e-3  # nats; history.csv is rounded


@dataclass(frozen=True)
class Outcome:
    """Whether a rule holds, or None where it cannot be applied, and the numbers in a sentence that follows a colon."""

    holds: bool | None
    sentence: str


@dataclass(frozen=True)
class Decision:
    """A decision rule: its sentence, what decides by it, and the table or figure with the numbers."""

    rule: str
    decide: Callable[[Study, Frames], Outcome]
    evidence: tuple[str, ...]


def decomposition(study: Study, frames: Frames) -> Outcome:
    """Decide C1: the two terms of the bound are measured for every method, and their sum rises."""
    measured = frames.histories.dropna(subset=list(INFORMATION))
    expected = [str(run) for run in study.headline_runs if not METHODS[run.method].baseline]
    absent = sorted(set(expected) - set(measured["run"]))
    if absent or not expected:
        return Outcome(None, f"the terms were not measured for {', '.join(absent) or 'any method'}.")
    error = (measured["entropy"] + measured["reconstruction"] - measured["bound"]).abs().max()
    if error > SUM_TOLERANCE:
        return Outcome(False, f"entropy plus reconstruction differs from the bound by up to {error:.3g} nats.")
    ordered = measured[measured["run"].isin(expected)].sort_values("step")
    ends = ordered.groupby("run").agg(method=("method", "first"), first=("bound", "first"), last=("bound", "last"))
    change = ends.groupby("method")[["first", "last"]].mean()
    change = change.loc[[method for method in study.methods if method in change.index]]
    paths = [f"{METHODS[m].title} {decimal(first, 2)} → {decimal(last, 2)}" for m, first, last in change.itertuples()]
    rising = change["last"] > change["first"]
    sentence = (
        f"the terms were measured for {len(change)} methods in {len(expected)} runs; the bound rose for {rising.sum()} "
        f"of them (nats, first → last measurement: {', '.join(paths)})."
    )
    return Outcome(bool(rising.all()), sentence)


def linear_parity(study: Study, frames: Frames) -> Outcome:
    """Decide C4: EntRecCont against the median of the other methods, in linear evaluation."""
    return _parity(_headline(study, frames))


def transfer_parity(study: Study, frames: Frames) -> Outcome:
    """Decide C5: the same on the average over the transfer sets."""
    if not study.evaluation.transfer.datasets:
        return Outcome(None, "the study has no transfer sets.")
    transfers = frames.tables["table_transfer"]
    return _parity(transfers[transfers["dataset"] == "average"])


def _parity(rows: pd.DataFrame) -> Outcome:
    found = _by_method(rows, "value")
    others = {method: mean_sd for method, mean_sd in found.items() if method not in ENTREC}
    if ENTREC[0] not in found or not others:
        return Outcome(None, "the rule needs EntRecCont and another self-supervised method.")
    margin = _margin(found)
    median = statistics.median(mean_sd.mean for mean_sd in others.values())
    own = found[ENTREC[0]]
    seeds = "1 seed" if own.n == 1 else f"{own.n} seeds"
    titles = ", ".join(METHODS[method].title for method in others)
    sentence = (
        f"{METHODS[ENTREC[0]].title} reaches {own.text()} %, and the median of {titles} is {median:.1f} %; "
        f"the difference is {points(own.mean - median)} and the margin {margin:.1f} points ({seeds})."
    )
    return Outcome(own.mean >= median - margin, sentence)


def batch_size_robustness(study: Study, frames: Frames) -> Outcome:
    """Decide C6: the lowest Δ over the smaller batch sizes."""
    smaller = [size for size in study.batch_sizes if size < study.batch_sizes[0]]
    rows = frames.tables["table_1"]
    rows = rows[rows["batch_size"].isin(smaller) & rows["delta"].notna()]
    means = _self_supervised(rows).groupby(["method", "batch_size"], sort=False)["delta"].agg(statistics.fmean)
    lowest = {str(method): low for method, low in means.groupby("method", sort=False).min().items()}
    own, others = _split_methods(lowest)
    if not own or not others:
        needs = "an EntRec method, another method and a smaller batch size, with common seeds"
        return Outcome(None, f"the rule needs {needs}.")
    margin = _margin(_by_method(_headline(study, frames), "value"))
    holds = min(own.values()) >= max(others.values()) - margin and min(own.values()) > min(others.values()) + margin
    return Outcome(
        holds,
        f"the lowest Δ at a smaller batch size, in points, is {_listed(own | others)}; the margin is {margin:.1f}.",
    )


def fewer_epochs(study: Study, frames: Frames) -> Outcome:
    """Decide C7: Δ at the fewest epochs."""
    fewest = min(study.epochs)
    rows = frames.tables["table_2"]
    rows = rows[(rows["epochs"] == fewest) & rows["delta"].notna()]
    deltas = {method: mean_sd.mean for method, mean_sd in _by_method(rows, "delta").items()}
    own, others = _split_methods(deltas)
    dino = others.pop("dino", None)
    if not own or not others or dino is None:
        needs = "an EntRec method, DINO, another method and fewer epochs, with common seeds"
        return Outcome(None, f"the rule needs {needs}.")
    margin = _margin(_by_method(_headline(study, frames), "value"))
    alike = min(own.values()) >= statistics.median(others.values()) - margin
    dino_best = dino >= max(deltas.values()) - margin
    sentence = f"Δ after {fewest} epochs, in points, is {_listed(deltas)}; the margin is {margin:.1f}."
    return Outcome(alike and dino_best, sentence)


def _headline(study: Study, frames: Frames) -> pd.DataFrame:
    """Return the linear accuracies of the headline setting."""
    rows = frames.tables["table_1"]
    return rows[rows["batch_size"] == study.batch_sizes[0]]


def _self_supervised(rows: pd.DataFrame) -> pd.DataFrame:
    return rows[~rows["method"].isin([name for name, entry in METHODS.items() if entry.baseline])]


def _by_method(rows: pd.DataFrame, value: str) -> dict[str, MeanSD]:
    return mean_sds(_self_supervised(rows), "method", value)


def _split_methods(values: dict[str, float]) -> tuple[dict[str, float], dict[str, float]]:
    return {m: v for m, v in values.items() if m in ENTREC}, {m: v for m, v in values.items() if m not in ENTREC}


def _margin(found: dict[str, MeanSD]) -> float:
    deviation = pooled(found.values())
    return max(NOISE_FLOOR, DEVIATIONS * deviation if deviation is not None else 0.0)


def _listed(values: dict[str, float]) -> str:
    return ", ".join(f"{points(value)} for {METHODS[method].title}" for method, value in values.items())


def _parity_rule(quantity: str) -> str:
    return (
        f"EntRecCont's {quantity} is not below the median of the other self-supervised methods by more than the margin "
        f"({MARGIN})."
    )


DECISIONS = {
    "C1": Decision(
        "entropy, reconstruction and their sum, the bound, are measured for every self-supervised run of the headline "
        "setting, and the bound ends higher than it began for every method (mean over seeds).",
        decomposition,
        ("table_information", "information_over_training"),
    ),
    "C4": Decision(_parity_rule("linear top-1 accuracy"), linear_parity, ("table_1",)),
    "C5": Decision(
        _parity_rule("average accuracy over the transfer sets"),
        transfer_parity,
        ("table_transfer",),
    ),
    "C6": Decision(
        "for each EntRec method, the lowest Δ over the smaller batch sizes is not below that of any other method by "
        "more than the margin, and it is above that of at least one other method by more than the margin "
        f"({MARGIN}).",
        batch_size_robustness,
        ("table_1",),
    ),
    "C7": Decision(
        "at the fewest epochs, no EntRec method's Δ is below the median of the other methods (without DINO) by more "
        f"than the margin, and no method's Δ is above DINO's by more than the margin ({MARGIN}).",
        fewer_epochs,
        ("table_2",),
    ),
}
