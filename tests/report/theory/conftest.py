"""The theory studies made small, and results that nothing computed in the form that their steps write."""

import csv
import json
import math
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import edited_result
from tests.report.conftest import circumstances, made_from

from entrec.artefacts import sha256
from entrec.pipeline.theory_jobs import TheoryJobs
from entrec.report.table import Table
from entrec.report.theory.figures import write_theory_figure
from entrec.report.theory.tables import write_theory_table
from entrec.results import write_computed
from entrec.theory.registry import BOUNDS
from entrec.theory.settings.identifiability import ContentIsolationRow, Density, LatentRecoveryRow, Sweep, Training
from entrec.theory.study import Setting, TheoryStudy, load_theory

BATCHES = 50
BIAS = {"leave_one_out_entropy": 3.0, "kernel_entropy": -5.0, "plug_in_entropy": -2.0}

# R2 of seed 0; seed 1 has 0.004 more
R2 = {
    "observations": 0.6,
    "untrained": 0.7,
    "supervised": 0.99,
    "info_nce": 0.98,
    "entrec_resubstitution": 0.976,
    "entrec_leave_one_out": 0.984,
}
# kernel ridge of content and of style, seed 0; seed 1 has 0.02 more, and a linear map 0.1 less
EXPLAINED = {
    "observations": (0.7, 0.6),
    "untrained": (0.75, 0.65),
    "oracle": (0.97, 0.3),
    "info_nce": (0.96, 0.31),
    "align_entropy": (0.94, 0.32),
    "entrec_cont": (0.95, 0.29),
    "entrec_disc": (0.5, 0.2),
}


def gaussian(setting: Setting, bound: str, seed: int) -> dict[str, Any]:
    """Return a bound that climbs to the truth, or to log k where that caps it; fresh batches have a sd of 0.5."""
    settings = setting.estimators.gaussian
    noise = random.Random(f"{bound}{seed}")
    cap = math.log(settings.batch_size) if "log k" in BOUNDS[bound].capped_by else math.inf
    trace, levels = [], []
    for level, truth in enumerate(settings.information):
        for step in range(settings.trace_block, settings.steps + 1, settings.trace_block):
            mean = min(truth, cap) * (1 - math.exp(-6 * step / settings.steps)) + noise.gauss(0, 0.05)
            trace.append({"step": level * settings.steps + step, "truth": truth, "mean": mean, "sd": 0.1 * truth})
        # the seeds differ by 1 nat: seed 0 is half a nat below, and seed 1 half a nat above
        levels.append({"truth": truth, "mean": min(truth, cap) + seed - 0.5, "sd": 0.5, "batches": BATCHES})
    return {"trace": trace, "levels": levels}


def sphere(setting: Setting, dimension: int) -> dict[str, Any]:
    """Return resubstitution and InfoNCE under log k, leave-one-out above the truth, neighbours with a small bias."""
    settings = setting.estimators.sphere
    rows = []
    for kappa in settings.kappa[dimension]:
        truth = math.log1p(kappa) * 40 / dimension
        for k, repeats in zip(settings.samples, settings.repeats, strict=True):
            means = {
                "entrec_resubstitution": -math.log(math.exp(-truth) + 1.1 / k),
                "entrec_leave_one_out": truth + 20 / k,
                "info_nce": -math.log(math.exp(-truth) + 1 / k),
                "nearest_neighbours": truth - 4 * k ** (-1 / dimension),
            }
            shared = {"kappa": kappa, "samples": k, "repeats": repeats, "truth": truth, "sd": 1 / math.sqrt(k)}
            if k > settings.neighbours_up_to:
                del means["nearest_neighbours"]
            rows += [{**shared, "estimator": name, "mean": mean} for name, mean in means.items()]
    return {"rows": rows}


def rates(setting: Setting, case: str) -> dict[str, Any]:
    """Return a bias of c / k, a variance of 1 / k, and the exponents that they have."""
    settings = setting.estimators.rates
    own = settings.cases[case]
    rows = []
    for k, repeats in zip(settings.samples, settings.repeats, strict=True):
        bias, variance = BIAS[own.estimator] / k, 1 / k
        error = math.sqrt(variance / repeats)
        shared = {"samples": k, "bias": bias, "bias_error": error, "variance": variance, "repeats": repeats}
        rows.append({**shared, "mse": bias**2 + variance})
    fits = [fit("squared bias", -1.99, -2.0), fit("variance", -1.0, -1.0)]
    if own.data == "dirichlet":
        fits = [fit("root mean square error", -0.5, -0.5)]
    if own.widths:
        fits.append(fit("bias against h", -1.5, -2.0))
    about = {key: getattr(own, key) for key in ("estimator", "data", "dimension", "width", "fit_from")}
    return {**about, "truth": 2.5, "limit": 2.75, "rows": rows, "width_rows": [], "fits": fits}


