"""What a study's numbers say about each of the paper's claims that it speaks of.

A study names these claims under `claims`. The paper's are claims about ImageNet: what a study of other images says of
them is indicative.
"""

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from entrec.methods.registry import METHODS
from entrec.report.claims import STATED, Verdict
from entrec.report.vision.decision_rules import (
    FEWER_EPOCHS,
    RISING,
    ROBUSTNESS,
    Outcome,
    Runs,
    fewer_epochs,
    parity,
    parity_rule,
    rising,
    robustness,
    within_limits,
)
from entrec.report.vision.frames import Frames
from entrec.report.vision.published import PAPERS_METHODS
from entrec.results import INFORMATION
from entrec.study import Study


@dataclass(frozen=True)
class Decision:
    """The sentence of a decision rule, what applies it to a study, and the table or figure with the numbers."""

    rule: str
    decide: Callable[[Study, Frames], Outcome]
    evidence: tuple[str, ...]


def judge(study: Study, frames: Frames) -> list[Verdict]:
    """Return a verdict on every claim."""
    return [_verdict(name, study, frames) if name in DECISIONS else _of_theory(name) for name in STATED]


def _verdict(name: str, study: Study, frames: Frames) -> Verdict:
    decision = DECISIONS[name]
    if name not in study.claims:
        sentence = f"The study `{study.name}` does not speak of this claim."
        return Verdict(name, decision.rule, decision.evidence, "not run", sentence)
    outcome = decision.decide(study, frames)
    scale = "" if study.datasets[study.dataset].source == "imagenet" else f"indicative, on {study.dataset}"
    return Verdict(name, decision.rule, decision.evidence, outcome.status, outcome.sentence, scale)


def _of_theory(name: str) -> Verdict:
    sentence = "This study has no experiment on this claim. The theory studies decide it: `snakemake theory`."
    return Verdict(name, STATED[name].theory, (), "not run", sentence)


def _decomposition(study: Study, frames: Frames) -> Outcome:
    measured = frames.histories.dropna(subset=list(INFORMATION))
    expected = {str(run): run for run in study.headline_runs if run.method in PAPERS_METHODS}
    absent = sorted(expected.keys() - set(measured["run"]))
    if absent or not expected:
        missing = ", ".join(absent) or "any of the paper’s methods"
        return Outcome("not run", f"The bound was not measured for {missing}.")
    own = measured[measured["run"].isin(list(expected))].sort_values("step")
    first, last = (
        _runs(rows, "bound") for rows in (own.drop_duplicates("run"), own.drop_duplicates("run", keep="last"))
    )
    return rising(_in_order(study, first), _in_order(study, last))


def _linear_parity(study: Study, frames: Frames) -> Outcome:
    return _with_limits(parity, _at(frames.tables["table_1"], study.headline))


def _transfer_parity(study: Study, frames: Frames) -> Outcome:
    rows = frames.tables["table_transfer"]
    return _with_limits(parity, _at(rows[rows["dataset"] == "average"], study.headline))


def _batch_sizes(study: Study, frames: Frames) -> Outcome:
    batch_size, epochs = study.headline
    smallest = _at(frames.tables["table_1"], (min(study.batch_sizes), epochs))
    return _swept(robustness, _at(frames.tables["table_1"], (batch_size, epochs)), smallest)


def _epochs(study: Study, frames: Frames) -> Outcome:
    batch_size, epochs = study.headline
    fewest = _at(frames.tables["table_2"], (batch_size, min(study.epochs)))
    return _swept(fewer_epochs, _at(frames.tables["table_2"], (batch_size, epochs)), fewest)


def _swept(rule: Callable[[Runs, Runs], Outcome], main: pd.DataFrame, swept: pd.DataFrame) -> Outcome:
    at_swept = _of_paper(_runs(swept, "value"))
    return _with_limits(lambda at_main: rule(at_main, at_swept), main)


def _with_limits(rule: Callable[[Runs], Outcome], main: pd.DataFrame) -> Outcome:
    """Apply a rule to the accuracies of the headline setting, which says which methods have room to differ."""
    runs = _runs(main, "value")
    baselines = {method: by_seed for method, by_seed in runs.items() if METHODS[method].baseline}
    return within_limits(rule(_of_paper(runs)), _of_paper(runs), baselines)


def _at(rows: pd.DataFrame, setting: tuple[int, int]) -> pd.DataFrame:
    batch_size, epochs = setting
    return rows[(rows["batch_size"] == batch_size) & (rows["epochs"] == epochs)]


def _runs(rows: pd.DataFrame, value: str) -> dict[str, dict[int, float]]:
    """Return the values of a column by method and seed."""
    groups = rows.groupby("method", sort=False)
    return {str(method): dict(zip(group["seed"], group[value], strict=True)) for method, group in groups}


def _of_paper(runs: Runs) -> Runs:
    return {method: by_seed for method, by_seed in runs.items() if method in PAPERS_METHODS}


def _in_order(study: Study, runs: Runs) -> Runs:
    return {method: runs[method] for method in study.methods if method in runs}


DECISIONS = {
    "C1": Decision(RISING, _decomposition, ("table_information", "information_over_training")),
    "C4": Decision(parity_rule("linear top-1 accuracy"), _linear_parity, ("table_1",)),
    "C5": Decision(parity_rule("average accuracy over the transfer sets"), _transfer_parity, ("table_transfer",)),
    "C6": Decision(ROBUSTNESS, _batch_sizes, ("table_1",)),
    "C7": Decision(FEWER_EPOCHS, _epochs, ("table_2",)),
}
