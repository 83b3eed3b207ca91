"""The demo study, one under the paper's name, and results that no training made in the shape that training leaves."""

import json
import math
import re
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from entrec.data import prepare
from entrec.data.source import Loaded
from entrec.methods.registry import METHODS
from entrec.report.vision.frames import Frames, histories
from entrec.report.vision.tables import table_rows
from entrec.runs import Run
from entrec.settings import Dataset
from entrec.study import Study, load_study

ROOT = Path(__file__).parents[2]
CODE = "0123456789abcdef"
LEVELS = {"untrained": 0.827, "supervised": 0.968, "byol": 0.84, "dino": 0.79, "entrec_disc": 0.875}


def plausible(run: Run) -> float:
    """A test accuracy: the method's level, a little for more steps, a little for the seed."""
    jitter = zlib.crc32(str(run).encode()) % 100 / 10000
    steps = 0 if METHODS[run.method].baseline else math.log2(run.epochs / 20 * 256 / run.batch_size) / 100
    return min(LEVELS.get(run.method, 0.935) + steps + jitter, 1.0)


def provenance(run: Run, dataset: str, *, seconds: float, code: str = CODE, dirty: bool = False) -> dict[str, Any]:
    """As `entrec.provenance.record` leaves it."""
    return {
        "params": {},
        "dataset": {"name": dataset, "checksum": f"{zlib.crc32(dataset.encode()):08x}" * 4},
        "seed": run.seed,
        "commit": "89abcdef" * 5,
        "dirty": dirty,
        "code": code,
        "versions": {"python": "3.11.2", "torch": "2.11.0", "numpy": "2.4.6", "entrec": "0.1.0"},
        "hardware": {"cpu": "A processor", "gpu": None, "device": "cpu", "threads": 1, "machine": "x86_64"},
        "started": "2024-05-01T10:00:00+00:00",
        "seconds": seconds,
        "peak_memory_mb": 412.5,
    }


def write_results(study: Study, folder: Path, accuracy: Callable[[Run], float] = plausible, **options: Any) -> Path:
    """All files of `results/<study>` under `folder`; `accuracy` gives a run's linear top-1 as a fraction."""
    for run in study.runs:
        _write_run(study, folder / str(run), run, accuracy(run), options)
    return folder


def _write_run(study: Study, folder: Path, run: Run, accuracy: float, options: dict[str, Any]) -> None:
    trained = run.method != "untrained"
    steps = run.epochs * 1222 // run.batch_size if trained else 0
    _write(
        folder / "run.json",
        {
            "run": str(run),
            "study": study.name,
            "method": run.method,
            "batch_size": run.batch_size,
            "epochs": run.epochs,
            "seed": run.seed,
            "steps": steps,
            "images_per_second": 2310.5 if trained else None,
            "processes": 1,
            "parameters": 10_000,
            "provenance": provenance(run, study.dataset, seconds=9.5 if trained else 0.1, **options),
        },
    )
    (folder / "history.csv").write_text(history(run, steps))
    scores = {"test": accuracy, "test_mean_per_class": accuracy, "validation": accuracy}
    _write(
        folder / "evaluation.json",
        {
            "run": str(run),
            "linear": {**scores, "l2": 1e-4, "grid": [{"l2": 1e-4, "validation": accuracy, "gradient_norm": 1e-7}]},
            "knn": {key: value - 0.02 for key, value in scores.items()},
            "provenance": provenance(run, study.dataset, seconds=1.5, **options),
        },
    )
    for name in study.evaluation.transfer.datasets if run in study.headline_runs else ():
        _write(
            folder / "transfer" / f"{name}.json",
            {
                "run": str(run),
                "dataset": name,
                "metric": study.datasets[name].metric,
                "test": {"top1": accuracy - 0.05, "mean_per_class": accuracy - 0.1},
                "validation": accuracy,
                "chosen": {"lr": 1e-3, "weight_decay": 0.0},
                "grid": [{"lr": 1e-3, "weight_decay": 0.0, "validation": accuracy}],
                "provenance": provenance(run, name, seconds=4.0, **options),
            },
        )


