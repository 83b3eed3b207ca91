"""How the tables of the estimator study are laid out."""

import math
from collections.abc import Collection, Mapping

import pandas as pd

from entrec.report.layout import Column, Layout
from entrec.report.mean_sd import NOTHING, MeanSD, decimal
from entrec.report.theory.estimator_checks import OF_KERNELS, OF_PLUG_IN
from entrec.report.theory.names import ENTROPIES, ESTIMATORS, case_title, listed, number, quantity, selection
from entrec.report.theory.verdicts import IN_WIDTH, TOLERANCE, SlopeOutcome, slope_outcome
from entrec.theory.registry import BOUNDS
from entrec.theory.study import Setting

AGREEMENT: dict[SlopeOutcome, str] = {
    "agrees": "yes",
    "within": "within the bound",
    "beyond": "no",
    "undecided": "too uncertain",
}


def bound_names(setting: Setting) -> Mapping[str, Collection[str]]:
    return {"bound": BOUNDS}


def estimator_names(setting: Setting) -> Mapping[str, Collection[str]]:
    return {"estimator": ESTIMATORS}


def case_names(setting: Setting) -> Mapping[str, Collection[str]]:
    cases = setting.estimators.rates.cases
    return {"case": cases, "estimator": ENTROPIES, "quantity": [*OF_KERNELS, *OF_PLUG_IN, IN_WIDTH]}


def gaussian(setting: Setting, rows: pd.DataFrame) -> Layout:
    settings = setting.estimators.gaussian
    bounds = [(name, bound.title) for name, bound in BOUNDS.items()]
    columns = []
    for truth in settings.information:
        at = rows[rows["truth"] == truth]
        spreads = {name: MeanSD.union(_spreads(at[at["bound"] == name])) for name, _ in bounds}
        cells = {name: _nats(spread) for name, spread in spreads.items()}
        columns.append(Column(number(truth), "true nats", cells))
    columns.append(Column("capped by", "", {name: bound.capped_by for name, bound in BOUNDS.items()}, words=True))
    k, seeds = settings.batch_size, len(settings.seeds)
    caption = (
        f"Estimates of the information between correlated Gaussians in {settings.dimension} dimensions, in nats; the "
        f"true value stands in the head of each column. Trained for {settings.steps} steps a level on batches of "
        f"{k} pairs (log k = {decimal(math.log(k), 2)}), then scored on {settings.evaluation_batches} fresh batches "
        f"without updates. Mean ± standard deviation of one batch’s estimate, over all those batches of "
        f"{quantity(seeds, 'seed')}."
    )
    return Layout("table_estimators_gaussian", "Bounds on Gaussians", caption, bounds, columns, head="Bound")


def sphere(setting: Setting, rows: pd.DataFrame) -> Layout:
    settings = setting.estimators.sphere
    shown = selection(settings.samples)
    rows = rows[rows["samples"].isin(shown)]
    keys, truths, logs = [], {}, {}
    cells: dict[str, dict[str, str]] = {name: {} for name in ESTIMATORS}
    for _, group in rows.groupby(["dimension", "kappa", "samples"]):
        d, kappa, k = (group[column].iloc[0] for column in ("dimension", "kappa", "samples"))
        key = f"{d},{kappa},{k}"
        keys.append((key, f"{d}, {number(kappa)}, {k}"))
        truths[key], logs[key] = decimal(group["truth"].iloc[0], 2), decimal(math.log(k), 2)
        for name in ESTIMATORS:
            cells[name][key] = NOTHING
        for row in group.to_dict("records"):
            cells[row["estimator"]][key] = _nats(MeanSD(row["mean"], row["sd"], row["repeats"]))
    columns = [Column("truth", "nats", truths), Column("log k", "nats", logs)]
    columns += [Column(title, detail, cells[name]) for name, (title, detail) in ESTIMATORS.items()]
    caption = (
        "Estimates, in nats, of the information between a uniform point on the sphere in d dimensions and a von "
        "Mises-Fisher draw around it with concentration κ, from k pairs at their true latents; nothing is trained. "
        f"Mean ± standard deviation over repeated draws. Rows for {listed(shown)} of the "
        f"{len(settings.samples)} sample sizes; the CSV has all; a dash was not measured."
    )
    return Layout("table_estimators_sphere", "Estimates on the sphere", caption, keys, columns, head="d, κ, k")


def rates(setting: Setting, rows: pd.DataFrame) -> Layout:
    names, estimators, quantities, begin, slopes, stated, agree = [], {}, {}, {}, {}, {}, {}
    for i, row in enumerate(rows.to_dict("records")):
        key = str(i)
        names.append((key, case_title(setting, row["case"])))
        estimators[key], quantities[key] = ENTROPIES[row["estimator"]], row["quantity"]
        begin[key] = "" if row["quantity"] == IN_WIDTH else str(row["fit_from"])
        low, high = row["low"], row["high"]
        slopes[key] = f"{decimal(row['slope'], 2)} [{decimal(low, 2)}, {decimal(high, 2)}]"
        stated[key] = number(row["stated"])
        agree[key] = AGREEMENT[slope_outcome(row["quantity"], low, high, row["stated"])]
    columns = [
        Column("estimator", "", estimators, words=True),
        Column("error", "", quantities, words=True),
        Column("k", "from", begin),
        Column("slope", "fit [95 %]", slopes),
        Column("stated", "", stated),
        Column("agrees", "", agree, words=True),
    ]
    caption = (
        "Slopes of log error against log k (of bias against h: against log h), fitted from the given k on with their "
        "95 % intervals, "
        "beside the exponents that Theorems 2 and 3 give. A slope agrees when its interval comes within "
        f"{TOLERANCE:g} of the stated exponent. The theorems bound errors from above: one that falls faster with k, or "
        "grows less as h shrinks, is within the bound. A variance is compared with the exponent of k in Theorem 2’s "
        "first term; its factor h^(4−d) is not tested. The CSV says for each row what is compared with what."
    )
    return Layout("table_estimators_rates", "Convergence", caption, names, columns, head="Data")


def _spreads(rows: pd.DataFrame) -> list[MeanSD]:
    return [MeanSD(row["mean"], row["sd"], row["batches"]) for row in rows.to_dict("records")]


def _nats(spread: MeanSD) -> str:
    """Two decimals, and none where the value or its deviation has three digits before the point."""
    return spread.text(decimals=0 if max(abs(spread.mean), spread.sd or 0.0) >= 100 else 2)
