"""The theory study made small, and results that nothing computed in the shape that its steps leave."""

import json
import math
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from entrec.report.theory_needs import gaussian_files, rates_files, sphere_files
from entrec.theory.registry import BOUNDS
from entrec.theory.study import TheoryStudy, load_theory

ROOT = Path(__file__).parents[3]
THEORY_FILE = ROOT / "params" / "theory.yaml"
CODE = "0123456789abcdef"
BATCHES = 50
BIAS = {"leave_one_out_entropy": 3.0, "kernel_entropy": -5.0, "plug_in_entropy": -2.0}

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


def gaussian(study: TheoryStudy, setting: str, bound: str, seed: int) -> dict[str, Any]:
    """A bound that climbs to the truth, or to log k where that caps it; fresh batches of sd 0.5."""
    settings = study.setting(setting).estimators.gaussian
    noise = random.Random(f"{bound}{seed}")
    cap = math.log(settings.batch_size) if "log k" in BOUNDS[bound].capped_by else math.inf
    trace, levels = [], []
    for level, truth in enumerate(settings.information):
        for step in range(settings.trace_block, settings.steps + 1, settings.trace_block):
            mean = min(truth, cap) * (1 - math.exp(-6 * step / settings.steps)) + noise.gauss(0, 0.05)
            trace.append({"step": level * settings.steps + step, "truth": truth, "mean": mean, "sd": 0.1 * truth})
        # seeds differ by 1 nat: seed 0 reads half below, seed 1 half above
        levels.append({"truth": truth, "mean": min(truth, cap) + seed - 0.5, "sd": 0.5, "batches": BATCHES})
    return {"bound": bound, "seed": seed, "setting": setting, "trace": trace, "levels": levels}


def sphere(study: TheoryStudy, setting: str, dimension: int) -> dict[str, Any]:
    """Kept estimates and InfoNCE under log k, leave-one-out above the truth, neighbours with a small bias."""
    settings = study.setting(setting).estimators.sphere
    rows = []
    for kappa in settings.kappa[dimension]:
        truth = math.log1p(kappa) * 40 / dimension
        for k, repeats in zip(settings.samples, settings.repeats, strict=True):
            means = {
                "entrec_kept": -math.log(math.exp(-truth) + 1.1 / k),
                "entrec_leave_one_out": truth + 20 / k,
                "info_nce": -math.log(math.exp(-truth) + 1 / k),
                "nearest_neighbours": truth - 4 * k ** (-1 / dimension),
            }
            shared = {"kappa": kappa, "samples": k, "repeats": repeats, "truth": truth, "sd": 1 / math.sqrt(k)}
            if k > settings.neighbours_up_to:
                del means["nearest_neighbours"]
            rows += [{**shared, "estimator": name, "mean": mean} for name, mean in means.items()]
    return {"dimension": dimension, "setting": setting, "rows": rows}


def rates(study: TheoryStudy, setting: str, case: str, slope: float = -1.0) -> dict[str, Any]:
    """Bias c / k and variance 1 / k, and fits that say so; `slope` is that of the variance, or of the plug-in."""
    settings = study.setting(setting).estimators.rates
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
        "setting": setting,
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


def write_theory_results(study: TheoryStudy, setting: str, folder: Path, **options: Any) -> Path:
    """All files of `results/theory/<setting>` under `folder`; `options` go into every provenance."""
    for file in gaussian_files(study, setting):
        bound, _, seed = Path(file).stem.rpartition("-s")
        _write(folder / file, gaussian(study, setting, bound, int(seed)), int(seed), options)
    for file in sphere_files(study, setting):
        _write(folder / file, sphere(study, setting, int(Path(file).stem[1:])), 0, options)
    for file in rates_files(study, setting):
        _write(folder / file, rates(study, setting, Path(file).stem), 0, options)
    return folder


def _write(path: Path, value: dict[str, Any], seed: int, options: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({**value, "provenance": provenance(seed, **options)}))


@pytest.fixture
def theory() -> TheoryStudy:
    """The study with two seeds and lists of this test's own, so that tuning it breaks no test."""
    study = load_theory(THEORY_FILE)
    own = study.quick.estimators
    gaussian = replace(
        own.gaussian, batch_size=64, information=(2.0, 6.0), steps=100, trace_block=10, evaluation_batches=BATCHES,
        seeds=(0, 1),
    )  # fmt: skip
    sphere = replace(own.sphere, kappa={10: (1.0, 10.0), 128: (50.0,)}, samples=(64, 256, 1024, 4096), repeats=(9,) * 4)
    cases = {name: replace(case, fit_from=256) for name, case in own.rates.cases.items()}
    rates = replace(own.rates, samples=(64, 256, 1024, 4096, 16384), repeats=(400,) * 5, cases=cases)
    estimators = replace(own, gaussian=gaussian, sphere=sphere, rates=rates)
    return replace(study, quick=replace(study.quick, estimators=estimators))


@pytest.fixture
def theory_file(theory: TheoryStudy, tmp_path: Path) -> Path:
    """The same study as a file."""
    path = tmp_path / "theory.yaml"
    plain = theory.slice(["title", "description", "quick", "full"])
    path.write_text(yaml.safe_dump(plain, sort_keys=False))
    return path


@pytest.fixture
def results(tmp_path: Path) -> Results:
    """Writes results of the study to a fresh folder: `results(study)`."""

    def write(study: TheoryStudy, setting: str = "quick", **options: Any) -> Path:
        return write_theory_results(study, setting, tmp_path / "results" / "theory" / setting, **options)

    return write
