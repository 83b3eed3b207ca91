"""DVC's stages, as DVC itself resolves them, are made of the jobs that Snakemake's rules are made of."""

import csv
import os
import re
import shlex
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from dvc.parsing import DataResolver
from dvc.repo import Repo
from dvc.schema import COMPILED_MULTI_STAGE_SCHEMA
from dvc.utils.hydra import apply_overrides
from ruamel.yaml import YAML

from entrec.commands.study import render_dvc
from entrec.errors import UserError
from entrec.pipeline.dvc import require_stages_of, stages
from entrec.pipeline.jobs import Job, Jobs, StudyJob
from entrec.pipeline.theory_jobs import THEORY_FIGURES, THEORY_TABLES, TheoryJobs
from entrec.study import load_study
from entrec.theory.study import SETTINGS, load_theory

DEMO = Path("params/demo.yaml")
THEORY = Path("params/theory.yaml")
MAY_BE_PASSED_ON = ("digits", "fashion_mnist", "caltech101", "oxford_pets")  # CC BY 4.0, MIT, CC BY 4.0, CC BY-SA 4.0
STUDIES = sorted(set(Path("params").glob("*.yaml")) - {THEORY})


def resolved(text: str) -> dict[str, Any]:
    """Every stage of a `dvc.yaml` by name, after DVC has filled its lists and placeholders in."""
    resolver = DataResolver(Repo(), os.getcwd(), yaml.safe_load(text))
    return dict(resolver.resolve()["stages"])


def cached(paths: Iterable[Path]) -> list[str]:
    """What DVC caches for some files, each once: a prepared dataset is one folder."""
    return list(dict.fromkeys(str(path.parent if path.parts[0] == "data" else path) for path in paths))


def assert_made_of(stage: dict[str, Any], jobs: list[Job], study: Path, *, cached_by_dvc: bool = True) -> None:
    """The stage makes the jobs' first outputs, and names their inputs, outputs and settings; DVC deletes nothing."""
    of = f"theory stage --study {study} --setting " if study == THEORY else f"stage --study {study} "
    targets = [str(job.outputs[0]) for job in jobs]
    assert stage["cmd"].startswith(f"python -m entrec {of}")
    assert stage["cmd"].split()[-len(targets) :] == targets
    inputs = [path for job in jobs for path in job.inputs]
    assert set(stage["deps"]) == set(map(str, inputs) if jobs[0].rule.startswith("prepare") else cached(inputs))
    flags = {"persist": True} | ({} if cached_by_dvc else {"cache": False})
    assert stage["outs"] == [{path: flags} for path in cached(p for job in jobs for p in job.outputs)]
    assert [(*given, *map(set, given.values())) for given in stage["params"]] == [
        (str(study), {key for job in jobs for key in job.keys})
    ]


def files_shown(contents: dict[str, Any]) -> list[str]:
    """Every file that `dvc metrics` and `dvc plots` read, as the `dvc.yaml` names it."""
    given = [plot if isinstance(plot, dict) else {plot: {}} for plot in contents["plots"]]
    named = [next(iter(plot.items())) for plot in given]
    of_plots = [list(axes["y"]) if isinstance(axes.get("y"), dict) else [name] for name, axes in named]
    return [*contents["metrics"], *(path for paths in of_plots for path in paths)]


def assert_shown_by_dvc(text: str, folder: Path) -> None:
    """Metrics and plots are valid for DVC, and each file that they name is an output of a stage or lies in one."""
    contents = COMPILED_MULTI_STAGE_SCHEMA(yaml.safe_load(text))
    outputs = {Path(out) for stage in resolved(text).values() for given in stage["outs"] for out in given}
    shown = [Path(os.path.normpath(folder / path)) for path in files_shown(contents)]
    assert len(contents["metrics"]) == len(set(contents["metrics"])) > 0
    assert [path for path in shown if path not in outputs and path.parent not in outputs] == []


def stage_of(job: StudyJob) -> str:
    """The name of the stage that makes a job's outputs: of a dataset, of a run, of a table or of the page."""
    if job.rule.startswith("prepare"):
        return f"prepare_{job.dataset}"
    if job.rule == "table":
        return job.outputs[0].stem
    return f"{job.rule}@{job.run}" if job.run else job.rule


def test_the_committed_stages_are_up_to_date():
    assert Path("dvc.yaml").read_text() == stages(load_study(DEMO), DEMO)


