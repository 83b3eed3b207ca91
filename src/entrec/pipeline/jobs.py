"""The jobs of a study, as Snakemake's target `all` has them; a test counts both."""

from dataclasses import dataclass

from entrec.pipeline.inputs import TABLES
from entrec.runs import Run
from entrec.study import Step, Study


@dataclass(frozen=True)
class Job:
    """One job of the rule `rule`, on `devices` GPUs, or threads where the study asks for no GPU."""

    rule: str
    devices: int
    run: Run | None = None
    dataset: str | None = None


def jobs_of(study: Study) -> list[Job]:
    """Every job of the study, in the order of its steps."""
    devices = {step: _devices(study, step) for step in study.resources}
    found = [
        Job("prepare_encoded" if spec.encoded else "prepare", devices["prepare"], dataset=name)
        for name, spec in study.datasets.items()
    ]
    found += [Job("pretrain", devices["pretrain"], run) for run in study.runs]
    found += [Job("evaluate", devices["evaluate"], run, study.dataset) for run in study.runs]
    transfers = study.evaluation.transfer.datasets
    found += [Job("transfer", devices["transfer"], run, name) for run in study.headline_runs for name in transfers]
    found += [Job("table", devices["tables"]) for _ in TABLES]
    return [*found, Job("report", devices["report"]), Job("all", 0)]


def _devices(study: Study, step: Step) -> int:
    asked, on_gpus = study.resources[step], study.resources["pretrain"].gpus > 0
    return (asked.gpus if on_gpus else asked.threads) * asked.nodes
