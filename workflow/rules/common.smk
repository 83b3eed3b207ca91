# Lists, paths and what each job depends on; no rules.
import json
import signal
from pathlib import Path

from entrec.pipeline.launch import named_resources
from entrec.study import (
    evaluate_keys,
    prepare_keys,
    pretrain_keys,
    report_keys,
    table_keys,
    transfer_keys,
)
from entrec.pipeline.inputs import TABLES, needed
from entrec.pipeline.theory_inputs import (
    THEORY_FIGURES,
    THEORY_PARTS,
    THEORY_TABLES,
    shown_part,
    theory_needed,
)
from entrec.runs import Run
from entrec.theory.runs import (
    find_run,
    latent_recovery_runs,
    content_isolation_runs,
)
from entrec.theory.registry import BOUNDS
from entrec.theory.study import (
    SETTINGS,
    THEORY_FILE,
)
from entrec.pipeline.workflow import read_study, read_theory

# Slurm's warning that the time is nearly up reaches Snakemake too, inside a job, but is for what trains
signal.signal(signal.SIGUSR1, signal.SIG_IGN)

STUDY_FILE, STUDY = read_study(workflow.config_settings, default="params/demo.yaml")
THEORY = read_theory(THEORY_FILE)
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
    return named_resources(STUDY.resources[step])


def artefacts(runs):
    """Everything that the runs leave in RESULTS: training, evaluation and, for the main column, transfer."""
    for run in runs:
        yield from (
            f"{RESULTS}/{run}/encoder.safetensors",
            f"{RESULTS}/{run}/run.json",
            f"{RESULTS}/{run}/history.csv",
            f"{RESULTS}/{run}/evaluation.json",
        )
        if run in STUDY.headline_runs:
            yield from (
                f"{RESULTS}/{run}/transfer/{name}.json"
                for name in STUDY.evaluation.transfer.datasets
            )


def theory_depends_on(keys):
    """`depends_on` for the theory study: `keys` is a function of setting and wildcards, the result of wildcards."""

    def slice_of(w):
        setting = THEORY.setting(w.setting)
        return json.dumps(setting.slice(keys(setting, w)), sort_keys=True)

    return slice_of


def theory_asks(step, what):
    """A function of the wildcards, since each setting asks for something else."""
    return lambda w: getattr(THEORY.setting(w.setting).resources[step], what)


def theory_resources(step):
    """`resources_of` for the theory study."""
    asked = {"mem_mb": "memory_mb", "runtime": "minutes", "gpu": "gpus"}
    return {name: theory_asks(step, key) for name, key in asked.items()}


def theory_results(setting, *names):
    """The results that some tables and figures are made of."""
    paths = (
        path for name in names for path in theory_needed(THEORY.setting(setting), name)
    )
    return [f"results/theory/{setting}/{path}" for path in dict.fromkeys(paths)]


def latent_recovery_keys(setting, w):
    """Return the keys that a run of latent recovery depends on."""
    run = find_run(latent_recovery_runs(setting.latent_recovery), w.fit)
    return setting.latent_recovery_keys(run.row)


def content_isolation_keys(setting, w):
    """Return the keys that a run of content isolation depends on."""
    run = find_run(content_isolation_runs(setting.content_isolation), w.fit)
    return setting.content_isolation_keys(run.row)
