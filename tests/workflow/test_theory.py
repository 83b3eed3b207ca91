"""The shrunken theory studies through Snakemake for real."""

import json
import shutil

import pytest

from entrec.theory.registry import BOUNDS, CONTENT_ISOLATION

pytestmark = pytest.mark.workflow
SHOWN = {
    "estimators": (
        ("table_estimators_gaussian", "table_estimators_sphere", "table_estimators_rates"),
        ("estimators_gaussian", "estimators_sphere", "estimators_rates"),
    ),
    "latent_recovery": (
        ("table_latent_recovery", "table_latent_recovery_mcc", "table_latent_recovery_batch"),
        ("latent_recovery", "latent_recovery_training", "latent_recovery_batch"),
    ),
    "content_style": (("table_content_style",), ("content_style",)),
}


@pytest.fixture(scope="session")
def theory(clone):
    """Return the clone after `snakemake theory`."""
    clone.succeed("snakemake", "theory")
    return clone


def test_the_page_is_made_and_a_second_time_does_nothing(theory):
    page = theory.folder / "reports/theory/quick/index.html"
    assert page.stat().st_size > 10_000
    assert page.with_name("provenance.html").stat().st_size > 10_000
    assert "Nothing to be done" in theory.succeed("snakemake", "theory")
    assert "nwj: 20/20 done" in (theory.folder / "logs/theory/quick/gaussian/nwj-s0.log").read_text()


def test_dvc_shows_the_scores_and_figures_of_a_setting(theory, tmp_path):
    written = theory.folder / "dvc/theory/quick/dvc.yaml"
    options = ("--study", "params/theory.yaml", "--setting", "quick", "--output", "dvc/theory/quick/dvc.yaml")
    theory.succeed("python", "-m", "entrec", "theory", "dvc", *options)
    try:
        said = theory.run("dvc", "metrics", "show", "--json").stdout  # the demo may not have run in this clone
        theory.run("dvc", "plots", "show", "--out", str(tmp_path))
    finally:
        shutil.rmtree(written.parents[2])
    shown = json.loads(said[said.index("{") :])[""]["data"]
    runs = {path: file["data"] for path, file in shown.items() if path.startswith("results/theory/quick/")}
    assert len(runs) == len([*theory.folder.glob("results/theory/quick/*/*/run.json")])
    assert all(metrics["scores"]["trained"] for metrics in runs.values())
    images = {path.name for path in (tmp_path / "static").iterdir()}
    assert {name for _, figures in SHOWN.values() for name in figures} == {
        image.removesuffix(".svg").partition("_figures_")[2] for image in images if "_theory_" in image
    }


def test_tables_and_figures_are_targets_of_their_own(theory):
    folder = theory.folder / "reports/theory"
    shutil.rmtree(folder)
    try:
        for part, (tables, figures) in SHOWN.items():
            assert theory.planned(f"table_{part}", f"figure_{part}") == {
                "theory_table": {f"quick/{name}" for name in tables},
                "theory_figure": {f"quick/{name}" for name in figures},
            }
        theory.succeed("snakemake", "table_content_style", "figure_latent_recovery")
        made = {path.stem for path in folder.rglob("*.csv")}
        assert made == {*SHOWN["content_style"][0], *SHOWN["latent_recovery"][1]}
    finally:
        theory.succeed("snakemake", "theory")


@pytest.mark.parametrize(
    ("old", "new", "stale"),
    [
        ("neighbours: 3", "neighbours: 2", {"theory_sphere": {"quick/d3"}}),
        ("clip: 5", "clip: 4", {"theory_gaussian": {"quick/smile-s0"}}),
        ("dimension: 16", "dimension: 17", {"theory_rates": {"quick/plug_in"}}),
        ("steps: 10", "steps: 15", {"theory_gaussian": {f"quick/{bound}-s0" for bound in BOUNDS}}),
        (
            "change: 0.75",
            "change: 0.5",
            {"theory_content_isolation": {f"quick/causal-{m}-s0" for m in CONTENT_ISOLATION}},
        ),
    ],
)
def test_editing_one_part_reruns_it_and_what_shows_it(theory, old, new, stale):
    study = theory.folder / "params/theory.yaml"
    before = study.read_text()
    study.write_text(before.replace(old, new, 1))
    try:
        jobs = theory.planned("theory")
    finally:
        study.write_text(before)
    (rule,) = stale
    part = {"theory_content_isolation": "content_style"}.get(rule, f"estimators_{rule.removeprefix('theory_')}")
    assert jobs == stale | {
        "theory_table": {f"quick/table_{part}"},
        "theory_figure": {f"quick/{part}"},
        "theory_page": {"reports/theory/quick/index.html"},
        "theory_provenance": {"reports/theory/quick/provenance.html"},
    }


def test_the_theory_is_apart_from_the_studies(clone):
    assert not any(rule.startswith("theory") for rule in clone.planned("all"))
    said = clone.succeed(
        "snakemake", "-n", "--quiet", "all", "--configfile", "params/fashion.yaml", "--", "theory_full"
    )
    assert "Error" not in said


def test_the_theory_as_a_study_of_methods_is_refused_with_its_target(clone):
    said = clone.fail("snakemake", "all", "--configfile", "params/theory.yaml").splitlines()
    assert [line for line in said if "snakemake theory" in line and line.startswith("entrec: params/theory.yaml: ")]
    assert not any("Traceback" in line for line in said)


def test_a_wrong_key_stops_with_one_line_before_any_job(clone):
    clone.edit("params/theory.yaml", "trace_block: 5\n", "trace_blok: 5\n")
    try:
        said = clone.fail("snakemake", "theory").splitlines()
    finally:
        clone.edit("params/theory.yaml", "trace_blok: 5\n", "trace_block: 5\n")
    (line,) = [line for line in said if "trace_blok" in line]
    assert line.startswith("entrec: params/theory.yaml, line ")
    assert line.endswith(
        "quick.estimators.gaussian.trace_blok: unknown key (value 5); did you mean trace_block? allowed: "
        "dimension, batch_size, information, steps, trace_block, evaluation_batches, critic, hidden, embedding, lr, "
        "seeds, smile, entrec_resubstitution, entrec_leave_one_out, entrec_discrete"
    )
    assert not any("Traceback" in line for line in said)


@pytest.mark.parametrize(
    "target",
    [
        "results/theory/quick/gaussian/mine-s0.json",
        "results/theory/quick/gaussian/nwj-s2.json",  # of `full`, as the next two are
        "results/theory/quick/rates/gaussian_d8_resubstitution.json",
        "results/theory/quick/sphere/d128.json",
        "results/theory/quick/latent_recovery/sphere_vmf10-info_nce-b6144-s0/run.json",
        "results/theory/quick/content_isolation/causal-info_nce-s4/encoder.safetensors",
        "reports/theory/quick/tables/table_1.csv",
        "reports/theory/quick/figures/figure_1.svg",
    ],
)
def test_what_the_study_has_not_is_no_target(clone, target):
    said = clone.fail("snakemake", "-n", "--", target)
    assert f"No rule to produce {target}" in said
    assert "Traceback" not in said
    assert "InputFunctionException" not in said


def test_each_setting_has_the_targets_that_it_names(clone):
    jobs = clone.planned(
        "results/theory/full/gaussian/nwj-s2.json", "results/theory/full/rates/gaussian_d8_resubstitution.json"
    )
    assert jobs == {"theory_gaussian": {"full/nwj-s2"}, "theory_rates": {"full/gaussian_d8_resubstitution"}}