def frames_of(study: Study, folder: Path) -> Frames:
    """Return what claims and figures look at, without writing the tables first."""
    tables = {name: table_rows(study, name, folder) for name in ("table_1", "table_2", "table_transfer")}
    ours = {name: rows[rows["source"] == "ours"] for name, rows in tables.items()}
    return Frames(ours, histories(study, folder, study.headline_runs))


def history(run: Run, steps: int) -> str:
    """Return a `history.csv` whose bound rises: a header only when untrained, no measurements when supervised."""
    nats_of = "entropy,reconstruction,bound,discrete_entropy,discrete_reconstruction"
    lines = [f"step,epoch,lr,loss,term,{nats_of},effective_rank,uniformity,alignment,seconds"]
    place = zlib.crc32(run.method.encode()) % 7 / 3
    for step in range(5, steps + 1, 5):
        progress = step / steps
        loss = 2 + place + math.exp(-4 * progress) + run.seed / 20
        entropy, reconstruction = -20 + (2 + place) * (1 - math.exp(-3 * progress)), 21 - place * progress
        measured = step % 10 == 0 and run.method != "supervised"
        nats = [f"{v:.5g}" for v in (entropy, reconstruction, entropy + reconstruction)] if measured else ["", "", ""]
        nats += ["3.1", f"{-1 / progress:.5g}"] if measured and run.method == "entrec_disc" else ["", ""]
        spread = [f"{v:.5g}" for v in (8.1 + place, -2 - progress, 1 - progress / 2)] if measured else ["", "", ""]
        row = [str(step), f"{step * run.batch_size / 1222:.4f}", "0.003", f"{loss:.5f}", f"{loss:.5f}"]
        lines.append(",".join([*row, *nats, *spread, f"{step / 20:.2f}"]))
    return "\n".join(lines) + "\n"


def noise(spec: Dataset) -> Loaded:
    """30 images of noise in 3 classes, in place of every source."""
    pixels = np.random.default_rng(0)
    images = pixels.integers(0, 256, (30, spec.size, spec.size, spec.channels), dtype=np.uint8)
    facts = {"description": "noise", "licence": "none needed", "origin": "a generator"}
    return Loaded(images=images, labels=np.arange(30) % 3, classes=["a", "b", "c"], **facts)


def _write(path: Path, value: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value))


@pytest.fixture
def demo_file(tmp_path: Path) -> Path:
    """The demo's study file with columns and seeds of this test's own, so that tuning the demo breaks no test."""
    return _with_columns(tmp_path / "demo.yaml", "[256, 128, 64]", "[20, 10]")


@pytest.fixture
def demo(demo_file: Path) -> Study:
    return load_study(demo_file)


@pytest.fixture
def paper(tmp_path: Path) -> Study:
    """The demo's settings under the paper's name and with the paper's columns."""
    return load_study(_with_columns(tmp_path / "paper.yaml", "[4096, 2048, 1024, 512]", "[400, 300, 200, 100]"))


def _with_columns(path: Path, batch_sizes: str, epochs: str) -> Path:
    text = (ROOT / "params" / "demo.yaml").read_text()
    columns = {"batch_sizes": batch_sizes, "epochs": epochs, "seeds": "{main: [0, 1], sweep: [0]}"}
    for key, value in columns.items():
        text, found = re.subn(rf"^{key}:.*$", f"{key}: {value}", text, flags=re.MULTILINE)
        assert found == 1
    path.write_text(text)
    return path


@pytest.fixture
def results(tmp_path: Path) -> Callable[..., Path]:
    """Writes results of a study to a fresh folder: `results(study, accuracy)`."""

    def write(study: Study, *arguments: Any, **options: Any) -> Path:
        return write_results(study, tmp_path / "results" / study.name, *arguments, **options)

    return write


@pytest.fixture
def prepared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Study], Path]:
    """Prepares the study's datasets from noise: `prepared(study)`."""
    monkeypatch.setattr(prepare, "function_of", lambda source, function: noise)

    def write(study: Study) -> Path:
        for name, spec in study.datasets.items():
            prepare.prepare(name, spec, tmp_path / "data" / study.name / name)
        return tmp_path / "data" / study.name

    return write