@pytest.mark.parametrize("path", STUDIES, ids=lambda p: p.stem)
def test_the_stages_of_a_study_are_its_datasets_runs_tables_and_page(path):
    study = load_study(path)
    by_stage: dict[str, list[Job]] = {}
    for job in Jobs(study):
        if job.rule not in ("provenance", "all"):
            by_stage.setdefault(stage_of(job), []).append(job)
    made = resolved(stages(study, path))
    assert made.keys() == by_stage.keys()
    for name, jobs in by_stage.items():
        source = study.datasets[str(jobs[0].dataset)].source if name.startswith("prepare") else None
        assert_made_of(made[name], jobs, path, cached_by_dvc=source in (None, *MAY_BE_PASSED_ON))


def test_the_path_of_a_study_reaches_the_shell_as_it_is(tmp_path):
    path = tmp_path / "it's ${HOME}; {key}" / "demo.yaml"
    path.parent.mkdir()
    path.write_bytes(DEMO.read_bytes())
    stage = resolved(stages(load_study(path), path))["prepare_digits"]
    assert shlex.split(stage["cmd"])[4:] == ["--study", str(path), "data/demo/digits/card.json"]
    assert stage["params"] == [{str(path): ["datasets.digits"]}]


def test_the_path_of_images_is_watched_as_it_is():
    study = load_study(DEMO)
    faces = replace(study.datasets["faces"], source="folder", path="raw/it's ${HOME}; {key}")
    made = resolved(stages(replace(study, datasets=study.datasets | {"faces": faces}), DEMO))
    assert made["prepare_faces"]["deps"] == ["raw/it's ${HOME}; {key}"]


@pytest.mark.parametrize("setting", SETTINGS)
def test_the_stages_of_the_theory_are_its_results_tables_figures_and_page(setting):
    jobs = TheoryJobs(load_theory(THEORY).setting(setting))
    made = resolved(stages(jobs.setting, THEORY, folder=Path()))
    by_stage = {job.name: job for job in jobs.results} | {name: jobs.table(name) for name in THEORY_TABLES}
    by_stage |= {f"figure_{name}": jobs.figure(name) for name in THEORY_FIGURES} | {"report": jobs.page()}
    assert made.keys() == by_stage.keys()
    for name, job in by_stage.items():
        assert_made_of(made[name], [job], THEORY)


@pytest.mark.parametrize("folder", [Path(), Path("dvc/other")], ids=str)
@pytest.mark.parametrize("path", STUDIES, ids=lambda p: p.stem)
def test_metrics_and_plots_of_a_study_are_files_that_its_stages_make(path, folder):
    assert_shown_by_dvc(stages(load_study(path), path, folder=folder), folder)


@pytest.mark.parametrize("setting", SETTINGS)
def test_metrics_and_plots_of_the_theory_are_files_that_its_stages_make(setting):
    folder = Path("dvc/theory", setting)
    assert_shown_by_dvc(stages(load_theory(THEORY).setting(setting), THEORY, folder=folder), folder)


def test_every_evaluation_is_a_metric_and_every_loss_is_plotted_beside_those_of_its_method_alone():
    study = load_study(DEMO)
    contents = yaml.safe_load(stages(study, DEMO))
    assert {str(Jobs(study).evaluate(run).outputs[0]) for run in study.runs} <= set(contents["metrics"])
    losses = {name: axes["y"] for plot in contents["plots"] if isinstance(plot, dict) for name, axes in plot.items()}
    histories = {name: y for name, y in losses.items() if name.startswith("loss_")}
    assert sorted(histories) == sorted(f"loss_{name}" for name in study.methods if name != "untrained")
    for name, y in histories.items():
        runs = {str(run) for run in study.runs if f"loss_{run.method}" == name}
        assert {Path(path).parent.name for path in y} == runs
        assert set(y.values()) == {"loss"}


@pytest.mark.parametrize(
    "edited",
    [
        {"seeds": replace(load_study(DEMO).seeds, main=(0, 1, 2))},
        {"batch_sizes": (256,)},
        {"epochs": (20,)},
        {"dataset": "faces"},
    ],
    ids=lambda edited: next(iter(edited)),
)
def test_stages_of_other_runs_or_datasets_than_the_study_has_are_one_line(edited, tmp_path):
    written = tmp_path / "dvc.yaml"
    written.write_text(stages(load_study(DEMO), DEMO, folder=tmp_path))
    line = (
        rf"^{written}: its stages are not those of {DEMO}, .*: python -m entrec dvc --study {DEMO} --output {written}$"
    )
    with pytest.raises(UserError, match=line):
        require_stages_of(replace(load_study(DEMO), **edited), DEMO, written=written)


