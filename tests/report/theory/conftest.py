"""The theory studies made small, and results that nothing computed in the shape that their steps leave."""

import json
import math
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from entrec.pipeline.theory_jobs import TheoryJobs
from entrec.theory.registry import BOUNDS
from entrec.theory.runs import (
    ContentIsolationRun,
    LatentRecoveryRun,
)
from entrec.theory.settings.identifiability import (
    ContentIsolation,
    ContentIsolationRow,
    Density,
    LatentRecovery,
    LatentRecoveryRow,
    Sweep,
)
from entrec.theory.study import Setting, TheoryStudy, load_theory

ROOT = Path(__file__).parents[3]
THEORY_FILE = ROOT / "params" / "theory.yaml"
CODE = "0123456789abcdef"
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
# kernel ridge of content and of style, seed 0; seed 1 has 0.02 more, a line 0.1 less
EXPLAINED = {
    "observations": (0.7, 0.6),
    "untrained": (0.75, 0.65),
    "oracle": (0.97, 0.3),
    "info_nce": (0.96, 0.31),
    "align_entropy": (0.94, 0.32),
    "entrec_cont": (0.95, 0.29),
    "entrec_disc": (0.5, 0.2),
}

Results = Callable[..., Path]


def provenance(seed: int, **options: Any) -> dict[str, Any]:
    """As `entrec.provenance.record` leaves it for synthetic data."""
    return {
        "params": {},
        "seed": seed,
        "commit": "89abcdef" * 5,
        "dirty": False,
        "code": CODE,
        "versions": {"python": "3.11.2", "torch": "2.11.0", "numpy": "2.4.6"},
        "hardware": {"cpu": "A processor", "gpu": None, "device": "cpu", "threads": 1, "machine": "x86_64"},
        "started": "2024-05-01T10:00:00+00:00",
        "seconds": 12.5,
        "peak_memory_mb": 412.5,
        **options,
    }


def gaussian(setting: Setting, bound: str, seed: int) -> dict[str, Any]:
    """A bound that climbs to the truth, or to log k where that caps it; fresh batches of sd 0.5."""
    settings = setting.estimators.gaussian
    noise = random.Random(f"{bound}{seed}")
    cap = math.log(settings.batch_size) if "log k" in BOUNDS[bound].capped_by else math.inf
    trace, levels = [], []
    for level, truth in enumerate(settings.information):
        for step in range(settings.trace_block, settings.steps + 1, settings.trace_block):
            mean = min(truth, cap) * (1 - math.exp(-6 * step / settings.steps)) + noise.gauss(0, 0.05)
            trace.append({"step": level * settings.steps + step, "truth": truth, "mean": mean, "sd": 0.1 * truth})
        # seeds differ by 1 nat: seed 0 reads half below, seed 1 half above
        levels.append({"truth": truth, "mean": min(truth, cap) + seed - 0.5, "sd": 0.5, "batches": BATCHES})
    return {"bound": bound, "seed": seed, "setting": setting.name, "trace": trace, "levels": levels}


def sphere(setting: Setting, dimension: int) -> dict[str, Any]:
    """Kept estimates and InfoNCE under log k, leave-one-out above the truth, neighbours with a small bias."""
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
    return {"dimension": dimension, "setting": setting.name, "rows": rows}


def rates(setting: Setting, case: str, slope: float = -1.0) -> dict[str, Any]:
    """Bias c / k and variance 1 / k, and fits that say so; `slope` is that of the variance, or of the plug-in."""
    settings = setting.estimators.rates
    own = settings.cases[case]
    rows = []
    for k, repeats in zip(settings.samples, settings.repeats, strict=True):
        bias, variance = BIAS[own.estimator] / k, 1 / k
        error = math.sqrt(variance / repeats)
        shared = {"samples": k, "bias": bias, "bias_error": error, "variance": variance, "repeats": repeats}
        rows.append({**shared, "mse": bias**2 + variance})
    fits = [fit("squared bias", -1.99, -2.0), fit("variance", slope, -1.0)]
    if own.data == "dirichlet":
        fits = [fit("root mean square error", slope / 2, -0.5)]
    if own.widths:
        fits.append(fit("bias against h", -1.5, -2.0))
    return {
        "case": case,
        "setting": setting.name,
        "estimator": own.estimator,
        "data": own.data,
        "dimension": own.dimension,
        "width": own.width,
        "fit_from": own.fit_from,
        "truth": 2.5,
        "limit": 2.75,
        "rows": rows,
        "fits": fits,
    }


