"""The seconds that each job of a study takes on its devices, from measured speeds or else from FLOPs."""

from dataclasses import dataclass, replace
from pathlib import Path

from entrec.pipeline.jobs import Jobs, StudyJob
from entrec.plan.assumptions import Device
from entrec.plan.flops import Networks, networks_of, passes_of
from entrec.plan.pace import Pace
from entrec.plan.sizes import Size, size_of
from entrec.plan.speeds import Speed, measured_speed, unusable_runs
from entrec.runs import Run
from entrec.study import Study

# A page starts the process that runs its notebook, and the target `all` starts none.
STARTS = {"report": 2, "provenance": 2, "all": 0}
HEAD = 6  # FLOPs for each weight of a linear head and each image: forward, and backward to the weight and its input


@dataclass(frozen=True)
class Cost:
    """A job, or a part of one, and its wall time in seconds without the `starts` of processes that belong to it.

    The time is 0 for jobs without GPUs in a study that has some, which are not estimated.
    """

    job: StudyJob
    seconds: float
    starts: int = 1

    @property
    def device_hours(self) -> float:
        """The wall hours times the GPUs, or times the threads where the study asks for no GPU."""
        return self.seconds * self.job.devices / 3600


@dataclass(frozen=True)
class Plan:
    """The costs of a study's jobs in their order, and what they were computed from.

    `unusable` are finished runs of the same methods whose speed is not known (`unusable_runs`). `pace` is what was
    measured on this machine; without it, the assumptions about the device count, and starts take no time.
    """

    study: Study
    device: Device
    sizes: dict[str, Size]
    networks: dict[str, Networks]
    speeds: dict[str, Speed]
    unusable: list[Path]
    pace: Pace | None
    costs: list[Cost]

    def rate(self, method: str, batch_size: int) -> float:
        """Return the images/s of one device in pretraining, measured or from FLOPs; 0 without training."""
        if method in self.speeds:
            return self.speeds[method].at(batch_size)
        step, size = self.networks[method].step, self.study.datasets[self.study.dataset].size
        return self.sustained(size, batch_size) / step if step else 0.0

    def sustained(self, size: int, batch_size: int) -> float:
        """Return the FLOP/s of one device in training on such batches, measured or assumed."""
        assumed = self.device.sustained[self.study.training.precision]
        return self.pace.sustained.get((size, batch_size), assumed) if self.pace else assumed

    def wall(self, cost: Cost) -> float:
        """Return the seconds of a cost together with the starts of its processes."""
        return cost.seconds + cost.starts * (self.pace.start if self.pace else 0.0)


def plan_of(study: Study, *, device: Device, data: Path, results: Path | None, pace: Pace | None = None) -> Plan:
    """Return the plan of `study` on `device`; `data` and `results` are the folders of all studies.

    Without `results` and `pace` it is made from FLOPs alone, as it was before anything ran. Raises `UserError` for a
    dataset whose image count is not known yet.
    """
    sizes = {name: size_of(study, name, data) for name in study.datasets}
    networks = {method: networks_of(study, method) for method in study.methods}
    found = {method: measured_speed(study, method, results, device) for method in study.methods} if results else {}
    speeds = {method: speed for method, speed in found.items() if speed and networks[method].step}
    unusable = unusable_runs(study, results) if results else []
    plan = Plan(study, device, sizes, networks, speeds, unusable, pace, [])
    costs = [
        Cost(part, _seconds(plan, part), 0 if place else STARTS.get(job.rule, 1))
        for job in Jobs(study)
        for place, part in enumerate(job.each)
    ]
    return replace(plan, costs=costs)


def _seconds(plan: Plan, job: StudyJob) -> float:
    if job.run is None or not job.devices:  # on processors, in a study of GPUs
        return 0.0
    if job.rule == "pretrain":
        rate = plan.rate(job.run.method, job.run.batch_size) * job.devices
        return pretraining_images(plan, job.run) / rate if rate else 0.0
    assert job.dataset is not None
    work = _evaluation(plan, job.run) if job.rule == "evaluate" else _fine_tuning(plan, job.run, job.dataset)
    return work / job.devices


def pretraining_images(plan: Plan, run: Run) -> int:
    """Return how many images a run trains on, all epochs together, without the incomplete last batch of each epoch."""
    train = plan.sizes[plan.study.dataset].train
    return run.epochs * (train // run.batch_size) * run.batch_size


def _evaluation(plan: Plan, run: Run) -> float:
    """Return the seconds on one device for the features of all images, the linear heads and the neighbours.

    The time of lbfgs is left out: its number of iterations is not known.
    """
    size, networks, linear = plan.sizes[plan.study.dataset], plan.networks[run.method], plan.study.evaluation.linear
    passes = passes_of(plan.study, run.method, plan.study.datasets[plan.study.dataset].size)
    spec = plan.study.datasets[plan.study.dataset]
    features = passes.forward * size.images / plan.sustained(spec.size, run.batch_size)
    votes = 2.0 * networks.features * size.train * (size.validation + size.test)
    head = 0.0
    if linear.solver == "sgd":
        head = float(len(linear.l2) * linear.epochs * HEAD * networks.features * size.classes * size.train)
    return features + (head + votes) / plan.device.sustained["float32"]


def _fine_tuning(plan: Plan, run: Run, dataset: str) -> float:
    """Return the seconds on one device: the grid trains and is validated, and its best point is tested."""
    size, transfer = plan.sizes[dataset], plan.study.evaluation.transfer
    passes = passes_of(plan.study, run.method, plan.study.datasets[dataset].size)
    grid = len(transfer.lr) * len(transfer.weight_decay)
    trained = transfer.epochs * (size.train // transfer.batch_size) * transfer.batch_size
    scored = grid * size.validation + size.test
    sustained = plan.sustained(plan.study.datasets[dataset].size, transfer.batch_size)
    return (grid * trained * passes.training + scored * passes.forward) / sustained
