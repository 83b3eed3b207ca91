# What the rules share: the study, its jobs and the paths of its results. There are no rules in this file.
import json
import signal
from pathlib import Path

from snakemake.utils import min_version

from entrec.paths import TheoryPaths, record_of, with_record
from entrec.pipeline.jobs import TABLES, Jobs
from entrec.pipeline.launch import named_resources
from entrec.pipeline.theory_jobs import TARGETS, THEORY_FIGURES, THEORY_TABLES
from entrec.pipeline.workflow import (
    check_targets,
    one_of,
    read_study,
    read_theory,
    record_owner,
    setting_pattern,
    watched_originals,
)
from entrec.runs import Run
from entrec.study import (
    evaluate_keys,
    prepare_keys,
    pretrain_keys,
    report_keys,
    table_keys,
    transfer_keys,
)
from entrec.theory.runs import find_run
from entrec.theory.study import THEORY_FILE

min_version("9.27.1")

# Slurm's warning before the walltime also reaches the Snakemake inside a job, but only the training acts on it.
signal.signal(signal.SIGUSR1, signal.SIG_IGN)

STUDY_FILE, STUDY = read_study(workflow.config_settings, default="params/demo.yaml")
JOBS = Jobs(STUDY)
PATHS = JOBS.paths
TRANSFERS = STUDY.evaluation.transfer.datasets
APART = [run for run in STUDY.runs if run not in JOBS.together]  # evaluated and transferred by jobs of their own
DATASET, RUN = PATHS.dataset("{dataset}"), PATHS.run("{run}")
REPORT, LOGS = PATHS.report, PATHS.logs

THEORY = read_theory(THEORY_FILE)  # the jobs of each setting
SETTING = TheoryPaths("{setting}")


wildcard_constraints:
    run=one_of(STUDY.runs),
    dataset=one_of(STUDY.datasets),


def depends_on(keys, study=STUDY):
    """Return the settings that a job reads, as text: editing anything else does not rerun it."""
    return json.dumps(study.slice(keys), sort_keys=True)


def threads_of(step):
    """Return the threads that the study gives to each job of a step."""
    return STUDY.asked(step).threads


def resources_of(step):
    """Return what each job of a step asks for, under the names that Snakemake and its Slurm plugin know."""
    return named_resources(STUDY.asked(step))


def theory_asks(w, rulename):
    """Return what the setting of a job gives to each job of its rule."""
    return THEORY[w.setting].resources_of(rulename)


def theory_slice(job_of):
    """Return `depends_on` of the job that `job_of` finds for wildcards, among the jobs of their setting."""
    return lambda w: depends_on(job_of(THEORY[w.setting], w).keys, THEORY[w.setting].setting)