def fit(quantity: str, slope: float, stated: float) -> dict[str, Any]:
    """A fitted exponent with an interval of 0.05 to either side."""
    interval = {"low": slope - 0.05, "high": slope + 0.05}
    return {"quantity": quantity, "slope": slope, **interval, "stated": stated, "reading": f"the {quantity}"}


def latent_recovery(setting: Setting, run: LatentRecoveryRun) -> dict[str, Any]:
    """A run that ends where `R2` says, with correlations half as far from 1, and a bound under log k."""
    own = setting.latent_recovery
    noise = random.Random(str(run))
    row = own.rows[run.row]

    def scores(name: str) -> dict[str, float]:
        r2 = R2[name] + 0.004 * run.seed
        return {"r2": r2, "correlation": (1 + r2) / 2, "rank_correlation": (1 + r2) / 2 - 0.01}

    low, high = (0, 1) if row.space == "box" else (-1, 1)
    true = [[noise.uniform(low, high) for _ in range(own.dimension)] for _ in range(8)]
    bound = min(2.4, math.log(run.batch_size) - 2)
    return {
        "setting": setting.name,
        **vars(run),
        "information": 2.484 if row.conditional.kind == "vmf" else None,
        "trace": [
            {
                "step": step,
                "objective": bound * step / own.training.steps,
                "entropy": 3.0,
                "r2": (step / 100) ** 0.1 - 0.02,
            }
            for step in looks(own.training.steps, own.training.trace_every)
        ],
        "scores": {
            "trained": scores(run.method),
            "untrained": scores("untrained"),
            "observations": scores("observations"),
        },
        "scatter": {"true": true, "recovered": [[0.95 * z + noise.gauss(0, 0.05) for z in point] for point in true]},
    }


def content_isolation(setting: Setting, run: ContentIsolationRun) -> dict[str, Any]:
    """A run that ends where `EXPLAINED` says."""
    own = setting.content_isolation

    def scores(name: str) -> dict[str, dict[str, float]]:
        ridges = dict(zip(("content", "style"), EXPLAINED[name], strict=True))
        return {
            latents: {"kernel_ridge": r2 + 0.02 * run.seed, "linear": r2 - 0.1, "gamma": 0.22, "alpha": 0.1}
            for latents, r2 in ridges.items()
        }

    own_untrained = scores("untrained")
    if run.method != "info_nce":  # each method's outputs are of its own kind
        own_untrained["content"]["kernel_ridge"] = 0.1
    return {
        "setting": setting.name,
        **vars(run),
        "trace": [
            {"step": step, "objective": 1.0, "r2": 0.9} for step in looks(own.training.steps, own.training.trace_every)
        ],
        "scores": {
            "trained": scores(run.method),
            "untrained": own_untrained,
            "observations": scores("observations"),
            "oracle": scores("oracle"),
        },
    }


def looks(steps: int, every: int) -> list[int]:
    """The steps after which a run is looked at."""
    return sorted({*range(every, steps + 1, every), steps})


def write_theory_results(setting: Setting, folder: Path, **options: Any) -> Path:
    """All files of `results/theory/<setting>` under `folder`; `options` go into every provenance."""
    contents: dict[str, Callable[..., dict[str, Any]]] = {
        "theory_gaussian": gaussian,
        "theory_sphere": sphere,
        "theory_rates": rates,
        "theory_latent_recovery": lambda setting, **run: latent_recovery(setting, LatentRecoveryRun(**run)),
        "theory_content_isolation": lambda setting, **run: content_isolation(setting, ContentIsolationRun(**run)),
    }
    for job in TheoryJobs(setting).results:
        seed = job.about.get("seed", 0)
        _write(folder / job.result, contents[job.rule](setting, **job.about), seed, options)
    return folder


