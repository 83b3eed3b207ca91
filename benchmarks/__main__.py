"""Measure every ratio and print it with its target.

    python -m benchmarks
    python -m benchmarks views losses --output benchmarks/results.json

Each group is measured in a process of its own, one after the other. Nothing else should run meanwhile.
"""

import argparse
import importlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from tabulate import tabulate

from benchmarks.measuring import Ratio
from entrec.artefacts import write_json
from entrec.provenance import hardware
from entrec.training.device import make_deterministic, pick_device

GROUPS = (
    "training_step",
    "end_to_end",
    "views",
    "photographs",
    "losses",
    "theory_steps",
    "linear_probe",
    "arithmetic",
    "diagnostics",
    "growth",
)
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
RESULTS = Path("benchmarks/results.json")


def main() -> None:
    """Measure the groups that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("groups", nargs="*", choices=[*GROUPS, []], help="the groups to measure; without any, all")
    parser.add_argument("--output", type=Path, default=RESULTS, help="file for the ratios and the hardware")
    parser.add_argument("--alone", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.alone:
        (group,) = arguments.groups
        for ratio in importlib.import_module(f"benchmarks.{group}").ratios():
            print(json.dumps(asdict(ratio)), flush=True)
        return
    ratios = [ratio for group in arguments.groups or GROUPS for ratio in measured(group)]
    write_json(arguments.output, {"hardware": found_hardware(), "ratios": [entry(ratio) for ratio in ratios]})
    print(table(ratios))
    print(f"written to {arguments.output}")


def measured(group: str) -> Iterator[Ratio]:
    """Yield the ratios of `group`, measured in a process of its own; a group that fails says why and has none."""
    command = [sys.executable, "-m", "benchmarks", group, "--alone"]
    with subprocess.Popen(command, env=os.environ | ONE_THREAD, text=True, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        for line in process.stdout:
            ratio = Ratio(**json.loads(line))
            print(": ".join([group, *row(ratio)]), file=sys.stderr, flush=True)
            yield ratio
    if process.returncode:
        raise SystemExit(f"benchmarks/{group}.py ended with exit code {process.returncode}")


def table(ratios: Sequence[Ratio]) -> str:
    """Return the table of all ratios, as documents show it."""
    return tabulate([row(ratio) for ratio in ratios], headers=("ratio", "measured", "target", ""), tablefmt="pipe")


def row(ratio: Ratio) -> list[str]:
    """Return the cells of a ratio's line in the printed table."""
    sign = "≥" if ratio.better == "higher" else "≤"
    value = "–" if ratio.measured is None else f"{ratio.measured:.3g}"
    verdict = {True: "reached", False: "missed", None: ratio.reason}[ratio.reached]
    return [ratio.name, value, f"{sign} {ratio.target:.3g}", verdict]


def entry(ratio: Ratio) -> dict[str, object]:
    """Return what the file of results says of a ratio."""
    known: dict[str, object] = {
        "name": ratio.name,
        "measured": ratio.measured,
        "target": ratio.target,
        "better": ratio.better,
    }
    return known | ({"reason": ratio.reason} if ratio.reason else {})


def found_hardware() -> dict[str, object]:
    """Return the hardware of this process, with one thread."""
    device = pick_device()
    make_deterministic(device, threads=1)
    return hardware(device).model_dump(exclude_unset=True)


if __name__ == "__main__":
    main()
