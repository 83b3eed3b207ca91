"""Result files that are missing, damaged or not of the study: each is named with the command that makes it again."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from entrec.errors import UserError
from entrec.pipeline.theory_jobs import TheoryJobs
from entrec.report.table import Table
from entrec.report.theory.tables import TABLES
from entrec.theory.study import Setting

Make = Callable[..., Table]
Results = Callable[..., Path]
Edited = Callable[[Path], Any]
GONE = object()
NWJ, PLUG_IN = "gaussian/nwj-s1.json", "rates/plug_in.json"
CASE = "rates/gaussian_d2_resubstitution.json"
RUN = "latent_recovery/narrow-entrec_resubstitution-b512-s1/run.json"
SWEPT = RUN.replace("s1", "s0")
CONTENT = "content_isolation/causal-entrec_disc-s0/run.json"
SHOWN = {
    "gaussian": "table_estimators_gaussian",
    "sphere": "table_estimators_sphere",
    "rates": "table_estimators_rates",
    "latent_recovery": "table_latent_recovery",
    "content_isolation": "table_content_style",
}


def put(record: Any, key: str, value: object) -> None:
    """Put a value under a dotted key, or take the key away."""
    *way, last = [int(part) if part.lstrip("-").isdigit() else part for part in key.split(".")]
    for part in way:
        record = record[part]
    if value is GONE:
        del record[last]
    else:
        record[last] = value


@pytest.mark.parametrize(
    ("file", "key", "value", "fault"),
    [
        # not of this setting, or of another job
        (NWJ, "setting", "full", "setting is 'full', which should be 'quick'"),
        (NWJ, "bound", "tuba", "bound is 'tuba', which should be 'nwj'"),
        (NWJ, "seed", 7, "seed is 7, which should be 1"),
        (RUN, "row", "wide", "row is 'wide', which should be 'narrow'"),
        (RUN, "batch_size", 64, "batch_size is 64, which should be 512"),
        (CONTENT, "seed", 1, "seed is 1, which should be 0"),
        # not what a result file holds
        (NWJ, "levels.0.mean", GONE, r"has no levels\.0\.mean"),
        (NWJ, "levels.0.mean", "high", r"levels\.0\.mean is 'high'"),
        (NWJ, "levels.0.mean", math.nan, r"levels\.0\.mean is nan"),
        (PLUG_IN, "rows.1.variance", 0.0, r"rows\.1\.variance is 0\.0, which should be greater than 0"),
        (PLUG_IN, "rows.1.mse", -1.0, r"rows\.1\.mse is -1\.0, which should be greater than 0"),
        (RUN, "scores.trained.r2", GONE, r"has no scores\.trained\.r2"),
        (RUN, "scores.trained.r2", 1.1, r"scores\.trained\.r2 is 1\.1, which should be less than or equal to 1"),
        (RUN, "scores.trained.correlation", -0.1, r"correlation is -0\.1, which should be greater than or equal to 0"),
        (RUN, "trace.1.r2", None, r"trace\.1\.r2 is null"),
        (CONTENT, "scores.trained.style.kernel_ridge", "much", r"style\.kernel_ridge is 'much'"),
        # not what the study asks for
        (NWJ, "levels.0.truth", 3.0, r"levels\.0 has truth 3, batches 50, which should be truth 2, batches 50"),
        (NWJ, "levels.0.batches", 49, r"levels\.0 has truth 2, batches 49, which should be truth 2, batches 50"),
        (NWJ, "levels.1", GONE, "levels has 1 of 2 rows"),
        (NWJ, "trace.2.step", 31, r"trace\.2 has step 31, truth 2, which should be step 30, truth 2"),
        (NWJ, "trace.10.truth", 2.0, r"trace\.10 has .*, which should be step 110, truth 6"),
        ("sphere/d10.json", "rows.0.kappa", 2.0, r"rows\.0 has kappa 2, .* be kappa 1, samples 64, estimator"),
        ("sphere/d10.json", "rows.3.samples", 65, r"rows\.3 has kappa 1, samples 65"),
        ("sphere/d10.json", "rows.1.estimator", "info_nce", r"rows\.1 has .* should be .* entrec_leave_one_out"),
        ("sphere/d10.json", "rows.1.estimator", "guess", r"rows\.1 has .* estimator guess, which should be"),
        ("sphere/d10.json", "rows.-1", GONE, "rows has 31 of 32 rows"),
        (PLUG_IN, "rows.0.samples", 65, r"rows\.0 has samples 65, which should be samples 64"),
        (PLUG_IN, "fits.0.quantity", "variance", r"fits\.0 has quantity variance, which should be quantity root mean"),
        ("rates/sphere_d3_resubstitution.json", "fits.2", GONE, "fits has 2 of 3 rows"),
        (PLUG_IN, "fits.0.low", 1.0, r"fits\.0\.slope is -0\.5, which should be within its interval"),
        (PLUG_IN, "dimension", 3, "dimension is 3, which should be 16"),
        (PLUG_IN, "width", 1.0, r"width is 1\.0, which should be None"),
        (CASE, "fit_from", 64, "fit_from is 64, which should be 256"),
        (PLUG_IN, "estimator", "kernel_entropy", "estimator is 'kernel_entropy', which should be 'plug_in_entropy'"),
        (RUN, "trace.-1", GONE, "trace has 2 of 3 rows"),
        (RUN, "trace.0.step", 39, r"trace\.0 has step 39, which should be step 40"),
        (RUN, "scatter.true.2.0", GONE, r"scatter\.true\.2 has 9 coordinates, which should be 10"),
        (RUN, "scatter.true.0", GONE, "scatter has 8 recovered points for 7 true ones"),
        # not the data that the other methods of this seed saw
        (RUN, "scores.observations.r2", 0.61, r"observations\.r2 is 0\.6100, and 0\.6040 in narrow-supervised-b"),
        (RUN, "scores.untrained.r2", 0.71, r"untrained\.r2 is 0\.7100, and 0\.7040 in narrow-supervised-b"),
        (CONTENT, "scores.oracle.style.linear", 0.5, r"linear is 0\.5000, and 0\.2000 in causal-info_nce-s0"),
    ],
)  # fmt: skip
def test_a_file_that_is_damaged_or_of_another_study_is_named_with_the_command_that_makes_it(
    file: str, key: str, value: object, fault: str, quick: Setting, results: Results, table: Make, edited: Edited
) -> None:
    folder = results(quick)
    with edited(folder / file) as record:
        put(record, key, value)
    with pytest.raises(UserError, match=fault) as caught:
        table(quick, SHOWN[file.split("/")[0]], folder)
    assert str(caught.value).startswith(f"{folder / file}: damaged (")
    assert str(caught.value).endswith(f"make it again: snakemake results/theory/quick/{file}")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("file", [NWJ, "sphere/d10.json", PLUG_IN, RUN, CONTENT])
def test_a_missing_file_is_named_with_the_command_that_makes_it(
    file: str, quick: Setting, results: Results, table: Make
) -> None:
    folder = results(quick)
    (folder / file).unlink()
    with pytest.raises(UserError, match=f"missing; make it: snakemake results/theory/quick/{file}"):
        table(quick, SHOWN[file.split("/")[0]], folder)


def test_rounding_between_machines_is_no_damage(quick: Setting, results: Results, table: Make, edited: Edited) -> None:
    folder = results(quick)
    before = table(quick, "table_latent_recovery", folder)
    with edited(folder / RUN) as record:
        record["scores"]["observations"]["r2"] += 5e-4
        record["scores"]["trained"]["correlation"] = 1 + 1e-12
    assert table(quick, "table_latent_recovery", folder) == before  # observations are those of InfoNCE's runs


@pytest.mark.parametrize("name", TABLES)
def test_a_table_needs_nothing_but_what_is_listed(name: str, quick: Setting, results: Results, table: Make) -> None:
    folder = results(quick)
    listed = {folder / job.result for job in TheoryJobs(quick).shown(name)}
    others = set(folder.rglob("*.json")) - listed
    assert others
    for path in others:
        path.unlink()
    assert table(quick, name, folder).rows
