"""The theory study is read strictly, and each job depends on its own part of it."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from entrec.errors import UserError
from entrec.theory.registry import BOUNDS
from entrec.theory.runs import (
    LatentRecoveryRun,
    content_isolation_runs,
    find_run,
    latent_recovery_runs,
    sweep_runs,
)
from entrec.theory.study import SETTINGS, load_theory

THEORY = Path("params/theory.yaml")


def edited(tmp_path, old, new):
    text = THEORY.read_text()
    assert old in text
    path = tmp_path / "theory.yaml"
    path.write_text(text.replace(old, new, 1))
    return path


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (
            "batch_size: 64",
            "batch_sise: 64",
            ["quick.estimators.gaussian.batch_sise", "unknown key", "dimension, batch"],
        ),
        ("title:", "titel:", ["titel", "unknown key", "allowed: title, description, quick, full"]),
        (
            "batch_size: 64",
            "batch_size: 1",
            ["quick.estimators.gaussian.batch_size: 1; allowed: whole numbers from 2"],
        ),
        ("critic: separable", "critic: bilinear", ["gaussian.critic: 'bilinear'; allowed: separable, joint"]),
        ("smile: {clip: 5}", "smile: {clip: 0}", ["gaussian.smile.clip: 0; allowed: numbers from 1e-09 to 1e+09"]),
        ("trace_block: 20", "trace_block: 7", ["quick.estimators.gaussian.trace_block", "7 does not divide", "600"]),
        (
            "trace_block: 20",
            "trace_block: 1",
            ["quick.estimators.gaussian.trace_block: 1; allowed: whole numbers from 2"],
        ),
        ("[2, 4, 6, 8, 10]", "[2, 4, 4]", ["quick.estimators.gaussian.information.2", "4.0 given twice"]),
        ("128: [10, 50, 100]", "128: [10, 50, 10]", ["quick.estimators.sphere.kappa.128.2", "10.0 given twice"]),
        ("10: [5, 10, 25, 50]", "10: [5, 1.0e-9]", ["sphere.kappa.10.1: 1e-09; allowed: numbers from 1e-06 to 1e+06"]),
        (
            "{kernel_kappa: 20, ",
            "{kernel_kappa: 1.0e+9, ",
            ["entrec_resubstitution.kernel_kappa: 1000000000.0; allowed: numbers from 1e-06 to 1e+06"],
        ),
        (
            "samples: [64, 256, 1024,",
            "samples: [64, 1024, 256,",
            ["quick.estimators.sphere.samples.2", "256 after 1024", "sizes that increase"],
        ),
        ("samples: [64, 128, 256,", "samples: [64, 128, 128,", ["estimators.rates.samples.2", "128 after 128"]),
        (
            "widths: [10, 15, 25, 40]",
            "widths: [10, 15, 15]",
            ["cases.sphere_d3_resubstitution.widths.2", "15.0 given twice"],
        ),
        (
            "widths: [10, 15, 25, 40]",
            "widths: [10, 15, 1.0e+7]",
            ["cases.sphere_d3_resubstitution.widths.2", "1e+07 with data 'sphere'", "1e-06 to 1e+06"],
        ),
        (
            "dimension: 2, width: 1.0",
            "dimension: 2, width: 1.0e-4",
            ["cases.gaussian_d2_resubstitution.width", "0.0001 with data 'gaussian'", "0.001 to 1000"],
        ),
        ("seeds: [0]", "seeds: [0, 0]", ["quick.estimators.gaussian.seeds.1", "0 given twice"]),
        ("repeats: [50, 50", "repeats: [50", ["quick.estimators.sphere.repeats", "4 numbers for 5", "one for each"]),
        ("neighbours: 3", "neighbours: 64", ["quick.estimators.sphere.neighbours", "64 in samples of 64", "up to 63"]),
        (
            "        128: [",
            "        1: [",
            ["quick.estimators.sphere.kappa.1: unknown key; allowed: whole numbers from 2"],
        ),
        (
            "estimator: plug_in_entropy",
            "estimator: kernel_entropy",
            ["cases.plug_in.estimator", "plug_in_entropy with"],
        ),
        ("width: null", "width: 1", ["cases.plug_in.width", "1.0", "null for dirichlet"]),
        (
            "widths: [10, 15, 25, 40]",
            "widths: [5]",
            ["cases.sphere_d3_resubstitution.widths", "[5.0]", "at least three"],
        ),
        (
            "fit_from: 128",
            "fit_from: 4096",
            ["cases.gaussian_d2_resubstitution.fit_from", "4096 leaves fewer than four"],
        ),
        ("        plug_in:", "        plug.in:", ["cases.plug.in", "letters of A to Z, digits, _ and -"]),
        (
            "    rates:             {threads",
            "    tables:            {threads",
            ["quick.resources.tables: this key is given twice"],
        ),
        (
            "output: sphere, model: {kind: vmf",
            "output: box, model: {kind: vmf",
            ["latent_recovery.rows.sphere_vmf1.output"],
        ),
        (
            "output: sphere, model: {kind: vmf",
            "output: sphere, model: {kind: normal",
            ["quick.latent_recovery.rows.sphere_vmf1.model.kind", "'normal'", "allowed: vmf"],
        ),
        ("      sphere_vmf1: ", "      sphere vmf1: ", ["latent_recovery.rows.sphere vmf1", "cannot be a name"]),
        (
            "sweep: {row: sphere_vmf10",
            "sweep: {row: cube",
            ["quick.latent_recovery.sweep.row", "'cube'", "allowed: sphere_"],
        ),
        ("    style: 5", "    style: 6", ["quick.content_isolation.style", "5 content and 6 style coordinates of 10"]),
        ("      causal:          {change: 0.75", "      causal: {change: 0", ["content_isolation.rows.causal.change"]),
    ],
)
def test_a_fault_is_one_line_that_names_file_line_key_value_and_what_is_allowed(tmp_path, old, new, says):
    path = edited(tmp_path, old, new)
    with pytest.raises(UserError) as caught:
        load_theory(path)
    lines = str(caught.value).split("\n")
    assert all(re.match(rf"{re.escape(str(path))}, line \d+: ", line) for line in lines)
    assert any(all(part in line for part in says) for line in lines), lines


def test_a_setting_without_resources_of_a_step_is_named(tmp_path):
    text = THEORY.read_text()
    line = next(line for line in text.splitlines() if line.startswith("    sphere:            {threads"))
    with pytest.raises(UserError, match=r"quick.resources.sphere: missing"):
        load_theory(edited(tmp_path, f"{line}\n", ""))


def test_another_setting_is_refused(study):
    with pytest.raises(UserError, match=r"'huge' is no setting .*; allowed: quick, full"):
        study.setting("huge")


def test_the_benchmark_is_that_of_its_paper(study):
    for name in SETTINGS:
        gaussian = study.setting(name).estimators.gaussian
        assert (gaussian.dimension, gaussian.batch_size, gaussian.information) == (20, 64, (2, 4, 6, 8, 10))
    assert study.full.estimators.gaussian.steps == 4000


def test_both_settings_cover_what_the_claim_is_about(study):
    for name in SETTINGS:
        own = study.setting(name).estimators
        assert {10, 128} <= set(own.sphere.kappa)
        assert {64, 16_384} <= set(own.sphere.samples)
        estimators = {case.estimator for case in own.rates.cases.values()}
        assert estimators == {"kernel_entropy", "leave_one_out_entropy", "plug_in_entropy"}
        assert len(own.gaussian.information) * own.gaussian.steps // own.gaussian.trace_block <= 400


def slices(study):
    """What every job of the quick setting depends on."""
    quick = study.setting("quick")
    own = quick.estimators
    keys = {bound: quick.gaussian_keys(bound) for bound in BOUNDS}
    keys |= {f"d{d}": quick.sphere_keys(d) for d in own.sphere.kappa}
    keys |= {case: quick.rates_keys(case) for case in own.rates.cases}
    keys |= {row: quick.latent_recovery_keys(row) for row in quick.latent_recovery.rows}
    keys |= {row: quick.content_isolation_keys(row) for row in quick.content_isolation.rows}
    return {job: quick.slice(keys) for job, keys in keys.items()}


@pytest.mark.parametrize(
    ("old", "new", "stale"),
    [
        ("smile: {clip: 5}", "smile: {clip: 4}", {"smile"}),
        ("seeds: [0]", "seeds: [0, 1]", set()),
        ("steps: 600", "steps: 620", set(BOUNDS)),
        ("128: [10, 50, 100]", "128: [10, 50]", {"d128"}),
        ("neighbours: 3", "neighbours: 4", {"d10", "d128"}),
        ("dimension: 16, width: null", "dimension: 8, width: null", {"plug_in"}),
        ("conditional: {kind: vmf, width: 10}", "conditional: {kind: vmf, width: 11}", {"sphere_vmf10"}),
        ("causal:          {change: 0.75", "causal:          {change: 0.5", {"causal"}),
        ("categories: 64\n", "categories: 32\n", {"independent_all", "independent", "statistical", "causal"}),
        ("sweep: {row: sphere_vmf10", "sweep: {row: sphere_vmf1", set()),
    ],
)
def test_an_edit_makes_stale_what_reads_it_and_nothing_else(tmp_path, study, old, new, stale):
    before, after = slices(study), slices(load_theory(edited(tmp_path, old, new)))
    assert {job for job in before if before[job] != after[job]} == stale


def test_the_workflow_reads_the_study_without_torch_or_pandas():
    code = (
        "import sys; import entrec.__main__, entrec.pipeline.workflow, entrec.pipeline.theory_jobs;"
        "entrec.pipeline.workflow.read_theory('params/theory.yaml');"
        "print({'torch', 'pandas', 'altair', 'scipy'} & set(sys.modules))"
    )
    environment = os.environ | {"PYTHONPATH": "src"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout == "set()\n"


@pytest.mark.parametrize("setting", SETTINGS)
def test_runs_are_each_named_once_and_found_by_name(study, setting):
    own = study.setting(setting)
    for runs in (latent_recovery_runs(own.latent_recovery), content_isolation_runs(own.content_isolation)):
        assert len({str(run) for run in runs}) == len(runs)
        assert all(find_run(runs, str(run)) is run for run in runs)
        with pytest.raises(UserError, match=r"^no run 'nobody' in the study; there are \d+, such as "):
            find_run(runs, "nobody")


def test_the_sweep_shares_its_row_s_own_batch_size(study):
    own = study.quick.latent_recovery
    shared = LatentRecoveryRun(own.sweep.row, "info_nce", own.training.batch_size, own.sweep.seeds[0])
    runs = latent_recovery_runs(own)
    assert runs.count(shared) == 1
    assert set(sweep_runs(own)) <= set(runs)
    assert shared in sweep_runs(own)