def fit(quantity: str, slope: float, stated: float) -> dict[str, Any]:
    """Return a fitted exponent with an interval of 0.05 to either side."""
    interval = {"low": slope - 0.05, "high": slope + 0.05}
    return {"quantity": quantity, "slope": slope, **interval, "stated": stated, "reading": f"the {quantity}"}


def latent_recovery(setting: Setting, row: str, method: str, batch_size: int, seed: int) -> dict[str, Any]:
    """Return a run that ends where `R2` says, with correlations half as far from 1, and a bound under log k."""
    own = setting.latent_recovery
    noise = random.Random(f"{row}-{method}-b{batch_size}-s{seed}")

    def scores(name: str) -> dict[str, float]:
        r2 = R2[name] + 0.004 * seed
        return {"r2": r2, "correlation": (1 + r2) / 2, "rank_correlation": (1 + r2) / 2 - 0.01}

    low, high = (0, 1) if own.rows[row].space == "box" else (-1, 1)
    true = [[noise.uniform(low, high) for _ in range(own.dimension)] for _ in range(8)]
    bound = min(2.4, math.log(batch_size) - 2)
    return {
        "information": 2.484 if own.rows[row].conditional.kind == "vmf" else None,
        "trace": [
            {
                "step": step,
                "objective": bound * step / own.training.steps,
                "entropy": 3.0,
                "r2": (step / 100) ** 0.1 - 0.02,
            }
            for step in scored_steps(own.training)
        ],
        "scores": {
            "trained": scores(method),
            "untrained": scores("untrained"),
            "observations": scores("observations"),
        },
        "scatter": {"true": true, "recovered": [[0.95 * z + noise.gauss(0, 0.05) for z in point] for point in true]},
    }


def content_isolation(setting: Setting, row: str, method: str, seed: int) -> dict[str, Any]:
    """Return a run that ends where `EXPLAINED` says."""

    def scores(name: str) -> dict[str, dict[str, float]]:
        ridges = dict(zip(("content", "style"), EXPLAINED[name], strict=True))
        return {
            latents: {"kernel_ridge": r2 + 0.02 * seed, "linear": r2 - 0.1, "gamma": 0.22, "alpha": 0.1}
            for latents, r2 in ridges.items()
        }

    untrained = scores("untrained")
    if method != "info_nce":  # the outputs of each method are of its own kind
        untrained["content"]["kernel_ridge"] = 0.1
    steps = scored_steps(setting.content_isolation.training)
    return {
        "trace": [{"step": step, "objective": 1.0, "r2": 0.9} for step in steps],
        "scores": {
            "trained": scores(method),
            "untrained": untrained,
            "observations": scores("observations"),
            "oracle": scores("oracle"),
        },
    }


def scored_steps(training: Training) -> list[int]:
    """Return the steps after which a run is scored."""
    return sorted({*range(training.trace_every, training.steps + 1, training.trace_every), training.steps})


BUILDERS: dict[str, Callable[..., dict[str, Any]]] = {
    "latent_recovery": latent_recovery,
    "content_isolation": content_isolation,
    "estimators.gaussian": gaussian,
    "estimators.sphere": sphere,
    "estimators.rates": rates,
}


def write_theory_results(setting: Setting, folder: Path, **options: Any) -> Path:
    """Write all files of `results/theory/<setting>` to `folder`; `options` go into all circumstances."""
    for part, jobs in TheoryJobs(setting).by_part.items():
        for job in jobs:
            made = made_from(job.about.get("seed", 0)).model_dump(exclude_unset=True)
            path, others = folder / job.result, job.outputs[1:]  # the encoder and the process, where there are some
            path.parent.mkdir(parents=True, exist_ok=True)
            for other in others:
                (path.parent / other.name).write_bytes(str(other).encode())
            digests = {other.stem: sha256(path.parent / other.name) for other in others}
            record = {"setting": setting.name, **job.about, **BUILDERS[part](setting, **job.about), **digests}
            values = {**record, "made_from": made}
            result = job.kind.model_validate_json(json.dumps(values))
            write_computed(path, result, circumstances(**options))
    return folder


@pytest.fixture(scope="session")
def edited() -> Callable[[Path], Any]:
    """Change a result: `with edited(path) as record: ...`."""
    return edited_result