def test_stages_that_only_read_other_settings_are_not_refused(tmp_path):
    written, study = tmp_path / "dvc.yaml", load_study(DEMO)
    written.write_text(stages(study, DEMO, folder=tmp_path))
    require_stages_of(replace(study, title="Other", views=study.views[::-1]), DEMO, written=written)


def test_a_file_with_the_stages_of_another_study_and_the_users_own_is_not_refused(tmp_path):
    written, zoo = tmp_path / "dvc.yaml", Path("params/zoo.yaml")
    text = stages(load_study(DEMO), DEMO, folder=tmp_path)
    written.write_text(text.replace("stages:\n", "stages:\n  own: {cmd: [echo 1, echo 2]}\n", 1))
    require_stages_of(load_study(zoo), zoo, written=written)
    require_stages_of(load_study(DEMO), DEMO, written=written)


@pytest.mark.parametrize("setting", SETTINGS)
def test_stages_of_the_theory_are_not_refused(setting, tmp_path):
    written, study = tmp_path / "dvc.yaml", load_theory(THEORY).setting(setting)
    written.write_text(stages(study, THEORY, folder=tmp_path))
    require_stages_of(study, THEORY, written=written)


@pytest.mark.parametrize("method", ["simclr", "cmc", "entrec_disc"])
def test_dvc_sets_the_parameter_that_is_named_and_no_other(method, tmp_path):
    """`dvc exp run -S` of a mapping that an alias shared would change it for all, or for none, without a word."""
    path = tmp_path / "demo.yaml"
    path.write_bytes(DEMO.read_bytes())
    apply_overrides(path, [f"methods.{method}.optimiser.lr=0.5"])
    before, after = load_study(DEMO), load_study(path)
    expected = {name: dict(own) for name, own in before.methods.items()}
    expected[method]["optimiser"] = expected[method]["optimiser"] | {"lr": 0.5}
    assert after == replace(before, methods=expected)


@pytest.mark.parametrize("path", [*STUDIES, THEORY], ids=lambda p: p.stem)
def test_no_mapping_of_a_study_file_is_shared_by_two_keys(path):
    def mappings(value):
        if isinstance(value, dict):
            yield id(value)
            for key in value:
                yield from mappings(value[key])

    seen = list(mappings(contents := YAML().load(path.read_text(encoding="utf-8"))))
    assert contents
    assert len(seen) == len(set(seen))


@pytest.mark.parametrize("study", STUDIES, ids=lambda p: p.stem)
def test_the_command_writes_stages_that_run_from_the_root(study, tmp_path):
    """What `make run` writes to a folder of the study's own."""
    written = Path(os.path.relpath(tmp_path)) / "dvc.yaml"
    render_dvc(study, written)
    parsed = yaml.safe_load(written.read_text())["stages"]
    roots = {(tmp_path / stage.get("do", stage)["wdir"]).resolve() for stage in parsed.values()}
    assert roots == {Path.cwd()}


def test_a_list_of_runs_stands_once():
    text = Path("dvc.yaml").read_text()
    found = re.findall(r"^ +simclr-b64-e20-s0:", text, re.MULTILINE)
    assert len(found) == 2  # among all runs, and among those beside the headline setting


def test_the_page_on_dvc_counts_the_stages_that_a_setting_concerns():
    stages_of_demo = resolved(Path("dvc.yaml").read_text())
    changed = {name for name, stage in stages_of_demo.items() if "methods.simclr" in stage["params"][0][str(DEMO)]}
    while True:
        made = {out for name in changed for given in stages_of_demo[name]["outs"] for out in given}
        more = {name for name, stage in stages_of_demo.items() if made & set(stage["deps"])} - changed
        if not more:
            break
        changed |= more
    page = " ".join(Path("docs/dvc.md").read_text(encoding="utf-8").split())
    assert f"the {len(changed)} of {len(stages_of_demo)} stages that depend on this setting" in page


def test_the_page_on_dvc_shows_the_published_accuracies():
    page = Path("docs/dvc.md").read_text(encoding="utf-8")
    tables = (Path("reports/published/demo", f"{name}.csv").read_text().splitlines() for name in ("table_1", "table_2"))
    published = {row["run"]: float(row["value"]) / 100 for lines in tables for row in csv.DictReader(lines)}
    shown = re.findall(r"^ +\|? ?(\S+)/evaluation\.json +\|(?: linear.test| [\d.]+ +) \| ([\d.]+)", page, re.MULTILINE)
    assert len(shown) == 8
    for run, value in shown:
        assert float(value) == pytest.approx(published[run], abs=1e-5)
