"""DVC's stages, as DVC itself resolves them, are made of the jobs that Snakemake's rules are made of."""

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

from entrec.commands.study import render_dvc
from entrec.pipeline.dvc import stages, theory_stages
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
    made = resolved(theory_stages(jobs.setting, THEORY, folder=Path()))
    by_stage = {job.name: job for job in jobs.results} | {name: jobs.table(name) for name in THEORY_TABLES}
    by_stage |= {f"figure_{name}": jobs.figure(name) for name in THEORY_FIGURES} | {"report": jobs.page()}
    assert made.keys() == by_stage.keys()
    for name, job in by_stage.items():
        assert_made_of(made[name], [job], THEORY)


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
    assert len(re.findall(r"^ +simclr-b64-e20-s0:", text, re.MULTILINE)) == 1
