"""A plan as people read it in a terminal."""

from collections.abc import Callable, Iterable, Sequence

from entrec.methods.registry import METHODS
from entrec.plan.assumptions import GIGA, TERA
from entrec.plan.costs import Cost, Plan
from entrec.plan.wall_time import wall_seconds, widest
from entrec.runs import Run

STEPS = ("pretrain", "evaluate", "transfer")
COPIES = 3  # of a checkpoint while one is saved: the new one, the last and the one before
NOTHING = "-"
Where = Callable[[Run], bool]


def plan_text(plan: Plan, *, devices: Sequence[int]) -> str:
    """The whole plan; wall times are on each number of `devices`."""
    hours = f"{plan.device.unit}-hours"
    sections = {
        "Jobs": _table(["rule", "jobs", hours, "longest"], _rules(plan)),
        f"{hours} by table": _table(["", "runs", "pretrain", "linear and kNN", "transfer", "sum"], _tables(plan)),
        "Methods": _table(["", "runs", "GFLOP/image", f"images/s/{plan.device.unit}", "from", hours], _methods(plan)),
        "Wall time": _table(["", "until all is done"], _wall(plan, devices)),
        "Disk": _table(["", "GB"], _disk(plan)),
        "Assumptions": "\n".join(f"- {line}" for line in _assumptions(plan)),
    }
    study = plan.study
    title = f"{study.title}\nparams/{study.name}.yaml: what all of it takes, on {plan.device.title}s\n"
    return "\n".join([title, *(f"{name}\n{body}\n" for name, body in sections.items())])


def default_devices(plan: Plan) -> list[int]:
    """As many as the widest job asks for, and two, four and eight times as many."""
    return [widest(plan) * factor for factor in (1, 2, 4, 8)]


def device_hours(costs: Iterable[Cost]) -> float:
    """Their sum."""
    return sum(cost.device_hours for cost in costs)


def _rules(plan: Plan) -> list[list[str]]:
    rows = []
    for rule in dict.fromkeys(cost.job.rule for cost in plan.costs):
        costs = [cost for cost in plan.costs if cost.job.rule == rule]
        known = rule in STEPS
        longest = _duration(max(cost.seconds for cost in costs)) if known else NOTHING
        rows.append([rule, str(len(costs)), _hours(device_hours(costs)) if known else NOTHING, longest])
    return [*rows, ["sum", str(len(plan.costs)), _hours(device_hours(plan.costs)), ""]]


def _tables(plan: Plan) -> list[list[str]]:
    """Each run once, then what one of the tables takes alone."""
    batch_size, epochs = plan.study.headline
    main: Where = lambda run: (run.batch_size, run.epochs) == (batch_size, epochs)  # noqa: E731
    parts: dict[str, Where] = {
        f"main column ({batch_size}, {epochs} epochs), of all tables": main,
        "other batch sizes, of Table 1": lambda run: run.batch_size != batch_size,
        "other epochs, of Table 2": lambda run: run.epochs != epochs,
        "sum": lambda run: True,
        "Table 1 alone": lambda run: run.epochs == epochs,
        "Table 2 alone": lambda run: run.batch_size == batch_size,
    }
    rows = [[name, *_by_step(plan, where)] for name, where in parts.items()]
    return [row for row in rows if row[1] != "0"]


def _by_step(plan: Plan, where: Where) -> list[str]:
    runs = [run for run in plan.study.runs if where(run)]
    hours = [
        device_hours(c for c in plan.costs if c.job.rule == step and c.job.run is not None and where(c.job.run))
        for step in STEPS
    ]
    return [str(len(runs)), *map(_hours, [*hours, sum(hours)])]


def _methods(plan: Plan) -> list[list[str]]:
    rows = []
    for method in plan.study.methods:
        costs = [c for c in plan.costs if c.job.run is not None and c.job.run.method == method]
        runs = sum(c.job.rule == "pretrain" for c in costs)
        step, rate, speed = (
            plan.networks[method].step,
            plan.rate(method, plan.study.batch_sizes[0]),
            plan.speeds.get(method),
        )
        basis = f"{speed.runs} of {speed.study}" if speed else "FLOPs" if step else NOTHING
        row = [f"{step / GIGA:.4g}", f"{rate:,.0f}"] if step else [NOTHING, NOTHING]
        rows.append([METHODS[method].title, str(runs), *row, basis, _hours(device_hours(costs))])
    return rows


def _wall(plan: Plan, devices: Sequence[int]) -> list[list[str]]:
    return [[f"{n} {plan.device.unit}{'s' if n > 1 else ''}", _duration(wall_seconds(plan, n))] for n in devices]


def _disk(plan: Plan) -> list[list[str]]:
    networks = plan.networks.values()
    encoders = sum(plan.networks[run.method].encoder_bytes for run in plan.study.runs)
    amounts = {
        "the makers' files": sum(size.raw_bytes for size in plan.sizes.values()),
        "prepared data sets": sum(size.prepared_bytes for size in plan.sizes.values()),
        "checkpoints of each pretraining that runs, at most": COPIES * max(n.checkpoint_bytes for n in networks),
        f"encoders of {len(plan.study.runs)} runs": encoders,
        "DVC's cache, where it copies: prepared data and encoders again": encoders
        + sum(size.prepared_bytes for size in plan.sizes.values()),
    }
    return [[name, f"{amount / GIGA:,.1f}" if amount >= GIGA / 10 else "< 0.1"] for name, amount in amounts.items()]


def _assumptions(plan: Plan) -> list[str]:
    device, precision = plan.device, plan.study.training.precision
    share = f", {100 * device.utilisation:.1f} % of the peak in bfloat16" if device.utilisation else ""
    counted = [name for name, size in plan.sizes.items() if size.counted]
    published = [name for name, size in plan.sizes.items() if not size.counted]
    lines = [
        f"One {device.title} sustains {device.sustained[precision] / TERA:g} TFLOP/s in {precision}{share}:"
        f" {device.source}.",
        "FLOPs are counted on the networks: multiplications and additions of every view, small crop and EMA copy,"
        " forward and backward; without heads, losses, the making of views and what processes exchange.",
        "The speed of runs that are done replaces the count, where network, images and precision were the same.",
        "On top come small shares of a batch, which leave a GPU idle, slow disks, preemption and the start of each job;"
        " what runs on processors, such as preparing data; linear heads that lbfgs solves.",
        "Wall time: all devices free all the time, pretrainings first, the longest first.",
    ]
    if published:
        lines.append(f"Images as the makers publish them, not counted yet: {', '.join(published)}.")
    if counted:
        lines.append(f"Images counted in prepared data: {', '.join(counted)}.")
    return lines


def _hours(hours: float) -> str:
    return f"{hours:,.0f}" if hours >= 10 else f"{hours:.2g}"


def _duration(seconds: float) -> str:
    if seconds >= 48 * 3600:
        return f"{seconds / 86400:.1f} days"
    if seconds >= 3600:
        return f"{seconds / 3600:.1f} h"
    return f"{seconds / 60:.1f} min" if seconds >= 60 else f"{seconds:.1f} s"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Columns side by side: the first to the left, the others to the right."""
    cells = [list(head), *map(list, rows)]
    widths = [max(len(row[place]) for row in cells) for place in range(len(head))]
    lines = []
    for first, *rest in cells:
        numbers = (text.rjust(width) for text, width in zip(rest, widths[1:], strict=True))
        lines.append("  ".join(["  " + first.ljust(widths[0]), *numbers]).rstrip())
    return "\n".join(lines)
