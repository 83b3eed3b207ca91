"""What the theory studies say about claims C2, C3 and C8, in a status and a sentence of numbers."""

from collections import Counter
from collections.abc import Callable, Hashable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import pandas as pd

from entrec.report.claims import Status, Verdict
from entrec.report.mean_sd import decimal, mean_sds
from entrec.report.theory.decision_rules import (
    CEILING,
    CONTENT_RULE,
    LATENTS_RULE,
    RATES_RULE,
    UNTESTED,
    BySeed,
    CaseOutcome,
    conditions_hold,
    isolation_outcome,
    recovery_outcome,
    slope_outcome,
    status_of,
)
from entrec.report.theory.names import (
    IN_WIDTH,
    content_isolation_title,
    counted,
    full_title,
    hidden_of,
    quantity,
    steps_of,
)
from entrec.theory.registry import CONTENT_ISOLATION, LATENT_RECOVERY, Objective, Role
from entrec.theory.settings.identifiability import ContentIsolation, LatentRecovery
from entrec.theory.study import Setting


def judge(setting: Setting, rows: Callable[[str], pd.DataFrame]) -> list[Verdict]:
    """Return a verdict on each claim of the theory; `rows` gives the rows of a table's CSV by its name."""
    verdicts = [
        latents_verdict(setting.latent_recovery, rows("table_latent_recovery")),
        content_verdict(setting.content_isolation, rows("table_content_style")),
        rates_verdict(rows("table_estimators_rates")),
    ]
    return [verdict if verdict.name in setting.claims else _not_judged(verdict, setting) for verdict in verdicts]


def _not_judged(verdict: Verdict, setting: Setting) -> Verdict:
    sentence = f"The setting `{setting}` does not speak of this claim."
    return replace(verdict, status="not run", sentence=sentence)


def latents_verdict(settings: LatentRecovery, scores: pd.DataFrame) -> Verdict:
    """Return the verdict on C2 from `scores`, the rows of `table_latent_recovery`."""
    verdict = partial(
        Verdict, "C2", LATENTS_RULE, ("table_latent_recovery", "latent_recovery", "latent_recovery_training")
    )
    rows = {name: full_title(row) for name, row in settings.rows.items() if conditions_hold(row)}
    if not rows:
        return verdict("not run", "No row meets the conditions of the theorems.")
    forms, references = _with_role(LATENT_RECOVERY, "judged"), _with_role(LATENT_RECOVERY, "reference")
    by_seed = _by_seed(scores, "r2")
    outcomes = {
        title: recovery_outcome(
            {name: by_seed[row, name] for name in forms},
            {name: by_seed[row, name] for name in references},
            untrained=by_seed[row, "untrained"],
            supervised=by_seed[row, "supervised"],
            rows=len(rows),
        )
        for row, title in rows.items()
    }
    r2 = mean_sds(scores, ["row", "representation"], "r2", scale=100)
    shown = ("untrained", "supervised", *references, *forms)
    numbers = (f"{title}: {', '.join(r2[row, name].text() for name in shown)}" for row, title in rows.items())
    sentence = (
        f"EntRec recovers the latents in {_counted_rows(outcomes)}. Held-out R² in % (mean ± standard deviation over "
        "seeds) of the untrained and the supervised encoder, then of "
        f"{'; '.join(str(LATENT_RECOVERY[name].title) for name in (*references, *forms))}: {' | '.join(numbers)}. "
        f"{_extent(settings)}"
    )
    return verdict(status_of(list(outcomes.values())), sentence)


