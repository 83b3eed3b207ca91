"""DVC's stages and Snakemake's rules say the same, since both come from the study."""

import re
from pathlib import Path

import pytest
import yaml

from entrec.dvc import stages
from entrec.params import load_study

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
        assert parsed["transfer"]["foreach"] == [str(run) for run in study.main_runs]
    assert {stage.get("do", stage)["wdir"] for stage in parsed.values()} == {"../.."}


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
