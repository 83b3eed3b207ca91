"""A plan as the text that people read in a terminal."""

from collections.abc import Collection, Iterable, Sequence
from textwrap import indent

from tabulate import tabulate

from entrec.methods.registry import METHODS
from entrec.pipeline.jobs import runs_of
from entrec.plan.assumptions import GIGA, TERA
from entrec.plan.costs import Cost, Plan
from entrec.plan.pace import Pace
from entrec.plan.wall_time import wall_seconds, widest
from entrec.runs import Run

STEPS = ("pretrain", "evaluate", "transfer")
COPIES = 3  # of a checkpoint while one is saved: the new one, the last and the one before
NOTHING = "-"


def plan_text(plan: Plan, *, devices: Sequence[int]) -> str:
    """Return the whole plan, with the wall time on each number of `devices`."""
    hours = f"{plan.device.unit}-hours"
    speed = f"images/s/{plan.device.unit}"
    sections = {
        "Jobs": _table(["rule", "jobs", "process starts", hours, "longest"], _rules(plan)),
        f"{hours} by table": _table(["", "runs", "pretrain", "linear and kNN", "transfer", "sum"], _tables(plan)),
        "Methods": _table(["", "runs", "GFLOP/image", speed, "speed from", hours], _methods(plan)),
        "Wall time": _table(["", "until all is done"], _wall(plan, devices)),
        "Disk": _table(["", "GB"], _disk(plan)),
        "Assumptions": "\n".join(f"- {line}" for line in _assumptions(plan)),
    }
    study = plan.study
    title = f"{study.title}\nparams/{study.name}.yaml: estimated cost on {plan.device.title}s\n"
    return "\n".join([title, *(f"{name}\n{body}\n" for name, body in sections.items())])


def default_devices(plan: Plan) -> list[int]:
    """Return the number of devices that the widest job asks for, and two, four and eight times as many."""
    return [widest(plan) * factor for factor in (1, 2, 4, 8)]


def device_hours(costs: Iterable[Cost]) -> float:
    """Return the sum of the device-hours of `costs`."""
    return sum(cost.device_hours for cost in costs)


def _rules(plan: Plan) -> list[list[str]]:
    rows = []
    for rule in dict.fromkeys(cost.job.rule for cost in plan.costs):
        costs = [cost for cost in plan.costs if cost.job.rule == rule]
        estimated = rule in STEPS
        hours = _hours(device_hours(costs)) if estimated else NOTHING
        starts = str(sum(c.starts for c in costs))
        rows.append(
            [rule, str(len(costs)), starts, hours, _duration(max(c.seconds for c in costs)) if estimated else NOTHING]
        )
    starts = str(sum(cost.starts for cost in plan.costs))
    return [*rows, ["sum", str(len(plan.costs)), starts, _hours(device_hours(plan.costs)), ""]]


def _tables(plan: Plan) -> list[list[str]]:
    """Return the hours of the runs of each table, first without those of another table, then with them."""
    study = plan.study
    batch_size, epochs = study.headline
    headline = set(study.headline_runs)
    table_1, table_2 = (set(runs_of(study, table)) for table in ("table_1", "table_2"))
    groups = {
        f"headline setting ({batch_size}, {epochs} epochs), in all tables": headline,
        "other batch sizes, in Table 1": table_1 - headline,
        "other epochs, in Table 2": table_2 - headline,
        "sum": set(study.runs),
        "Table 1 alone": table_1,
        "Table 2 alone": table_2,
    }
    return [[name, *_by_step(plan, runs)] for name, runs in groups.items() if runs]


def _by_step(plan: Plan, runs: Collection[Run]) -> list[str]:
    hours = [device_hours(c for c in plan.costs if c.job.rule == step and c.job.run in runs) for step in STEPS]
    return [str(len(runs)), *map(_hours, [*hours, sum(hours)])]


def _methods(plan: Plan) -> list[list[str]]:
    rows = []
    for method in plan.study.methods:
        costs = [c for c in plan.costs if c.job.run is not None and c.job.run.method == method]
        runs = sum(c.job.rule == "pretrain" for c in costs)
        step, speed = plan.networks[method].step, plan.speeds.get(method)
        rate = plan.rate(method, plan.study.headline[0])
        numbers = [f"{step / GIGA:.4g}", f"{rate:,.0f}"] if step else [NOTHING, NOTHING]
        basis = f"{speed.runs} of {speed.study}" if speed else "FLOPs" if step else NOTHING
        rows.append([METHODS[method].title, str(runs), *numbers, basis, _hours(device_hours(costs))])
    return rows


