"""Tables and figures of recovered latents and of isolated content, from results whose means are computed by hand."""

import csv
import json
import math
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from entrec.errors import UserError
from entrec.pipeline.theory_jobs import TheoryJobs, shown_part
from entrec.pipeline.workflow import setting_pattern
from entrec.report.layout import Layout
from entrec.report.theory import published
from entrec.report.theory.figures import write_theory_figure
from entrec.report.theory.tables import write_theory_table
from entrec.theory.runs import LatentRecoveryRun
from entrec.theory.settings.identifiability import Density
from entrec.theory.study import SETTINGS, TheoryStudy, load_theory
from entrec.yaml_reader import read_yaml

Results = Callable[..., Path]
Damage = Callable[[dict[str, Any]], object]
RUN = "latent_recovery/narrow-entrec_resubstitution-b512-s1/run.json"


def written(study: TheoryStudy, name: str, folder: Path, output: Path) -> Layout:
    return write_theory_table(study.setting("quick"), name, results=folder, output=output)


def cells(layout: Layout, row: str) -> list[str]:
    return [column.cells[row] for column in layout.columns]


def drawn(study: TheoryStudy, name: str, folder: Path, output: Path) -> list[dict[str, str]]:
    """The rows of a figure's CSV."""
    write_theory_figure(study.setting("quick"), name, results=folder, output=output)
    return list(csv.DictReader((output / f"{name}.csv").read_text().splitlines()))


def test_rows_are_called_by_their_settings(theory: TheoryStudy, results: Results, tmp_path: Path) -> None:
    layout = written(theory, "table_latent_recovery", results(theory), tmp_path)
    assert [title for _, title in layout.rows] == [
        "sphere, vMF κ = 1",
        "sphere, vMF κ = 10",
        "sphere, Laplace 0.05; modelled as vMF κ = 10",
        "box, normal 0.05; encoded into unbounded space",
        "box, Laplace 0.05",
    ]


def test_representations_stand_beside_each_other_with_mean_and_deviation(
    theory: TheoryStudy, results: Results, tmp_path: Path
) -> None:
    layout = written(theory, "table_latent_recovery", results(theory), tmp_path)
    # two seeds 0.4 points apart: a deviation of 0.4 / sqrt(2)
    ours = ["60.2 ± 0.3", "70.2 ± 0.3", "99.2 ± 0.3", "98.2 ± 0.3", "97.8 ± 0.3", "98.6 ± 0.3"]
    assert cells(layout, "narrow")[:6] == ours
    assert [f"{c.label} {c.detail}".strip() for c in layout.columns] == [
        "observations", "untrained", "supervised", "InfoNCE", "EntRec resubstitution", "EntRec leave-one-out",
        "published identity", "published supervised", "published unsupervised",
    ]  # fmt: skip
    assert "over 2 seeds" in layout.caption
    assert "100 steps in batches of 512 pairs" in layout.caption


def test_published_values_stand_beside_their_own_set_up_only(
    theory: TheoryStudy, results: Results, tmp_path: Path
) -> None:
    layout = written(theory, "table_latent_recovery", results(theory), tmp_path)
    assert cells(layout, "wide")[6:] == ["66.98 ± 2.79", "99.71 ± 0.05", "99.42 ± 0.05"]
    assert cells(layout, "narrow")[6:] == ["–", "–", "99.86 ± 0.01"]
    assert cells(layout, "open")[6:] == ["67.93 ± 7.40", "99.78 ± 0.06", "99.60 ± 0.02"]
    assert cells(layout, "foreign")[6:] == cells(layout, "box")[6:] == ["–"] * 3
    assert "copied as reported" in layout.caption


def test_a_set_up_that_no_paper_has_makes_no_column_of_dashes(
    theory: TheoryStudy, results: Results, tmp_path: Path
) -> None:
    own = theory.quick.latent_recovery
    other = Density(kind="vmf", width=7.0)
    rows = {"narrow": replace(own.rows["narrow"], conditional=other, model=other)}
    study = replace(theory, quick=replace(theory.quick, latent_recovery=replace(own, rows=rows)))
    layout = written(study, "table_latent_recovery", results(study), tmp_path)
    assert [column.label for column in layout.columns][-1] == "EntRec"


