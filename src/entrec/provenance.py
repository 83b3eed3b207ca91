"""Records what a result is made from (parameters, data, seed) and its circumstances: code, versions, hardware, time."""

import platform
import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from entrec.arithmetic import arithmetic_in_use
from entrec.commit import commit_of
from entrec.fingerprint import PACKAGE, Study, fingerprint
from entrec.results import Circumstances, DataIdentity, Hardware, MadeFrom


class Recording:
    """The block that `record` times; it has its `circumstances` once the block has ended."""

    circumstances: Circumstances

    def __init__(self, made_from: MadeFrom) -> None:
        self.made_from = made_from


@contextmanager
def record(
    params: dict[str, Any],
    dataset: str | None = None,
    checksum: str | None = None,
    *,
    seed: int,
    device: torch.device,
    study: Study = "pretraining",
) -> Iterator[Recording]:
    """Record what the block does: its wall time in seconds, and the peak memory in MB until it ends.

    `dataset` and its `checksum` are left out where the data is synthetic: `params` and `seed` then define it
    completely.
    """
    data = {} if dataset is None else {"dataset": DataIdentity(name=dataset, checksum=checksum or "")}
    recording = Recording(MadeFrom(params=params, **data, seed=seed))
    known: dict[str, Any] = {
        **commit_of(PACKAGE)._asdict(),
        "code": fingerprint(study),
        "versions": _versions(device),
        "hardware": hardware(device),
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    began = time.monotonic()
    yield recording
    recording.circumstances = Circumstances(
        **known,
        seconds=round(time.monotonic() - began, 2),
        peak_memory_mb=round(_peak_memory_mb(device), 1),
    )


def _versions(device: torch.device) -> dict[str, str]:
    return {
        "python": platform.python_version(),
        **{name: version(name) for name in ("torch", "numpy")},
        **(_cuda_versions() if device.type == "cuda" else {}),
    }


def _cuda_versions() -> dict[str, str]:
    nccl = ".".join(map(str, torch.cuda.nccl.version()))
    return {"cuda": str(torch.version.cuda), "cudnn": str(torch.backends.cudnn.version()), "nccl": nccl}


def hardware(device: torch.device) -> Hardware:
    return Hardware(
        cpu=_cpu_name(),
        arithmetic=arithmetic_in_use(),
        gpu=torch.cuda.get_device_name(device) if device.type == "cuda" else None,
        device=device.type,
        threads=torch.get_num_threads(),
        machine=platform.machine(),
    )


def _cpu_name() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def _peak_memory_mb(device: torch.device) -> float:
    """Return the peak memory of the GPU where one is used, and of the process otherwise."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**20
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10  # bytes there, kilobytes here
