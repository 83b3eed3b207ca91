"""The tables of the theory page as tidy CSV, LaTeX and HTML, and how those of the estimator study are laid out."""

import io
import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from entrec.artefacts import write_text
from entrec.errors import UserError
from entrec.pipeline.theory_inputs import THEORY_TABLES
from entrec.report.latex import latex_table
from entrec.report.layout import Column, Layout
from entrec.report.markup import table_fragment
from entrec.report.mean_sd import NOTHING, MeanSD, decimal
from entrec.report.records import Record, existing
from entrec.report.theory import identifiability_results as recovery_results
from entrec.report.theory import identifiability_tables as recovery_tables
from entrec.report.theory import results as theory_results
from entrec.report.theory.checks import OF_KERNELS, OF_PLUG_IN, check_table
from entrec.report.theory.names import ENTROPIES, ESTIMATORS, case_title, listed, number, quantity, selection
from entrec.report.theory.verdicts import IN_WIDTH, READINGS, TOLERANCE, compared
from entrec.theory.registry import BOUNDS
from entrec.theory.study import TheoryStudy

Rows = Callable[[TheoryStudy, str, Path], pd.DataFrame]
LayOut = Callable[[TheoryStudy, str, pd.DataFrame], Layout]
Known = Callable[[TheoryStudy, str], Mapping[str, Collection[str]]]


@dataclass(frozen=True)
class Table:
    """`rows` reads the tidy rows from results; `lay_out` makes the table of them; `columns` are the rows' columns.

    `known` says which names a column may hold.
    """

    rows: Rows
    columns: list[str]
    lay_out: LayOut
    known: Known


def write_theory_table(study: TheoryStudy, setting: str, name: str, *, results: Path, output: Path) -> None:
    """Write the table `name` to the folder `output` as .csv, .tex and .html.

    `results` is `results/theory/<setting>`. The CSV has one row per value, in nats. Raises `UserError` for an
    unknown table and for a result that is missing or damaged.
    """
    table = _table(name)
    rows = table.rows(study, setting, results)
    csv: str = rows.to_csv(index=False, float_format="%.8g", lineterminator="\n")
    layout = table.lay_out(study, setting, pd.read_csv(io.StringIO(csv)))  # what the page will read
    write_text(output / f"{name}.csv", csv)
    write_text(output / f"{name}.tex", latex_table(layout))
    write_text(output / f"{name}.html", table_fragment(layout))


def read_theory_table(study: TheoryStudy, setting: str, name: str, folder: Path) -> Layout:
    """The table that `write_theory_table` left in `folder`, from its CSV; raises `UserError` if missing or damaged."""
    table = _table(name)
    remedy = f"snakemake reports/theory/{setting}/tables/{name}.csv"
    path = existing(folder / f"{name}.csv", remedy)
    record = Record(path, remedy, {})
    try:
        rows = pd.read_csv(path)[table.columns]
    except (ValueError, KeyError) as error:
        raise record.damaged(str(error).strip("'\"").splitlines()[0]) from error
    check_table(record, rows, table.known(study, setting))
    return table.lay_out(study, setting, rows)


def _table(name: str) -> Table:
    if name not in _TABLES:
        raise UserError(f"{name}: no such table; allowed: {', '.join(THEORY_TABLES)}")
    return _TABLES[name]


def _gaussian(study: TheoryStudy, setting: str, rows: pd.DataFrame) -> Layout:
    settings = study.setting(setting).estimators.gaussian
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


def _sphere(study: TheoryStudy, setting: str, rows: pd.DataFrame) -> Layout:
    settings = study.setting(setting).estimators.sphere
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


def _rates(study: TheoryStudy, setting: str, rows: pd.DataFrame) -> Layout:
    names, estimators, quantities, begin, slopes, stated, agree = [], {}, {}, {}, {}, {}, {}
    for i, row in enumerate(rows.to_dict("records")):
        key = str(i)
        names.append((key, case_title(study, setting, row["case"])))
        estimators[key], quantities[key] = ENTROPIES[row["estimator"]], row["quantity"]
        begin[key] = "" if row["quantity"] == IN_WIDTH else str(row["fit_from"])
        low, high = row["low"], row["high"]
        slopes[key] = f"{decimal(row['slope'], 2)} [{decimal(low, 2)}, {decimal(high, 2)}]"
        stated[key] = number(row["stated"])
        agree[key] = READINGS[compared(row["quantity"], low, high, row["stated"])]
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


def _bounds(study: TheoryStudy, setting: str) -> Mapping[str, Collection[str]]:
    return {"bound": BOUNDS}


def _estimators(study: TheoryStudy, setting: str) -> Mapping[str, Collection[str]]:
    return {"estimator": ESTIMATORS}


def _cases(study: TheoryStudy, setting: str) -> Mapping[str, Collection[str]]:
    cases = study.setting(setting).estimators.rates.cases
    return {"case": cases, "estimator": ENTROPIES, "quantity": [*OF_KERNELS, *OF_PLUG_IN, IN_WIDTH]}


_SCORES = (recovery_results.latent_recovery_scores, recovery_results.INVERSION)
_TABLES = {
    "table_latent_recovery": Table(*_SCORES, recovery_tables.latent_recovery, recovery_tables.latent_recovery_names),
    "table_latent_recovery_mcc": Table(
        *_SCORES, recovery_tables.latent_recovery_mcc, recovery_tables.latent_recovery_names
    ),
    "table_latent_recovery_batch": Table(
        recovery_results.batches,
        recovery_results.BATCHES,
        recovery_tables.latent_recovery_batch,
        recovery_tables.latent_recovery_names,
    ),
    "table_content_style": Table(
        recovery_results.content_isolation_scores,
        recovery_results.ISOLATION,
        recovery_tables.content_style,
        recovery_tables.content_isolation_names,
    ),
    "table_estimators_gaussian": Table(theory_results.levels, theory_results.LEVELS, _gaussian, _bounds),
    "table_estimators_sphere": Table(theory_results.sphere, theory_results.SPHERE, _sphere, _estimators),
    "table_estimators_rates": Table(theory_results.fits, theory_results.FITS, _rates, _cases),
}


def _spreads(rows: pd.DataFrame) -> list[MeanSD]:
    return [MeanSD(row["mean"], row["sd"], row["batches"]) for row in rows.to_dict("records")]


def _nats(spread: MeanSD) -> str:
    """Two decimals, and none where the value or its deviation has three digits before the point."""
    return spread.text(decimals=0 if max(abs(spread.mean), spread.sd or 0.0) >= 100 else 2)