def test_correlations_are_written_with_those_of_ranks(theory: TheoryStudy, results: Results, tmp_path: Path) -> None:
    layout = written(theory, "table_latent_recovery_mcc", results(theory), tmp_path)
    # leave-one-out: 0.992 and 0.994, ranks 0.01 below
    assert cells(layout, "box")[5] == "99.3 ± 0.1 (98.3)"
    assert cells(layout, "box")[6:] == ["46.55 ± 1.34", "99.93 ± 0.03", "98.62 ± 0.05"]
    assert cells(layout, "narrow")[6:] == ["–"] * 3


def test_bounds_by_batch_size_stand_beside_the_truth_and_log_k(
    theory: TheoryStudy, results: Results, tmp_path: Path
) -> None:
    layout = written(theory, "table_latent_recovery_batch", results(theory), tmp_path)
    assert [title for _, title in layout.rows] == ["64", "512", "2048"]
    # one seed; the last look at the objective is log k - 2, up to 2.4
    assert cells(layout, "64") == ["4.16", "2.48", "98.0", "2.16", "97.6", "2.16", "98.4", "2.16"]
    assert cells(layout, "2048")[:4] == ["7.62", "2.48", "98.0", "2.40"]
    assert layout.caption.startswith("Held-out R², measured as above, in the row sphere, vMF κ = 10,")


def test_a_truth_that_has_no_closed_form_is_a_dash(theory: TheoryStudy, results: Results, tmp_path: Path) -> None:
    own = theory.quick.latent_recovery
    swept = replace(own, sweep=replace(own.sweep, row="box"))
    study = replace(theory, quick=replace(theory.quick, latent_recovery=swept))
    layout = written(study, "table_latent_recovery_batch", results(study), tmp_path)
    assert [row[1] for row in (cells(layout, k) for k in ("64", "512", "2048"))] == ["–"] * 3


def test_content_and_style_stand_beside_what_content_tells_of_style(
    theory: TheoryStudy, results: Results, tmp_path: Path
) -> None:
    layout = written(theory, "table_content_style", results(theory), tmp_path)
    assert [title for _, title in layout.rows][1:3] == [
        "p = 1, no dependence: style",
        "p = 0.75, statistical and causal dependence: content",
    ]
    # two seeds 0.02 apart: kernel ridge 0.01 above seed 0's, a line 0.1 below seed 0's; the untrained is InfoNCE's
    assert cells(layout, "causal,content") == [
        "0.71 ± 0.01 (0.60)", "0.76 ± 0.01 (0.65)", "–", "0.97 ± 0.01 (0.86)", "0.95 ± 0.01 (0.84)",
        "0.96 ± 0.01 (0.85)", "0.51 ± 0.01 (0.40)", "0.99 ± 0.01 (0.98)",
    ]  # fmt: skip
    assert cells(layout, "causal,style")[2] == "0.31 ± 0.01 (0.20)"
    assert [cells(layout, f"{row},style")[-1] for row in ("apart", "causal")] == [
        "0.07 ± 0.00 (0.00)",
        "0.80 ± 0.08 (0.78)",
    ]


def test_every_published_set_up_is_a_row_of_the_study_at_full_size() -> None:
    full = load_theory(Path(__file__).parents[3] / "params" / "theory.yaml").full
    entries = read_yaml(Path(published.__file__).with_suffix(".yaml"))
    for score, listed in entries["latent_recovery"].items():
        assert len(published.published_latents(score, full.latent_recovery.rows)) == len(listed)
    assert len(published.published_content(full.content_isolation.rows)) == 2 * len(entries["content_isolation"])


def test_the_sweep_needs_its_own_runs_and_the_rows_theirs(theory: TheoryStudy) -> None:
    jobs = TheoryJobs(theory.setting("quick"))
    swept = jobs.shown("latent_recovery_batch")
    assert len(swept) == 3 * 3
    assert all(job.about["row"] == "narrow" for job in swept)
    rows = jobs.shown("latent_recovery")
    assert len(rows) == 5 * 4 * 2
    assert all(job.about["batch_size"] == 512 for job in rows)
    assert len(jobs.shown("content_style")) == 2 * 4 * 2
    own = theory.quick.latent_recovery
    swept_apart = replace(own, sweep=replace(own.sweep, seeds=(5,)))
    apart = replace(theory, quick=replace(theory.quick, latent_recovery=swept_apart))
    without = TheoryJobs(apart.setting("quick")).shown("latent_recovery")
    assert without == rows  # seed 5 in batches of 512 belongs to the sweep alone


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
def test_what_is_shown_is_one_part_of_a_setting(name: str, part: str, theory: TheoryStudy) -> None:
    assert shown_part(name) == part
    theory.setting("quick").slice([f"quick.{part}"])  # there is such a part


