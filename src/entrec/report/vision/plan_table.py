"""What was planned beside what it took. The plan is made from FLOPs alone, as it was before anything ran."""

from pathlib import Path

import pandas as pd

from entrec.methods.registry import METHODS
from entrec.plan.assumptions import TERA, device_of
from entrec.plan.costs import Cost, Plan, plan_of
from entrec.report.mean_sd import NOTHING
from entrec.report.table import Head, Table
from entrec.runs import Run
from entrec.study import Study

STEPS = {"evaluate": "Linear and kNN", "transfer": "Fine-tuning"}


def plan_table(study: Study, found: pd.DataFrame, data: Path) -> Table:
    """Return a row for each method's pretrainings and one for each other step; the caption says what device is assumed.

    `found` is the frame of provenance, and `data` the folder of all studies' datasets.
    """
    plan = plan_of(study, device=device_of(study, None), data=data, results=None)
    device, found = plan.device, found.assign(method=[Run.parse(run).method for run in found["run"]])
    rows = [_row(plan, found, METHODS[name].title, "pretrain", name) for name in study.methods]
    rows += [_row(plan, found, title, step) for step, title in STEPS.items()]
    rate = device.sustained[study.training.precision] / TERA
    caption = f"The plan assumes {device.title}s that sustain {rate:g} TFLOP/s ({device.source})."
    return Table.of_rows("Plan and actual", rows, caption=caption)


def _row(plan: Plan, found: pd.DataFrame, title: str, step: str, method: str | None = None) -> dict[Head, str]:
    costs = [cost for cost in plan.costs if cost.job.rule == step and _is_of(cost, method)]
    made = found[(found["step"] == step) & ((method is None) | (found["method"] == method))]
    planned = sum(cost.device_hours for cost in costs)
    width = costs[0].job.devices if costs else 0
    actual = made["seconds"].sum() * width / 3600
    speed = made["images_per_second"].dropna().mean() / width if method and width else 0
    unit = plan.device.unit
    return {
        "": title,
        "jobs": str(len(costs)),
        ("planned", f"{unit}-hours"): _number(planned),
        ("actual", f"{unit}-hours"): _number(actual),
        "actual / planned": _number(actual / planned if planned else 0),
        ("planned", f"images/s/{unit}"): _number(plan.rate(method, plan.study.batch_sizes[0]) if method else 0),
        ("actual", f"images/s/{unit}"): _number(speed),
    }


def _is_of(cost: Cost, method: str | None) -> bool:
    return method is None or (cost.job.run is not None and cost.job.run.method == method)


def _number(value: float) -> str:
    """Return three digits, or a dash for what is not planned or was not made."""
    if pd.isna(value) or not value:
        return NOTHING
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
