"""Which results each table and figure of the theory page shows."""

import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace

import pytest

from entrec.errors import UserError
from entrec.pipeline.theory_jobs import THEORY_FIGURES, THEORY_TABLES, TheoryJobs, shown_part
from entrec.pipeline.workflow import setting_pattern
from entrec.report.theory.figures import FIGURES
from entrec.report.theory.tables import TABLES
from entrec.theory.study import SETTINGS, Setting


def test_the_page_has_the_tables_and_figures_of_the_pipeline() -> None:
    assert tuple(TABLES) == THEORY_TABLES
    assert tuple(FIGURES) == THEORY_FIGURES


def test_the_sweep_needs_its_own_runs_and_the_rows_theirs(quick: Setting, changed: Callable[..., Setting]) -> None:
    jobs = TheoryJobs(quick)
    swept = jobs.shown("latent_recovery_batch")
    assert len(swept) == 3 * 3
    assert all(job.about["row"] == "narrow" for job in swept)
    rows = jobs.shown("latent_recovery")
    assert len(rows) == 5 * 4 * 2
    assert all(job.about["batch_size"] == 512 for job in rows)
    assert len(jobs.shown("content_style")) == 2 * 4 * 2
    own = quick.latent_recovery
    apart = changed(latent_recovery=replace(own, sweep=replace(own.sweep, seeds=(5,))))
    assert TheoryJobs(apart).shown("latent_recovery") == rows  # seed 5 in batches of 512 belongs to the sweep alone


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("table_estimators_rates", "estimators.rates"),
        ("estimators_sphere", "estimators.sphere"),
        ("table_latent_recovery", "latent_recovery"),
        ("latent_recovery_batch", "latent_recovery"),
        ("table_content_style", "content_isolation"),
        ("content_style", "content_isolation"),
    ],
)
def test_what_is_shown_is_one_part_of_a_setting(name: str, part: str, quick: Setting) -> None:
    assert shown_part(name) == part
    assert quick.slice([f"quick.{part}"])


def test_a_setting_stands_before_results_of_its_own_alone(quick: Setting) -> None:
    pattern = re.compile(setting_pattern(TheoryJobs(quick.study.setting(name)) for name in SETTINGS))
    inside = "latent_recovery/narrow-info_nce-b64-s0"
    for path in (
        "quick/latent_recovery/narrow-entrec_resubstitution-b512-s1/run.json",
        f"quick/{inside}/encoder.safetensors",
        "quick/content_isolation/apart-entrec_cont-s1/run.json",
    ):
        match = pattern.match(path)
        assert match
        assert match[0] == "quick"
    for path in (f"full/{inside}/run.json", f"quick/{inside.replace('b64', 'b65')}/run.json", f"quick/{inside}"):
        assert not pattern.match(path)


def test_tables_and_figures_of_one_part_need_the_same_files(quick: Setting) -> None:
    jobs = TheoryJobs(quick)
    for table, figure in zip(THEORY_TABLES, THEORY_FIGURES, strict=True):
        assert jobs.shown(table) == jobs.shown(figure)
    with pytest.raises(UserError, match="table_1: no such table or figure; allowed: table_latent_recovery,"):
        jobs.shown("table_1")


def test_listing_what_theory_needs_imports_neither_pandas_nor_torch() -> None:
    code = "import sys, entrec.pipeline.theory_jobs; print({'pandas', 'torch', 'altair'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