def test_a_setting_stands_before_results_of_its_own_alone(theory: TheoryStudy) -> None:
    pattern = re.compile(setting_pattern(TheoryJobs(theory.setting(name)) for name in SETTINGS))
    inside = "latent_recovery/narrow-info_nce-b64-s0"
    for path in (
        f"quick/{RUN}",
        f"quick/{inside}/encoder.safetensors",
        "quick/content_isolation/apart-entrec_cont-s1/run.json",
    ):
        match = pattern.match(path)
        assert match
        assert match[0] == "quick"
    for path in (f"full/{inside}/run.json", f"quick/{inside.replace('b64', 'b65')}/run.json", f"quick/{inside}"):
        assert not pattern.match(path)


def at(path: str, value: object) -> Damage:
    """Puts `value` under a dotted key."""
    *keys, last = path.split(".")

    def damage(record: dict[str, Any]) -> None:
        for key in keys:
            record = record[key]
        record[last] = value

    return damage


@pytest.mark.parametrize(
    ("name", "file", "damage", "reason"),
    [
        ("table_latent_recovery", RUN, at("row", "wide"), "is about 'wide', expected 'narrow'"),
        ("table_latent_recovery", RUN, at("batch_size", 64), "is about 64, expected 512"),
        ("table_latent_recovery", RUN, at("scores.trained", {}), r"has no scores\.trained\.r2"),
        (
            "table_latent_recovery",
            RUN,
            at("scores.trained.r2", math.nan),
            r"scores\.trained\.r2 is nan, expected a number",
        ),
        ("table_latent_recovery", RUN, at("scores.trained.r2", 1.1), r"r2 is 1\.1, expected a number up to 1"),
        (
            "table_latent_recovery_mcc",
            RUN,
            at("scores.trained.correlation", -0.1),
            r"is -0\.1, expected a number from 0 to 1",
        ),
        (
            "table_latent_recovery",
            RUN,
            at("scores.observations.r2", 0.61),
            r"is 0\.6100, and 0\.6040 in narrow-supervised-b",
        ),
        (
            "table_latent_recovery",
            RUN,
            at("scores.untrained.r2", 0.71),
            r"is 0\.7100, and 0\.7040 in narrow-supervised-b",
        ),
        (
            "table_latent_recovery_batch",
            RUN.replace("s1", "s0"),
            at("information", -1),
            "expected a positive number or null",
        ),
        ("table_latent_recovery_batch", RUN.replace("s1", "s0"), at("trace", []), "trace is no list of rows"),
        (
            "table_content_style",
            "content_isolation/causal-entrec_disc-s0/run.json",
            at("seed", 1),
            "is about 1, expected 0",
        ),
        (
            "table_content_style",
            "content_isolation/causal-entrec_disc-s0/run.json",
            at("scores.oracle.style.linear", 0.5),
            r"scores\.oracle\.style\.linear is 0\.5000, and 0\.2000 in causal-info_nce-s0",
        ),
        (
            "table_content_style",
            "content_isolation/causal-entrec_disc-s0/run.json",
            at("scores.trained.style.kernel_ridge", "much"),
            "is 'much', expected a number",
        ),
    ],
)
def test_a_run_that_is_not_the_studys_is_named_with_the_command_that_makes_it(
    name: str, file: str, damage: Damage, reason: str, theory: TheoryStudy, results: Results, tmp_path: Path
) -> None:
    folder = results(theory)
    record = json.loads((folder / file).read_text())
    damage(record)
    (folder / file).write_text(json.dumps(record))
    with pytest.raises(UserError, match=reason) as caught:
        write_theory_table(theory.setting("quick"), name, results=folder, output=tmp_path)
    assert str(caught.value).startswith(f"{folder / file}: damaged (")
    assert str(caught.value).endswith(f"make it again: snakemake results/theory/quick/{file}")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "file", "damage", "reason"),
    [
        ("latent_recovery_training", RUN, lambda r: r["trace"].pop(), "2 looks up to step 80, expected 3 up to step 100"),  # noqa: E501
        ("latent_recovery_training", RUN, lambda r: r["trace"].pop(0), "trace is of 2 looks up to step 100, expected 3"),  # noqa: E501
        ("latent_recovery_training", RUN, lambda r: r["trace"][1].update(r2=None), r"trace\.1\.r2 is None"),
        ("latent_recovery", "leave", lambda r: r["scatter"]["true"][2].pop(), r"scatter\.true\.2 is no point of 10 numbers"),  # noqa: E501
        ("latent_recovery", "leave", at("scatter.recovered", [[math.inf] * 10]), r"scatter\.recovered\.0 is no point of 10"),  # noqa: E501
        ("latent_recovery", "leave", lambda r: r["scatter"]["true"].pop(), "8 recovered points for 7 true ones"),
        ("latent_recovery", "leave", at("scatter.true", []), r"scatter\.true is no list of points"),
    ],
)  # fmt: skip
def test_a_figure_of_a_damaged_run_is_refused(
    name: str, file: str, damage: Damage, reason: str, theory: TheoryStudy, results: Results, tmp_path: Path
) -> None:
    folder = results(theory)
    path = folder / (RUN if file == RUN else "latent_recovery/narrow-entrec_leave_one_out-b512-s0/run.json")
    record = json.loads(path.read_text())
    damage(record)
    path.write_text(json.dumps(record))
    with pytest.raises(UserError, match=reason):
        write_theory_figure(theory.setting("quick"), name, results=folder, output=tmp_path)