def content_verdict(settings: ContentIsolation, scores: pd.DataFrame) -> Verdict:
    """Return the verdict on C3 from `scores`, the rows of `table_content_style`."""
    forms, references = _with_role(CONTENT_ISOLATION, "judged"), _with_role(CONTENT_ISOLATION, "reference")
    content, style = (
        _by_seed(scores[scores["latents"] == latents], "kernel_ridge") for latents in ("content", "style")
    )
    outcomes = {
        content_isolation_title(row): isolation_outcome(
            {name: (content[key, name], style[key, name]) for name in forms},
            {name: (content[key, name], style[key, name]) for name in references},
            ceiling=content[key, CEILING],
            oracle=style[key, "oracle"],
            rows=len(settings.rows),
        )
        for key, row in settings.rows.items()
    }
    ridge = mean_sds(scores, ["latents", "row", "representation"], "kernel_ridge")

    def text(latents: str, row: str, name: str) -> str:
        return ridge[latents, row, name].text(decimals=2)

    numbers = (
        f"{content_isolation_title(row)}: {text('content', key, name)} of {text('content', key, CEILING)}; "
        f"{text('style', key, name)} of {text('style', key, 'oracle')}"
        for key, row in settings.rows.items()
        for name in forms
    )
    named = "; ".join(str(CONTENT_ISOLATION[name].title) for name in forms)
    sentence = (
        f"EntRec isolates content in {_counted_rows(outcomes)}. R² (mean ± standard deviation over seeds) by {named} "
        "of content, beside what the instrument reads from content itself; then of style, beside what content itself "
        f"explains of it: {' | '.join(numbers)}. {_extent(settings)}"
    )
    return Verdict(
        "C3", CONTENT_RULE, ("table_content_style", "content_style"), status_of(list(outcomes.values())), sentence
    )


def rates_verdict(fits: pd.DataFrame) -> Verdict:
    """Return the verdict on C8 from `fits`, the rows of `table_estimators_rates`."""
    verdict = partial(Verdict, "C8", RATES_RULE, ("table_estimators_rates", "estimators_rates"))
    if not len(fits):
        return verdict("not run", "No exponent was fitted.")
    rows = fits.to_dict("records")
    outcomes = [slope_outcome(row["quantity"], row["low"], row["high"], row["stated"]) for row in rows]
    beyond = [row for row, outcome in zip(rows, outcomes, strict=True) if outcome == "beyond"]
    undecided = outcomes.count("undecided")
    status: Status = "not reproduced" if beyond else "inconclusive" if undecided else "reproduced"
    sentence = (
        f"{counted(len(rows), 'exponent was', 'exponents were')} fitted in "
        f"{quantity(fits['case'].nunique(), 'case')}: "
        f"{counted(outcomes.count('agrees'), 'agrees', 'agree')} with the stated one; "
        f"{counted(outcomes.count('within'), 'is', 'are')} faster than the stated rate, which is only an upper bound; "
        f"{counted(undecided, 'is', 'are')} too uncertain; "
        f"{counted(len(beyond), 'contradicts', 'contradict')} the claim{_listed_slopes(beyond)}. {_tested(fits)}"
    )
    return verdict(status, sentence)


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


def _with_role(objectives: Mapping[str, Objective], role: Role) -> list[str]:
    return [name for name, objective in objectives.items() if objective.role == role]


def _by_seed(scores: pd.DataFrame, column: str) -> dict[tuple[str, str], BySeed]:
    """Return a column by row and representation, with one value for each seed in the order of the seeds."""
    groups = scores.sort_values("seed").groupby(["row", "representation"])
    return {(str(row), str(name)): list(values) for (row, name), values in groups[column]}


def _counted_rows(outcomes: Mapping[str, CaseOutcome]) -> str:
    """Return for instance `1 of 4 rows; 1 contradicts the claim, 2 are uncertain, 0 are out of reach (…)`."""
    found = Counter(outcomes.values())
    counts = (
        f"{found['holds']} of {quantity(len(outcomes), 'row')}; "
        f"{counted(found['fails'], 'contradicts', 'contradict')} the claim, "
        f"{counted(found['uncertain'], 'is', 'are')} uncertain, "
        f"{counted(found['out of reach'], 'is', 'are')} out of reach at this size"
    )
    lists = []
    for outcome, words in (("fails", "contradicting"), ("uncertain", "uncertain"), ("out of reach", "out of reach")):
        names = [row for row, its in outcomes.items() if its == outcome]
        lists += [f"{words}: {' | '.join(names)}"] if names else []
    return f"{counts} ({'; '.join(lists)})" if lists else counts


def _extent(own: LatentRecovery | ContentIsolation) -> str:
    """Return how small the study's networks and runs are beside the originals."""
    return (
        f"Encoders have hidden layers of {hidden_of(own)} units and are trained for {steps_of(own)} steps in batches "
        f"of {own.training.batch_size}; the originals have up to 500 units and are trained for 300,000 steps in "
        "batches of 6,144."
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