def _wall(plan: Plan, devices: Sequence[int]) -> list[list[str]]:
    return [[f"{n} {plan.device.unit}{'s' if n > 1 else ''}", _duration(wall_seconds(plan, n))] for n in devices]


def _disk(plan: Plan) -> list[list[str]]:
    prepared = sum(size.prepared_bytes for size in plan.sizes.values())
    encoders = sum(plan.networks[run.method].encoder_bytes for run in plan.study.runs)
    checkpoint = max(network.checkpoint_bytes for network in plan.networks.values())
    amounts = {
        "original files": sum(size.raw_bytes for size in plan.sizes.values()),
        "prepared datasets": prepared,
        "checkpoints of one pretraining while it runs, at most": COPIES * checkpoint,
        f"encoders of {len(plan.study.runs)} runs": encoders,
        "DVC's cache, if it copies prepared datasets and encoders": encoders + prepared,
    }
    return [[name, f"{amount / GIGA:,.1f}" if amount >= GIGA / 10 else "< 0.1"] for name, amount in amounts.items()]


def _assumptions(plan: Plan) -> list[str]:
    counted = [name for name, size in plan.sizes.items() if size.counted]
    published = [name for name, size in plan.sizes.items() if not size.counted]
    lines = [
        *([_measured(plan.pace)] if plan.pace else [_assumed(plan)]),
        "FLOPs are counted on the networks: multiplications and additions for every view, small crop and EMA copy,"
        " forward and backward. Heads, losses, augmentation and communication are left out.",
        "Where finished runs trained the same network on images of the same size in the same precision, their measured"
        " speed replaces the count.",
        "Not estimated: idle time of GPUs with small batches, slow disks, preemption,"
        f"{'' if plan.pace else ' the start of each job,'} jobs on processors such as preparation beside GPUs, what"
        " tables and pages compute, and linear classifiers that lbfgs fits.",
        "The wall time assumes that all devices are free all the time and that the longest jobs start first.",
    ]
    if plan.unusable:
        lines.append(
            f"Finished runs whose speed is not known, such as {plan.unusable[0]}: {len(plan.unusable)}."
            " They are damaged, of an earlier version of this package, or without circumstances beside them."
        )
    if published:
        lines.append(f"Image counts as published, not counted yet: {', '.join(published)}.")
    if counted:
        lines.append(f"Image counts of prepared datasets: {', '.join(counted)}.")
    return lines


def _assumed(plan: Plan) -> str:
    """Return the line about the speed that is assumed of the device."""
    device, precision = plan.device, plan.study.training.precision
    share = f", {100 * device.utilisation:.1f} % of its peak in bfloat16" if device.utilisation else ""
    sustained = device.sustained[precision] / TERA
    return f"One {device.title} sustains {sustained:g} TFLOP/s in {precision}{share}: {device.source}."


def _measured(pace: Pace) -> str:
    """Return the line about what was measured on this machine."""
    slowest, fastest = (find(pace.sustained.values()) / TERA for find in (min, max))
    return (
        f"Measured here and now: a process starts in {pace.start:.1f} s, and training steps of the study's network on"
        f" one thread sustain {slowest:.2g} to {fastest:.2g} TFLOP/s, depending on the sizes of images and batches."
    )


def _hours(hours: float) -> str:
    return f"{hours:,.0f}" if hours >= 10 else f"{hours:.2g}"


def _duration(seconds: float) -> str:
    if seconds >= 48 * 3600:
        return f"{seconds / 86400:.1f} days"
    if seconds >= 3600:
        return f"{seconds / 3600:.1f} h"
    return f"{seconds / 60:.1f} min" if seconds >= 60 else f"{seconds:.1f} s"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return columns side by side, the first aligned to the left and the others to the right."""
    align = ["left", *["right"] * (len(head) - 1)]
    return indent(tabulate(rows, head, "plain", colalign=align, disable_numparse=True), "  ")
