"""The tables of the estimator study (claim C8)."""

import math

import pandas as pd

from entrec.report.mean_sd import NOTHING, MeanSD, decimal
from entrec.report.table import Column, Layout
from entrec.report.theory.decision_rules import TOLERANCE, SlopeOutcome, slope_outcome
from entrec.report.theory.names import IN_WIDTH, case_title, listed, number, quantity
from entrec.theory.registry import BOUNDS, ENTROPY_ESTIMATORS, SPHERE_ESTIMATORS
from entrec.theory.study import Setting

# label, second line and whether the texts may wrap
RATE_COLUMNS = [
    ("estimator", "", True),
    ("error", "", True),
    ("k", "from", False),
    ("slope", "fit [95 %]", False),
    ("stated", "", False),
    ("agrees", "", True),
]
AGREEMENT: dict[SlopeOutcome, str] = {
    "agrees": "yes",
    "within": "within the bound",
    "beyond": "no",
    "undecided": "too uncertain",
}


def gaussian(setting: Setting, rows: pd.DataFrame) -> Layout:
    """Lay out one row per bound: its estimate at each true value, over the batches of all seeds."""
    settings = setting.estimators.gaussian
    bounds = [(name, bound.title) for name, bound in BOUNDS.items()]
    columns = []
    for truth in settings.information:
        at = rows[rows["truth"] == truth]
        cells = {name: _nats(_union(at[at["bound"] == name])) for name in BOUNDS}
        columns.append(Column(number(truth), "true nats", cells))
    columns.append(Column("capped by", "", {name: bound.capped_by for name, bound in BOUNDS.items()}, words=True))
    k, seeds = settings.batch_size, len(settings.seeds)
    caption = (
        f"Estimates of the information between correlated Gaussians in {settings.dimension} dimensions, in nats. The "
        f"head of each column gives the true value. Each critic is trained for {settings.steps} steps per value on "
        f"batches of {k} pairs (log k = {decimal(math.log(k), 2)}), then scored on {settings.evaluation_batches} fresh "
        "batches without updates. A cell is the mean ± standard deviation of the estimate from one batch, over all "
        f"these batches of {quantity(seeds, 'seed')}."
    )
    return caption, bounds, columns


def sphere(setting: Setting, rows: pd.DataFrame) -> Layout:
    """Lay out one row per dimension, concentration and number of pairs; of these numbers, only three are shown."""
    sizes = sorted(setting.estimators.sphere.samples)
    shown = sorted({sizes[0], sizes[len(sizes) // 2], sizes[-1]})
    keys, truths, logs = [], {}, {}
    cells: dict[str, dict[str, str]] = {name: {} for name in SPHERE_ESTIMATORS}
    for _, group in rows[rows["samples"].isin(shown)].groupby(["dimension", "kappa", "samples"]):
        d, kappa, k = (group[column].iloc[0] for column in ("dimension", "kappa", "samples"))
        key = f"{d},{kappa},{k}"
        keys.append((key, f"{d}, {number(kappa)}, {k}"))
        truths[key], logs[key] = decimal(group["truth"].iloc[0], 2), decimal(math.log(k), 2)
        found = {row["estimator"]: MeanSD(row["mean"], row["sd"], row["repeats"]) for row in group.to_dict("records")}
        for name in SPHERE_ESTIMATORS:
            cells[name][key] = _nats(found[name]) if name in found else NOTHING
    columns = [Column("truth", "nats", truths), Column("log k", "nats", logs)]
    columns += [Column(of.title.title, of.title.detail, cells[name]) for name, of in SPHERE_ESTIMATORS.items()]
    caption = (
        "Estimates, in nats, of the information between a uniform point on the sphere in d dimensions and a von "
        "Mises-Fisher draw around it with concentration κ, from k pairs of true latents; nothing is trained. A cell is "
        f"the mean ± standard deviation over repeated draws. The table has rows for {listed(shown)} pairs; the CSV has "
        f"all {len(sizes)} sample sizes. A dash means that nothing was measured."
    )
    return caption, keys, columns


def rates(setting: Setting, rows: pd.DataFrame) -> Layout:
    """Lay out one row per fitted exponent, beside the stated one."""
    cases, records = setting.estimators.rates.cases, rows.to_dict("records")
    texts = []
    for row in records:
        slope, low, high = (decimal(row[name], 2) for name in ("slope", "low", "high"))
        begin = "" if row["quantity"] == IN_WIDTH else str(row["fit_from"])
        agrees = AGREEMENT[slope_outcome(row["quantity"], row["low"], row["high"], row["stated"])]
        estimator = ENTROPY_ESTIMATORS[row["estimator"]].title
        texts.append((estimator, row["quantity"], begin, f"{slope} [{low}, {high}]", number(row["stated"]), agrees))
    columns = [
        Column(label, detail, {str(i): text[place] for i, text in enumerate(texts)}, words=words)
        for place, (label, detail, words) in enumerate(RATE_COLUMNS)
    ]
    keys = [(str(i), case_title(cases[row["case"]])) for i, row in enumerate(records)]
    caption = (
        "Slopes of log error against log k (for the bias against h: against log h), fitted from the given k on, with "
        "their 95 % intervals, beside the exponents that Theorems 2 and 3 state. A slope agrees when its interval "
        f"comes within {TOLERANCE:g} of the stated exponent. The theorems bound errors from above: an error that falls "
        "faster with k, or grows less as h shrinks, is within the bound. A variance is compared with the exponent of k "
        "in Theorem 2’s first term; the factor h^(4−d) of this term is not tested. The CSV says for each row what is "
        "compared with what."
    )
    return caption, keys, columns


def _union(rows: pd.DataFrame) -> MeanSD:
    """Return mean and deviation of all batches of several seeds together."""
    return MeanSD.union(MeanSD(row["mean"], row["sd"], row["batches"]) for row in rows.to_dict("records"))


def _nats(found: MeanSD) -> str:
    """Write two decimals, and none where the value or its deviation has three digits before the point."""
    return found.text(decimals=0 if max(abs(found.mean), found.sd or 0.0) >= 100 else 2)