def test_a_missing_run_is_named_with_the_command_that_makes_it(
    theory: TheoryStudy, results: Results, tmp_path: Path
) -> None:
    folder = results(theory)
    (folder / RUN).unlink()
    with pytest.raises(UserError, match=f"missing; make it: snakemake results/theory/quick/{RUN}"):
        write_theory_table(theory.setting("quick"), "table_latent_recovery", results=folder, output=tmp_path)


def test_rounding_between_machines_is_no_damage(theory: TheoryStudy, results: Results, tmp_path: Path) -> None:
    folder = results(theory)
    record = json.loads((folder / RUN).read_text())
    record["scores"]["observations"]["r2"] += 5e-4
    record["scores"]["trained"]["correlation"] = 1 + 1e-12
    (folder / RUN).write_text(json.dumps(record))
    written(theory, "table_latent_recovery", folder, tmp_path)


def test_the_scatter_is_of_the_first_seed_three_coordinates_and_sixty_points(
    theory: TheoryStudy, results: Results, tmp_path: Path
) -> None:
    folder = results(theory)
    path = folder / "latent_recovery" / "box-entrec_leave_one_out-b512-s0" / "run.json"
    record = json.loads(path.read_text())
    record["scatter"] = {key: 10 * points for key, points in record["scatter"].items()}
    path.write_text(json.dumps(record))
    rows = drawn(theory, "latent_recovery", folder, tmp_path)
    assert len([row for row in rows if row["row"] == "narrow"]) == 8 * 3  # as many as there are
    assert len([row for row in rows if row["row"] == "box"]) == 60 * 3
    assert {row["seed"] for row in rows} == {"0"}
    assert {row["method"] for row in rows} == {"entrec_leave_one_out"}


def test_bars_are_one_deviation_to_either_side(theory: TheoryStudy, results: Results, tmp_path: Path) -> None:
    rows = drawn(theory, "content_style", results(theory), tmp_path)
    (own,) = (r for r in rows if (r["row"], r["representation"], r["latents"]) == ("apart", "info_nce", "style"))
    assert float(own["mean"]) == pytest.approx(0.32)
    assert float(own["high"]) - float(own["low"]) == pytest.approx(2 * 0.02 / math.sqrt(2), rel=1e-5)
    assert not [r for r in rows if (r["representation"], r["latents"]) == ("oracle", "content")]


def test_batches_are_drawn_from_the_sweep(theory: TheoryStudy, results: Results, tmp_path: Path) -> None:
    rows = drawn(theory, "latent_recovery_batch", results(theory), tmp_path)
    bounds = {
        int(r["batch_size"]): float(r["mean"]) for r in rows if (r["method"], r["quantity"]) == ("info_nce", "bound")
    }
    assert bounds == pytest.approx({64: math.log(64) - 2, 512: 2.4, 2048: 2.4}, rel=1e-5)


def test_runs_of_the_sweep_in_other_batches_are_in_no_other_table(
    theory: TheoryStudy, results: Results, tmp_path: Path
) -> None:
    folder = results(theory)
    run = LatentRecoveryRun("narrow", "info_nce", 64, 0)
    path = folder / "latent_recovery" / str(run) / "run.json"
    record = json.loads(path.read_text())
    record["scores"]["trained"]["r2"] = 0.5
    path.write_text(json.dumps(record))
    assert cells(written(theory, "table_latent_recovery", folder, tmp_path), "narrow")[3] == "98.2 ± 0.3"
    assert cells(written(theory, "table_latent_recovery_batch", folder, tmp_path), "64")[2] == "50.0"
