"""The wall time of all jobs on a number of devices, one kind after the other, those of a kind side by side."""

import heapq
from collections.abc import Iterable

from entrec.errors import UserError
from entrec.plan.costs import Cost, Plan

KINDS = (("prepare", "prepare_encoded"), ("pretrain",), ("evaluate", "transfer"), ("table",), ("report", "provenance"))


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
    """Return the seconds on `devices` that are always free."""
    return sum(_side_by_side(plan, [c for c in plan.costs if c.job.rule in kind], devices) for kind in KINDS)


def _side_by_side(plan: Plan, costs: Iterable[Cost], devices: int) -> float:
    """Return the seconds until the last job ends, if the longest waiting job starts whenever enough devices are free.

    All jobs are given the devices of the widest.
    """
    ordered = sorted((cost for cost in costs if cost.job.devices), key=plan.wall, reverse=True)
    if not ordered:
        return 0.0
    free = [0.0] * (devices // max(cost.job.devices for cost in ordered))
    for cost in ordered:
        heapq.heapreplace(free, free[0] + plan.wall(cost))
    return max(free)
