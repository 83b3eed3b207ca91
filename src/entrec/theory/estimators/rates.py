"""Rates of convergence of entropy estimates in the number of samples k, against Theorems 2 and 3 of the paper.

Theorem 2 bounds the mean squared error of Joe's estimator by O(k^-1 h^(4-d)) + O(k^-2 h^(-2d)). The two terms are the
cross term and the square of the bias k^-1 h^-d + h^4. The part h^4 is the smoothing, which more samples do not reduce.
Errors are therefore measured about the limit k -> infinity, which has a closed form here.

At fixed h, two exponents of k are tested: that of the squared bias against the second term, k^-2, and that of the
variance, a part of the mean squared error, against the first term, k^-1. At fixed k, the exponent of h in the bias is
tested against h^-d, in the cases with `widths`. The factor h^(4-d) of the first term is not tested: for d < 4 it cannot
be part of a bound of the variance. For many samples and then narrow kernels, k times the variance tends to Var(log p),
which is d/2 for the Gaussian, while h^(4-d) tends to 0.

By Theorem 3 the error of the plug-in estimate falls as k^(-1/2).
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from entrec.errors import UserError, listed, shown
from entrec.progress import progress
from entrec.results import FittedSlope, RateRow, RatesResult, write_computed
from entrec.theory.estimators.known_entropies import KnownEntropy, known_entropy
from entrec.theory.estimators.slopes import Fit, leading_power_law, power_law
from entrec.theory.job import computing
from entrec.theory.settings.estimators import RateCase, Rates
from entrec.theory.study import Setting


def rates(setting: Setting, case: str, *, output: Path) -> None:
    """Measure one case, fit its slopes and write the `RatesResult` to the file `output`.

    Raises `UserError` for a case that the study does not have.
    """
    settings = setting.estimators.rates
    if case not in settings.cases:
        raise UserError(f"{setting}.estimators.rates.cases: no case {shown(case)}; allowed: {listed(settings.cases)}")
    with computing(setting, "rates", setting.rates_keys(case), seed=settings.seed) as (device, recording):
        measured = measure(settings, settings.cases[case], name=case, device=device)
    result = RatesResult(case=case, setting=setting.name, **measured, made_from=recording.made_from)
    write_computed(output, result, recording.circumstances)


def measure(settings: Rates, case: RateCase, *, name: str, device: torch.device) -> dict[str, Any]:
    """Return the fields of a `RatesResult`: errors by sample size, errors by width at the largest size, and slopes."""
    generator = torch.Generator(device).manual_seed(settings.seed)
    truth = known_entropy(case, case.width)
    sizes = list(zip(settings.samples, settings.repeats, strict=True))
    rows = [row(truth, k, repeats, generator) for k, repeats in progress(sizes, name)]
    swept = [
        row(known_entropy(case, width), *sizes[-1], generator).model_copy(update={"width": width})
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
        "rows": tuple(rows),
        "width_rows": tuple(swept),
        "fits": tuple(fits(case, rows, swept)),
    }


def row(truth: KnownEntropy, k: int, repeats: int, generator: torch.Generator) -> RateRow:
    """Return bias with its standard error, variance and mean squared error about the limit, in nats and nats squared.

    The bias is the mean difference to `truth.oracle`, whose mean is the limit and whose fluctuations are, to first
    order, those of the estimate.
    """
    samples = (truth.draw(k, generator) for _ in range(repeats))
    draws = [(truth.estimate(sample).item(), truth.oracle(sample).item()) for sample in samples]
    estimates, oracles = torch.tensor(draws, dtype=torch.float64).unbind(1)
    excess = estimates - oracles
    return RateRow(
        samples=k,
        bias=excess.mean().item(),
        bias_error=(excess.std() / repeats**0.5).item(),
        variance=estimates.var().item(),
        mse=(estimates - truth.limit).square().mean().item(),
        repeats=repeats,
    )


def fits(case: RateCase, rows: Sequence[RateRow], swept: Sequence[RateRow]) -> list[FittedSlope]:
    """Return the slopes that the theorems speak of, fitted to samples of `fit_from` and more."""
    rows = [r for r in rows if r.samples >= case.fit_from]
    k = [r.samples for r in rows]
    if case.data == "dirichlet":
        fit = leading_power_law(k, [r.mse**0.5 for r in rows], [variance_error(r) / 2 for r in rows])
        return [fitted(fit, "root mean square error", -0.5, "Theorem 3: the plug-in's error is O(k^-1/2)")]
    of_bias = leading_power_law(k, [r.bias**2 for r in rows], [2 * bias_error(r) for r in rows])
    of_variance = leading_power_law(k, [r.variance for r in rows], [variance_error(r) for r in rows])
    found = [
        fitted(of_bias, "squared bias", -2, "Theorem 2 at fixed h: k in its second term, O(k^-2 h^-2d)"),
        fitted(of_variance, "variance", -1, "Theorem 2 at fixed h: k in its first term, whose h^(4-d) is not tested"),
    ]
    return [*found, width_fit(case, swept)] if swept else found


def width_fit(case: RateCase, swept: Sequence[RateRow]) -> FittedSlope:
    """Return the slope of the bias against the width h of the kernel.

    A vMF kernel has the width h = kappa^(-1/2), in the d - 1 directions of the sphere.
    """
    sphere = case.data == "sphere"
    widths = [r.width for r in swept if r.width is not None]
    h = [width**-0.5 if sphere else width for width in widths]
    d = case.dimension - 1 if sphere else case.dimension
    fit = power_law(h, [abs(r.bias) for r in swept], [bias_error(r) for r in swept])
    reading = f"Theorem 2 at k = {swept[0].samples}: h in the root of its second term, O(h^-{d}) as h narrows"
    return fitted(fit, "bias against h", -d, reading)


def bias_error(r: RateRow) -> float:
    """Return the standard error of a row's bias, relative to the bias."""
    return r.bias_error / abs(r.bias)


def variance_error(r: RateRow) -> float:
    """Return the standard error of a row's variance, relative to the variance, for estimates that are nearly normal."""
    return (2 / (r.repeats - 1)) ** 0.5


def fitted(fit: Fit, quantity: str, stated: float, reading: str) -> FittedSlope:
    """Return a fit as the result file has it; `reading` says what is compared with the exponent `stated`."""
    return FittedSlope(quantity=quantity, **fit._asdict(), stated=float(stated), reading=reading)
