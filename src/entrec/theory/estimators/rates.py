"""Convergence of entropy estimates in the number of samples k, against Theorems 2 and 3 of the paper.

Theorem 2 bounds the mean squared error of Joe's estimator by O(k^-1 h^(4-d)) + O(k^-2 h^(-2d)): cross term and
square of the bias (k^-1 h^-d + h^4). The part h^4 is the smoothing, which more samples do not cure; the rest is
measured about the limit k -> infinity, which has a closed form here. Tested at fixed h are the exponents of k: the
squared bias is compared with the second term, k^-2, and the variance, a part of the mean squared error, with the
first, k^-1. Tested at fixed k is h^-d, for the bias, in the cases with `widths`. Not tested is the factor h^(4-d) of
the first term. For d < 4 it cannot be part of a bound of the variance: k times the variance tends, for many samples
and then narrow kernels, to Var(log p), d/2 for the Gaussian, while h^(4-d) tends to 0. Theorem 3: the error of the
plug-in falls as k^(-1/2).
"""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from entrec import provenance
from entrec.artefacts import write_json
from entrec.errors import UserError
from entrec.progress import progress
from entrec.theory.estimators.known_entropies import Known, known
from entrec.theory.estimators.slopes import Fit, leading_power_law, power_law
from entrec.theory.settings.estimators import RateCase, Rates
from entrec.theory.study import Setting
from entrec.training.device import device_for, make_deterministic

Row = dict[str, Any]


def rates(setting: Setting, case: str, *, output: Path) -> None:
    """Measure one case and fit its slopes; raises `UserError` for a case that the study has not."""
    settings = setting.estimators.rates
    if case not in settings.cases:
        raise UserError(f"{setting}.estimators.rates.cases: no case {case!r}; allowed: {', '.join(settings.cases)}")
    device = device_for(setting.resources["rates"])
    make_deterministic(device, threads=setting.resources["rates"].threads)
    params = setting.slice(setting.rates_keys(case))
    with provenance.record(params, seed=settings.seed, device=device, study="theory") as record:
        result = measure(settings, settings.cases[case], name=case, device=device)
    origin = record.provenance.model_dump(exclude_unset=True)
    write_json(output, {"case": case, "setting": setting.name, **result, "provenance": origin})


def measure(settings: Rates, case: RateCase, *, name: str, device: torch.device) -> dict[str, Any]:
    """Rows over sample sizes, rows over widths at the largest size, and the slopes fitted from `fit_from` on."""
    generator = torch.Generator(device).manual_seed(settings.seed)
    truth = known(case, case.width)
    sizes = list(zip(settings.samples, settings.repeats, strict=True))
    rows = [row(truth, k, repeats, generator) for k, repeats in progress(sizes, name)]
    swept = [
        {"width": width} | row(known(case, width), *sizes[-1], generator)
        for width in progress(case.widths, f"{name}, widths")
    ]
    return {
        "estimator": case.estimator,
        "data": case.data,
        "dimension": case.dimension,
        "width": case.width,
        "truth": truth.entropy,
        "limit": truth.limit,
        "fit_from": case.fit_from,
        "rows": rows,
        "width_rows": swept,
        "fits": fits(case, rows, swept),
    }


def row(truth: Known, k: int, repeats: int, generator: torch.Generator) -> Row:
    """Bias about the limit with its standard error, variance and mean squared error about the limit, nats.

    The bias is that of the difference to `truth.oracle`, whose mean is the limit and whose fluctuations are the
    estimate's to first order.
    """
    draws = [_estimate_and_oracle(truth, k, generator) for _ in range(repeats)]
    estimates, oracles = torch.tensor(draws, dtype=torch.float64).unbind(1)
    excess = estimates - oracles
    return {
        "samples": k,
        "bias": excess.mean().item(),
        "bias_error": (excess.std() / repeats**0.5).item(),
        "variance": estimates.var().item(),
        "mse": (estimates - truth.limit).square().mean().item(),
        "repeats": repeats,
    }


def _estimate_and_oracle(truth: Known, k: int, generator: torch.Generator) -> tuple[float, float]:
    sample: Tensor = truth.draw(k, generator)
    return truth.estimate(sample).item(), truth.oracle(sample).item()


def fits(case: RateCase, rows: list[Row], swept: list[Row]) -> list[dict[str, Any]]:
    """The slopes that a theorem speaks of, each beside the exponent that it states."""
    rows = [r for r in rows if r["samples"] >= case.fit_from]
    k = [r["samples"] for r in rows]
    if case.data == "dirichlet":
        fit = leading_power_law(k, [r["mse"] ** 0.5 for r in rows], [spread_error(r) / 2 for r in rows])
        return [described(fit, "root mean square error", -0.5, "Theorem 3: the plug-in's error is O(k^-1/2)")]
    of_bias = leading_power_law(k, [r["bias"] ** 2 for r in rows], [2 * bias_error(r) for r in rows])
    of_variance = leading_power_law(k, [r["variance"] for r in rows], [spread_error(r) for r in rows])
    found = [
        described(of_bias, "squared bias", -2, "Theorem 2 at fixed h: k in its second term, O(k^-2 h^-2d)"),
        described(
            of_variance, "variance", -1, "Theorem 2 at fixed h: k in its first term, whose h^(4-d) is not tested"
        ),
    ]
    return [*found, width_fit(case, swept)] if swept else found


def width_fit(case: RateCase, swept: list[Row]) -> dict[str, Any]:
    """Bias against the width h; a vMF kernel is as wide as kappa^(-1/2), in the d - 1 directions of the sphere."""
    sphere = case.data == "sphere"
    h = [r["width"] ** -0.5 if sphere else r["width"] for r in swept]
    d = case.dimension - 1 if sphere else case.dimension
    fit = power_law(h, [abs(r["bias"]) for r in swept], [bias_error(r) for r in swept])
    meaning = f"Theorem 2 at k = {swept[0]['samples']}: h in the root of its second term, O(h^-{d}) as h narrows"
    return described(fit, "bias against h", -d, meaning)


def bias_error(r: Row) -> float:
    """Standard error of a row's bias relative to the bias."""
    return r["bias_error"] / abs(r["bias"])


def spread_error(r: Row) -> float:
    """Standard error of a row's variance relative to the variance, for estimates that are nearly normal."""
    return (2 / (r["repeats"] - 1)) ** 0.5


def described(fit: Fit, quantity: str, stated: float, reading: str) -> dict[str, Any]:
    """A slope with its 95 % interval and the exponent `stated` by a theorem; `reading` says what the two are of."""
    return {"quantity": quantity, **fit._asdict(), "stated": float(stated), "reading": reading}
