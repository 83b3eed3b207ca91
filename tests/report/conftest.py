"""The demo study, one under the paper's name, and results that nothing computed in the form that the steps write."""

import math
import re
import zlib
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.conftest import edited_result

from entrec.artefacts import sha256
from entrec.data import prepare
from entrec.data.source import Loaded
from entrec.methods.registry import METHODS
from entrec.paths import DatasetFolder, RunFolder, StudyPaths, run_folder
from entrec.pipeline.jobs import TABLES
from entrec.report.vision.frames import Frames, histories
from entrec.report.vision.tables import table_rows, write_table
from entrec.results import (
    Accuracies,
    BothMetrics,
    Circumstances,
    DataIdentity,
    EvaluationResult,
    Hardware,
    LinearAccuracies,
    MadeFrom,
    Point,
    PretrainingResult,
    ScoredPoint,
    Strength,
    TransferResult,
    read_card,
    write_computed,
)
from entrec.runs import Run
from entrec.settings import Dataset
from entrec.study import Study, evaluate_keys, load_study, pretrain_keys, transfer_keys

ROOT = Path(__file__).parents[2]
CODE = "0123456789abcdef"
LEVELS = {"untrained": 0.827, "supervised": 0.968, "byol": 0.84, "dino": 0.79, "entrec_disc": 0.875}


def plausible(run: Run) -> float:
    """Return a test accuracy: the level of the method, a little more for more steps, and a little for the seed."""
    jitter = zlib.crc32(str(run).encode()) % 100 / 10000
    steps = 0 if METHODS[run.method].baseline else math.log2(run.epochs / 20 * 256 / run.batch_size) / 100
    return min(LEVELS.get(run.method, 0.935) + steps + jitter, 1.0)


def made_from(
    seed: int, dataset: str | None = None, *, data: Path | None = None, params: dict[str, Any] | None = None
) -> MadeFrom:
    """Return what a result says of a dataset in the folder `data`, or of one that does not exist.

    Without a `dataset` the data is synthetic.
    """
    made_up = f"{zlib.crc32((dataset or '').encode()):08x}" * 8
    checksum = read_card(DatasetFolder(data / dataset)).digest if data and dataset else made_up
    identity = {"dataset": DataIdentity(name=dataset, checksum=checksum)} if dataset else {}
    return MadeFrom(params=params or {}, **identity, seed=seed)


def circumstances(*, seconds: float = 12.5, code: str = CODE, dirty: bool = False, **others: Any) -> Circumstances:
    """Return the circumstances of a computation that nobody did."""
    return Circumstances(
        commit="89abcdef" * 5,
        dirty=dirty,
        code=code,
        versions={"python": "3.11.2", "torch": "2.11.0", "numpy": "2.4.6", "entrec": "0.1.0"},
        hardware=Hardware(
            cpu="A processor", arithmetic="portable", gpu=None, device="cpu", threads=1, machine="x86_64"
        ),
        started="2024-05-01T10:00:00+00:00",
        seconds=seconds,
        peak_memory_mb=412.5,
        **others,
    )


def write_results(study: Study, folder: Path, accuracy: Callable[[Run], float] = plausible, **options: Any) -> Path:
    """Write all files of `results/<study>` to `folder`; `accuracy` gives a run's linear top-1 as a fraction.

    `options` are those of `made_from`.
    """
    for run in study.runs:
        _write_run(study, run_folder(folder, run), run, accuracy(run), options)
    return folder


def _write_run(study: Study, folder: RunFolder, run: Run, accuracy: float, options: dict[str, Any]) -> None:
    trained = run.method != "untrained"
    steps = run.epochs * 1222 // run.batch_size if trained else 0
    folder.folder.mkdir(parents=True, exist_ok=True)
    folder.encoder.write_bytes(str(run).encode())
    folder.history.write_text(history(run, steps))
    encoder = sha256(folder.encoder)

    def of_step(keys: list[str]) -> dict[str, Any]:
        return {**options, "params": study.slice(keys)}

    pretrained = PretrainingResult(
        run=str(run),
        study=study.name,
        **asdict(run),
        steps=steps,
        parameters=10_000,
        encoder=encoder,
        history=sha256(folder.history),
        made_from=made_from(run.seed, study.dataset, **of_step(pretrain_keys(study, run.method))),
    )
    speed = {"processes": 1, "images_per_second": 2310.5 if trained else None}
    write_computed(folder.description, pretrained, circumstances(seconds=9.5 if trained else 0.1, **speed))

    def scores(value: float) -> dict[str, float]:
        return {"test": value, "test_mean_per_class": value, "validation": value}

    grid = (Strength(l2=1e-4, validation=accuracy, gradient_norm=1e-7),)
    evaluated = EvaluationResult(
        run=str(run),
        encoder=encoder,
        linear=LinearAccuracies(**scores(accuracy), l2=1e-4, grid=grid),
        knn=Accuracies(**scores(accuracy - 0.02)),
        made_from=made_from(run.seed, study.dataset, **of_step(evaluate_keys())),
    )
    write_computed(folder.evaluation, evaluated, circumstances(seconds=1.5))
    for name in study.evaluation.transfer.datasets if run in study.headline_runs else ():
        tuned = TransferResult(
            run=str(run),
            encoder=encoder,
            dataset=name,
            metric=study.datasets[name].metric,
            test=BothMetrics(top1=accuracy - 0.05, mean_per_class=accuracy - 0.1),
            validation=accuracy,
            chosen=Point(lr=1e-3, weight_decay=0.0),
            grid=(ScoredPoint(lr=1e-3, weight_decay=0.0, validation=accuracy),),
            made_from=made_from(run.seed, name, **of_step(transfer_keys(name))),
        )
        write_computed(folder.transfer(name), tuned, circumstances(seconds=4.0))


