"""What was planned beside what it took: the plan is made from FLOPs alone, as it was before anything ran."""

from collections.abc import Iterable
from pathlib import Path

from markupsafe import Markup

from entrec.methods.registry import METHODS
from entrec.plan.assumptions import TERA, Device, device_of
from entrec.plan.costs import Cost, Plan, plan_of
from entrec.report.markup import grid, joined
from entrec.report.mean_sd import NOTHING
from entrec.report.origins import Origin
from entrec.study import Study

STEPS = {"evaluate": "Linear and kNN", "transfer": "Fine-tuning"}


def plan_fragment(study: Study, found: list[Origin], data: Path) -> Markup:
    """A row for each method's pretrainings and one for each other step; `data` is the folder of all studies' data."""
    plan = plan_of(study, device=device_of(study, None), data=data, results=None)
    unit = plan.device.unit
    rows = [_row(plan, found, METHODS[name].title, "pretrain", name) for name in study.methods]
    rows += [_row(plan, found, title, step) for step, title in STEPS.items()]
    head = ["", "jobs", "planned", "actual", "actual / planned", "planned", "actual"]
    hours, speed = f"{unit}-hours", f"images/s/{unit}"
    details = ["", "", hours, hours, "", speed, speed]
    return joined([_assumed(plan.device, study), grid(head, rows, label="Plan and actual", details=details)])


def _assumed(device: Device, study: Study) -> Markup:
    rate = device.sustained[study.training.precision] / TERA
    return Markup("<p>Planned for {}s that sustain {:g} TFLOP/s ({}).</p>").format(device.title, rate, device.source)


def _row(plan: Plan, found: Iterable[Origin], title: str, step: str, method: str | None = None) -> list[str]:
    costs = [cost for cost in plan.costs if cost.job.rule == step and _is_of(cost, method)]
    made = [origin for origin in found if origin.step == step and method in (None, origin.run.method)]
    planned = sum(cost.device_hours for cost in costs)
    width = costs[0].job.devices if costs else 0
    actual = sum(origin.seconds for origin in made) * width / 3600
    speeds = [o.images_per_second / width for o in made if o.images_per_second]
    return [
        title,
        str(len(costs)),
        *map(_number, (planned, actual, actual / planned if planned else 0)),
        _number(plan.rate(method, plan.study.batch_sizes[0]) if method else 0),
        _number(sum(speeds) / len(speeds) if speeds else 0),
    ]


def _is_of(cost: Cost, method: str | None) -> bool:
    return method is None or (cost.job.run is not None and cost.job.run.method == method)


def _number(value: float) -> str:
    """Three digits; nothing for what is not planned, or was not made."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}" if value else NOTHING
