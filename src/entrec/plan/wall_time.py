"""The wall time of all jobs on a number of devices: pretrainings side by side, then evaluations and transfers."""

import heapq
from collections.abc import Iterable

from entrec.errors import UserError
from entrec.plan.costs import Cost, Plan


def check_devices(plan: Plan, devices: int) -> None:
    """Raise `UserError` where a job of the plan asks for more than `devices`."""
    asked = widest(plan)
    if devices < asked:
        raise UserError(
            f"--gpus {devices}: a job of {plan.study.name} asks for {asked} {plan.device.unit}s; allowed: from {asked},"
            f" or ask for fewer under resources in params/{plan.study.name}.yaml"
        )


def widest(plan: Plan) -> int:
    """Return the largest number of devices that a job asks for."""
    return max(cost.job.devices for cost in plan.costs)


def wall_seconds(plan: Plan, devices: int) -> float:
    """Return the seconds on `devices` that are always free: all pretrainings, then all evaluations and transfers."""
    first = [cost for cost in plan.costs if cost.job.rule == "pretrain"]
    second = [cost for cost in plan.costs if cost.job.rule in ("evaluate", "transfer")]
    return sum(_side_by_side(costs, devices) for costs in (first, second))


def _side_by_side(costs: Iterable[Cost], devices: int) -> float:
    """Return the seconds until the last job ends, if the longest waiting job starts whenever enough devices are free.

    All jobs are given the devices of the widest.
    """
    ordered = sorted((cost for cost in costs if cost.job.devices), key=lambda cost: cost.seconds, reverse=True)
    if not ordered:
        return 0.0
    free = [0.0] * (devices // max(cost.job.devices for cost in ordered))
    for cost in ordered:
        heapq.heapreplace(free, free[0] + cost.seconds)
    return max(free)