def _write(path: Path, value: dict[str, Any], seed: int, options: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({**value, "provenance": provenance(seed, **options)}))


@pytest.fixture(scope="session")
def theory() -> TheoryStudy:
    """The study with two seeds and lists of this test's own, so that tuning it breaks no test."""
    study = load_theory(THEORY_FILE)
    quick = replace(
        study.quick,
        latent_recovery=latent_recovery_settings(study),
        content_isolation=content_isolation_settings(study),
    )
    own = study.quick.estimators
    gaussian = replace(
        own.gaussian, batch_size=64, information=(2.0, 6.0), steps=100, trace_block=10, evaluation_batches=BATCHES,
        seeds=(0, 1),
    )  # fmt: skip
    sphere = replace(own.sphere, kappa={10: (1.0, 10.0), 128: (50.0,)}, samples=(64, 256, 1024, 4096), repeats=(9,) * 4)
    cases = {name: replace(case, fit_from=256) for name, case in own.rates.cases.items()}
    rates = replace(own.rates, samples=(64, 256, 1024, 4096, 16384), repeats=(400,) * 5, cases=cases)
    estimators = replace(own, gaussian=gaussian, sphere=sphere, rates=rates)
    return replace(study, quick=replace(quick, estimators=estimators))


def latent_recovery_settings(study: TheoryStudy) -> LatentRecovery:
    """Five rows, of which the first two and the last meet the conditions of the theorems."""
    own = study.quick.latent_recovery
    wide, narrow = Density(kind="vmf", width=1.0), Density(kind="vmf", width=10.0)
    normal, laplace = Density(kind="normal", width=0.05), Density(kind="laplace", width=0.05)
    rows = {
        "wide": LatentRecoveryRow(space="sphere", conditional=wide, output="sphere", model=wide, kernel=1.0),
        "narrow": LatentRecoveryRow(space="sphere", conditional=narrow, output="sphere", model=narrow, kernel=10.0),
        "foreign": LatentRecoveryRow(space="sphere", conditional=laplace, output="sphere", model=narrow, kernel=10.0),
        "open": LatentRecoveryRow(space="box", conditional=normal, output="unbounded", model=normal, kernel=0.25),
        "box": LatentRecoveryRow(space="box", conditional=laplace, output="box", model=laplace, kernel=0.25),
    }
    training = replace(own.training, batch_size=512, steps=100, trace_every=40)
    sweep = Sweep(row="narrow", batch_sizes=(64, 512, 2048), seeds=(0,))
    return replace(own, dimension=10, training=training, seeds=(0, 1), rows=rows, sweep=sweep)


def content_isolation_settings(study: TheoryStudy) -> ContentIsolation:
    """The first and the last setting of dependence."""
    own = study.quick.content_isolation
    rows = {
        "apart": ContentIsolationRow(change=1.0, statistical=False, causal=False),
        "causal": ContentIsolationRow(change=0.75, statistical=True, causal=True),
    }
    training = replace(own.training, batch_size=512, steps=100, trace_every=40)
    return replace(own, dimension=10, content=5, style=5, training=training, seeds=(0, 1), rows=rows)


@pytest.fixture
def theory_file(theory: TheoryStudy, tmp_path: Path) -> Path:
    """The same study as a file."""
    path = tmp_path / "theory.yaml"
    plain = theory.setting("quick").slice(["title", "description", "quick", "full"])
    path.write_text(yaml.safe_dump(plain, sort_keys=False))
    return path


@pytest.fixture
def results(tmp_path: Path) -> Results:
    """Writes results of the study to a fresh folder: `results(study)`."""

    def write(study: TheoryStudy, name: str = "quick", **options: Any) -> Path:
        return write_theory_results(study.setting(name), tmp_path / "results" / "theory" / name, **options)

    return write
