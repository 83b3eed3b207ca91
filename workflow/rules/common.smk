# Lists, paths and what each job depends on; no rules.
import json
from pathlib import Path

from entrec.params import (
    evaluate_keys,
    prepare_keys,
    pretrain_keys,
    report_keys,
    table_keys,
    transfer_keys,
)
from entrec.report.needs import TABLES, needed
from entrec.runs import Run
from entrec.workflow import read_study

STUDY_FILE, STUDY = read_study(workflow.config_settings, default="params/demo.yaml")
DATA = f"data/{STUDY.name}"
RESULTS = f"results/{STUDY.name}"
REPORT = f"reports/{STUDY.name}"
LOGS = f"logs/{STUDY.name}"


wildcard_constraints:
    run="|".join(map(str, STUDY.runs)),
    dataset="|".join(STUDY.datasets),


def depends_on(keys):
    """The slice of the study that a job reads, as text: editing anything else does not rerun it."""
    return json.dumps(STUDY.slice(keys), sort_keys=True)


def threads_of(step):
    return STUDY.resources[step].threads


def resources_of(step):
    """What a job asks for, under the names that Snakemake and its Slurm plugin know."""
    asked = STUDY.resources[step]
    named = {"mem_mb": asked.memory_mb, "runtime": asked.minutes}
    return named | ({"gpu": asked.gpus} if asked.gpus else {})


def artefacts(runs):
    """Everything that the runs leave in RESULTS: training, evaluation and, for the main column, transfer."""
    for run in runs:
        yield from (
            f"{RESULTS}/{run}/encoder.safetensors",
            f"{RESULTS}/{run}/run.json",
            f"{RESULTS}/{run}/history.csv",
            f"{RESULTS}/{run}/evaluation.json",
        )
        if run in STUDY.main_runs:
            yield from (
                f"{RESULTS}/{run}/transfer/{name}.json"
                for name in STUDY.evaluation.transfer.datasets
            )
