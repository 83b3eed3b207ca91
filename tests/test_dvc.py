"""DVC's stages and Snakemake's rules say the same, since both come from the study."""

import os
import re
from pathlib import Path

import pytest
import yaml

from entrec.commands.study import render_dvc
from entrec.pipeline.dvc import stages, theory_stages
from entrec.pipeline.theory_inputs import THEORY_TABLES, theory_files
from entrec.study import load_study
from entrec.theory.study import SETTINGS, load_theory

DEMO = Path("params/demo.yaml")


def test_the_committed_stages_are_up_to_date():
    assert Path("dvc.yaml").read_text() == stages(load_study(DEMO), DEMO)


STUDIES = sorted(set(Path("params").glob("*.yaml")) - {Path("params/theory.yaml")})


@pytest.mark.parametrize("path", STUDIES, ids=lambda p: p.stem)
def test_every_run_of_a_study_has_its_stages(path):
    study = load_study(path)
    parsed = yaml.safe_load(stages(study, path, folder=Path("dvc") / study.name))["stages"]
    assert list(parsed["pretrain"]["foreach"]) == parsed["evaluate"]["foreach"] == [str(run) for run in study.runs]
    if study.evaluation.transfer.datasets:
        assert parsed["transfer"]["foreach"] == [str(run) for run in study.headline_runs]
    assert {stage.get("do", stage)["wdir"] for stage in parsed.values()} == {"../.."}


@pytest.mark.parametrize("study", STUDIES, ids=lambda p: p.stem)
def test_the_command_writes_stages_that_run_from_the_root(study, tmp_path):
    """What `make run` writes to a folder of the study's own."""
    written = Path(os.path.relpath(tmp_path)) / "dvc.yaml"
    render_dvc(study, written)
    parsed = yaml.safe_load(written.read_text())["stages"]
    roots = {(tmp_path / stage.get("do", stage)["wdir"]).resolve() for stage in parsed.values()}
    assert roots == {Path.cwd()}


@pytest.mark.parametrize("setting", SETTINGS)
def test_every_result_of_the_theory_has_a_stage_that_makes_it(setting):
    path = Path("params/theory.yaml")
    study = load_theory(path)
    parsed = yaml.safe_load(theory_stages(study.setting(setting), path, folder=Path("dvc/theory") / setting))["stages"]
    outs = {out for stage in parsed.values() for out in stage["outs"]}
    assert {f"results/theory/{setting}/{file}" for file in theory_files(study.setting(setting))} <= outs
    tables = {f"reports/theory/{setting}/tables/{table}.csv" for table in THEORY_TABLES}
    assert tables <= outs
    for stage in parsed.values():
        assert re.fullmatch(rf"snakemake --allowed-rules theory_\w+ -- {re.escape(stage['outs'][0])}", stage["cmd"])
        assert stage["wdir"] == "../../.."
        assert set(stage["deps"]) <= outs


def test_a_command_names_no_machine_setting_and_guards_against_rebuilding():
    for stage in yaml.safe_load(Path("dvc.yaml").read_text())["stages"].values():
        command = stage.get("do", stage)["cmd"]
        assert re.fullmatch(r"snakemake --configfile params/demo.yaml --allowed-rules \w+ -- \S+( \S+)*", command)


def test_outputs_are_those_that_the_rules_declare():
    """The rules' paths, with their wildcards, against the stages' paths, with theirs."""
    rules = "".join(path.read_text() for path in Path("workflow/rules").glob("*.smk"))
    declared = set(re.findall(r'f"\{(?:DATA|RESULTS)\}/(\S+?)"', rules))
    for name in ("pretrain", "evaluate", "transfer"):
        for out in yaml.safe_load(Path("dvc.yaml").read_text())["stages"][name]["do"]["outs"]:
            path = re.sub(r"\$\{\w+\}", "{{run}}", out.removeprefix("results/demo/"))
            path = re.sub(r"transfer/\w+", "transfer/{{dataset}}", path)
            assert path in declared
