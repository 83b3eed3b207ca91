"""What every artefact carries beside it: parameters, data, seed, code, versions, hardware, time."""

import ast
import hashlib
import io
import platform
import resource
import subprocess
import sys
import time
import tokenize
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import torch

PACKAGE = Path(__file__).parent
Study = Literal["pretraining", "theory"]
# Parts whose change alters no number.
NOT_COMPUTING = {"report", "plan", "pipeline", "__main__.py", "standins.py"}
# Pretraining depends on everything else, so that a new module is not forgotten; the theory studies on little.
NOT_PRETRAINING = {"theory"}
THEORY = {"theory", "information", "training/device.py", "training/eager.py", "training/schedule.py"}


@contextmanager
def record(
    params: dict[str, Any],
    dataset: str | None = None,
    checksum: str | None = None,
    *,
    seed: int,
    device: torch.device,
    study: Study = "pretraining",
) -> Iterator[dict[str, Any]]:
    """Yield a dictionary that is complete when the block ends, with wall seconds and peak memory in MB.

    `dataset` and its `checksum` are left out where the data is synthetic: `params` and `seed` are all of it.
    """
    data = {"dataset": {"name": dataset, "checksum": checksum}} if dataset is not None else {}
    entry: dict[str, Any] = {
        "params": params,
        **data,
        "seed": seed,
        **_commit(),
        "code": fingerprint(study),
        "versions": _versions(),
        "hardware": _hardware(device),
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    began = time.monotonic()
    yield entry
    entry["seconds"] = round(time.monotonic() - began, 2)
    entry["peak_memory_mb"] = round(_peak_memory_mb(device), 1)


@lru_cache
def fingerprint(study: Study = "pretraining") -> str:
    """Digest of the code that computes a study: the source of its part of the package, see `computes`.

    Docstrings and comments do not enter.
    """
    digest = hashlib.sha256()
    for path in sorted(PACKAGE.rglob("*.py")):
        relative = path.relative_to(PACKAGE).as_posix()
        if computes(relative, study):
            digest.update(f"{relative}\n{_bare(path.read_text(encoding='utf-8'))}\n".encode())
    return digest.hexdigest()[:16]


def computes(module: str, study: Study) -> bool:
    """Whether editing `module`, a path within the package, can alter a number of that study."""
    part = module.split("/")[0]
    if study == "theory":
        return part in THEORY or module in THEORY
    return part not in NOT_COMPUTING | NOT_PRETRAINING


def _bare(source: str) -> str:
    """The source without docstrings, comments and blank lines; the same under every Python version."""
    lines = source.splitlines()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            row, column = token.start
            lines[row - 1] = lines[row - 1][:column]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None:
            docstring = node.body[0]
            for row in range(docstring.lineno, (docstring.end_lineno or docstring.lineno) + 1):
                lines[row - 1] = ""
    return "\n".join(line.rstrip() for line in lines if line.strip())


def _commit() -> dict[str, Any]:
    commit = _git("rev-parse", "HEAD")
    return {"commit": commit, "dirty": bool(commit and _git("status", "--porcelain", "--untracked-files=no"))}


def _git(*arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", "-C", str(PACKAGE), *arguments], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()


def _versions() -> dict[str, str]:
    return {"python": platform.python_version(), **{name: version(name) for name in ("torch", "numpy")}}


def _hardware(device: torch.device) -> dict[str, Any]:
    return {
        "cpu": _cpu_name(),
        "gpu": torch.cuda.get_device_name(device) if device.type == "cuda" else None,
        "device": device.type,
        "threads": torch.get_num_threads(),
        "machine": platform.machine(),
    }


def _cpu_name() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def _peak_memory_mb(device: torch.device) -> float:
    """Of the GPU where there is one, else of the process."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**20
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10  # bytes there, kilobytes here