def write_history(folder: Path, text: str, *, steps: int) -> None:
    """Replace the history of the run in `folder` by that of a run of so many steps."""
    run = RunFolder(folder)
    run.history.write_text(text)
    with edited_result(run.description) as made:
        made["history"], made["steps"] = sha256(run.history), steps


def frames_of(study: Study, folder: Path) -> Frames:
    """Return what claims and figures look at, without writing the tables first."""
    tables = {name: table_rows(study, name, folder) for name in ("table_1", "table_2", "table_transfer")}
    ours = {name: rows[rows["source"] == "ours"] for name, rows in tables.items()}
    return Frames(ours, histories(study, folder, study.headline_runs))


def history(run: Run, steps: int) -> str:
    """Return a `history.csv` whose bound rises: a header only when untrained, no measurements when supervised."""
    nats_of = "entropy,reconstruction,bound,discrete_entropy,discrete_reconstruction"
    lines = [f"step,epoch,lr,loss,term,{nats_of},effective_rank,uniformity,alignment"]
    place = zlib.crc32(run.method.encode()) % 7 / 3
    for step in sorted({*range(5, steps + 1, 5), *([steps] if steps else [])}):
        progress = step / steps
        loss = 2 + place + math.exp(-4 * progress) + run.seed / 20
        entropy, reconstruction = -20 + (2 + place) * (1 - math.exp(-3 * progress)), 21 - place * progress
        measured = step % 10 == 0 and run.method != "supervised"
        nats = [f"{v:.5g}" for v in (entropy, reconstruction, entropy + reconstruction)] if measured else ["", "", ""]
        nats += ["3.1", f"{-1 / progress:.5g}"] if measured and run.method == "entrec_disc" else ["", ""]
        spread = [f"{v:.5g}" for v in (8.1 + place, -2 - progress, 1 - progress / 2)] if measured else ["", "", ""]
        row = [str(step), f"{step * run.batch_size / 1222:.4f}", "0.003", f"{loss:.5f}", f"{loss:.5f}"]
        lines.append(",".join([*row, *nats, *spread]))
    return "\n".join(lines) + "\n"


def noise(spec: Dataset) -> Loaded:
    """Return 30 images of noise in 3 classes, in place of every source."""
    pixels = np.random.default_rng(0)
    images = pixels.integers(0, 256, (30, spec.size, spec.size, spec.channels), dtype=np.uint8)
    facts = {"description": "noise", "licence": "none needed", "origin": "a generator"}
    return Loaded(images=images, labels=np.arange(30) % 3, classes=["a", "b", "c"], **facts)


@pytest.fixture
def demo_file(tmp_path: Path) -> Path:
    """The demo's study file with its own settings and seeds, so that tuning the demo breaks no test."""
    return _with_settings(tmp_path / "demo.yaml", "[256, 128, 64]", "[20, 10]")


@pytest.fixture
def demo(demo_file: Path) -> Study:
    return load_study(demo_file)


@pytest.fixture
def paper(tmp_path: Path) -> Study:
    """The demo under the paper's name, with the paper's batch sizes, epochs and claims."""
    sizes, epochs = "[4096, 2048, 1024, 512]", "[400, 300, 200, 100]"
    return load_study(_with_settings(tmp_path / "paper.yaml", sizes, epochs, claims="[C1, C4, C5, C6, C7]"))


def _with_settings(path: Path, batch_sizes: str, epochs: str, *, claims: str = "[C1]") -> Path:
    text = (ROOT / "params" / "demo.yaml").read_text()
    seeds = "{main: [0, 1], sweep: [0]}"
    settings = {"claims": claims, "batch_sizes": batch_sizes, "epochs": epochs, "seeds": seeds}
    for key, value in settings.items():
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
    monkeypatch.setattr(prepare, "loaded", noise)

    def write(study: Study) -> Path:
        for name, spec in study.datasets.items():
            prepare.prepare(name, spec, tmp_path / "data" / study.name / name)
        return tmp_path / "data" / study.name

    return write


@pytest.fixture
def made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, demo: Study, results: Callable[..., Path],
    prepared: Callable[[Study], Path],
) -> Study:  # fmt: skip
    """A study of two methods in the working folder, with all its results but the page."""
    monkeypatch.chdir(tmp_path)
    Path("reports").mkdir()
    for name in ("templates", "notebooks"):
        Path("reports", name).symlink_to(ROOT / "reports" / name)
    small = replace(demo, notes={}, methods={name: demo.methods[name] for name in ("untrained", "simclr")})
    results(small, data=prepared(small))
    for table in TABLES:
        write_table(small, table, results=StudyPaths(small.name).results, output=StudyPaths(small.name).report.tables)
    return small