@pytest.fixture(scope="session")
def theory() -> TheoryStudy:
    """The study with two seeds and lists of this test's own, so that tuning it breaks no test."""
    study = load_theory(Path(__file__).parents[3] / "params" / "theory.yaml")
    own = study.quick.estimators
    gaussian = replace(
        own.gaussian, batch_size=64, information=(2.0, 6.0), steps=100, trace_block=10, evaluation_batches=BATCHES,
        seeds=(0, 1),
    )  # fmt: skip
    sphere = replace(own.sphere, kappa={10: (1.0, 10.0), 128: (50.0,)}, samples=(64, 256, 1024, 4096), repeats=(9,) * 4)
    cases = {name: replace(case, fit_from=256) for name, case in own.rates.cases.items()}
    rates = replace(own.rates, samples=(64, 256, 1024, 4096, 16384), repeats=(400,) * 5, cases=cases)
    recovery = replace(
        study.quick.latent_recovery, dimension=10, training=short(study.quick.latent_recovery.training), seeds=(0, 1),
        rows=recovery_rows(), sweep=Sweep(row="narrow", batch_sizes=(64, 512, 2048), seeds=(0,)),
    )  # fmt: skip
    isolation = replace(
        study.quick.content_isolation, dimension=10, content=5, style=5, seeds=(0, 1), rows=isolation_rows(),
        training=short(study.quick.content_isolation.training),
    )  # fmt: skip
    estimators = replace(own, gaussian=gaussian, sphere=sphere, rates=rates)
    quick = replace(study.quick, estimators=estimators, latent_recovery=recovery, content_isolation=isolation)
    return replace(study, quick=quick)


def recovery_rows() -> dict[str, LatentRecoveryRow]:
    """Return five rows, of which the first two and the last meet the conditions of the theorems."""
    wide, narrow = Density(kind="vmf", width=1.0), Density(kind="vmf", width=10.0)
    normal, laplace = Density(kind="normal", width=0.05), Density(kind="laplace", width=0.05)
    return {
        "wide": LatentRecoveryRow(space="sphere", conditional=wide, output="sphere", model=wide, kernel=1.0),
        "narrow": LatentRecoveryRow(space="sphere", conditional=narrow, output="sphere", model=narrow, kernel=10.0),
        "foreign": LatentRecoveryRow(space="sphere", conditional=laplace, output="sphere", model=narrow, kernel=10.0),
        "open": LatentRecoveryRow(space="box", conditional=normal, output="unbounded", model=normal, kernel=0.25),
        "box": LatentRecoveryRow(space="box", conditional=laplace, output="box", model=laplace, kernel=0.25),
    }


def isolation_rows() -> dict[str, ContentIsolationRow]:
    """Return the first and the last setting of dependence."""
    return {
        "apart": ContentIsolationRow(change=1.0, statistical=False, causal=False),
        "causal": ContentIsolationRow(change=0.75, statistical=True, causal=True),
    }


def short(training: Training) -> Training:
    """Return the training with 100 steps, scored three times."""
    return replace(training, batch_size=512, steps=100, trace_every=40)


@pytest.fixture(scope="session")
def quick(theory: TheoryStudy) -> Setting:
    """The setting `quick` of that study."""
    return theory.setting("quick")


@pytest.fixture(scope="session")
def changed(theory: TheoryStudy) -> Callable[..., Setting]:
    """Return the setting with other estimators, latent recovery or content isolation."""
    return lambda **parts: Setting(replace(theory, quick=replace(theory.quick, **parts)), "quick")


@pytest.fixture
def results(tmp_path: Path) -> Callable[..., Path]:
    """Write results of a setting to a fresh folder: `results(setting)`."""
    return lambda setting, **options: write_theory_results(setting, tmp_path / "results", **options)


@pytest.fixture
def table(tmp_path: Path, results: Callable[..., Path]) -> Callable[..., Table]:
    """Write the table `name` of a folder of results, by default of fresh ones, and return it."""

    def write(setting: Setting, name: str, folder: Path | None = None) -> Table:
        return write_theory_table(setting, name, results=folder or results(setting), output=tmp_path)

    return write


@pytest.fixture
def drawn(tmp_path: Path) -> Callable[..., tuple[str, list[dict[str, str]]]]:
    """Draw the figure `name` of a folder of results, and return the SVG and the rows of its CSV."""

    def write(setting: Setting, name: str, folder: Path) -> tuple[str, list[dict[str, str]]]:
        write_theory_figure(setting, name, results=folder, output=tmp_path)
        rows = csv.DictReader((tmp_path / f"{name}.csv").read_text().splitlines())
        return (tmp_path / f"{name}.svg").read_text(), list(rows)

    return write
