"""How long all jobs take on some devices: pretrainings side by side, then what is made of their encoders."""

import heapq
from collections.abc import Iterable

from entrec.errors import UserError
from entrec.plan.costs import Cost, Plan


def check_devices(plan: Plan, devices: int) -> None:
    """Raise `UserError` where a job of the plan asks for more than `devices`."""
    asked = widest(plan)
    if devices < asked:
        raise UserError(
            f"--gpus {devices}: a job of {plan.study.name} asks for {asked} {plan.device.unit}s; allowed: from {asked}"
            f" on, or fewer under resources in params/{plan.study.name}.yaml"
        )


def widest(plan: Plan) -> int:
    """The most devices that a job asks for."""
    return max(cost.job.devices for cost in plan.costs)


def wall_seconds(plan: Plan, devices: int) -> float:
    """On `devices` that are always free: first every pretraining, longest first, then every evaluation and transfer."""
    first = [cost for cost in plan.costs if cost.job.rule == "pretrain"]
    second = [cost for cost in plan.costs if cost.job.rule in ("evaluate", "transfer")]
    return sum(_side_by_side(costs, devices) for costs in (first, second))


def _side_by_side(costs: Iterable[Cost], devices: int) -> float:
    """Until the last is done: each job, the longest first, starts where a place gets free; all are equally wide."""
    ordered = sorted((cost for cost in costs if cost.job.devices), key=lambda cost: cost.seconds, reverse=True)
    if not ordered:
        return 0.0
    free = [0.0] * (devices // max(cost.job.devices for cost in ordered))
    for cost in ordered:
        heapq.heapreplace(free, free[0] + cost.seconds)
    return max(free)
