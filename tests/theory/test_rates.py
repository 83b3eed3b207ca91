"""Convergence of the entropy estimates: known limits, known first-order biases, and the fits."""

import json
import math

import pytest
import torch
from tests.conftest import generator
from tests.theory.conftest import CPU

from entrec.errors import UserError
from entrec.information.entropy import kernel_entropy, leave_one_out_entropy
from entrec.information.sphere import log_area, log_vmf_constant
from entrec.results import RateRow
from entrec.theory.estimators.known_entropies import gaussian, soft_categories, uniform_on_sphere
from entrec.theory.estimators.rates import bias_error, fits, measure, rates, row, variance_error, width_fit
from entrec.theory.settings.estimators import RateCase, Rates


def case(**options):
    usual = {"data": "gaussian", "estimator": "kernel_entropy", "dimension": 2, "width": 1.0}
    return RateCase(**(usual | {"fit_from": 16, "widths": ()} | options))


@pytest.mark.parametrize("h", [0.3, 1.0])
def test_the_limit_of_the_gaussian_case_is_the_cross_entropy_with_the_smoothed_density(h):
    x = torch.linspace(-12, 12, 100_001, dtype=torch.float64)
    normal = torch.distributions.Normal(0.0, 1.0).log_prob(x)
    smoothed = torch.distributions.Normal(0.0, math.sqrt(1 + h**2)).log_prob(x)
    cross = -torch.trapezoid(normal.exp() * smoothed, x).item()
    truth = gaussian(3, h, kernel_entropy)
    assert truth.limit == pytest.approx(3 * cross)
    assert truth.entropy == pytest.approx(3 * -torch.trapezoid(normal.exp() * normal, x).item())


def test_smoothing_adds_a_fourth_power_of_the_bandwidth():
    """The h^4 of Theorem 2's bias: d h^4 / 4 for the Gaussian."""
    for h in (0.05, 0.1):
        truth = gaussian(3, h, kernel_entropy)
        assert truth.limit - truth.entropy == pytest.approx(3 * h**4 / 4, rel=0.02)


@pytest.mark.parametrize("d", [2, 3])
def test_k_times_the_variance_tends_to_that_of_log_p_however_narrow_the_kernel(d):
    """For d < 4 the h^(4-d) of Theorem 2's first term would take it to 0; Var(log p) is d/2 for the Gaussian."""
    for h in (0.1, 0.03):
        truth = gaussian(d, h, leave_one_out_entropy)
        points = torch.stack([truth.oracle(truth.draw(1, generator(i))) for i in range(4000)])
        assert points.var().item() == pytest.approx(d / 2, rel=0.15)


def test_the_estimates_variance_does_not_fall_with_the_width():
    """In the plane h^2 would make it a sixteenth; it grows towards Var(log p) / k."""
    wide, narrow = (row(gaussian(2, h, leave_one_out_entropy), 1024, 150, generator()) for h in (1.0, 0.25))
    assert wide.variance < narrow.variance
    assert narrow.variance * 1024 == pytest.approx(1.0, rel=0.4)


@pytest.mark.parametrize(
    "truth",
    [gaussian(2, 0.5, kernel_entropy), uniform_on_sphere(10, 5.0, kernel_entropy), soft_categories(16)],
    ids=["gaussian", "sphere", "dirichlet"],
)
def test_the_oracle_has_the_limit_as_its_mean(truth):
    values = torch.tensor([truth.oracle(truth.draw(500, generator(i))).item() for i in range(200)])
    assert values.mean().item() == pytest.approx(truth.limit, abs=4 * values.std().item() / 200**0.5 + 1e-6)


def test_soft_assignments_are_distributions_with_the_stated_mean():
    truth = soft_categories(4)
    rows = truth.draw(100_000, generator())
    weights = torch.tensor([1 / 2, 1 / 3, 1 / 4, 1 / 5], dtype=torch.float64)
    assert torch.allclose(rows.sum(dim=1), torch.ones(100_000, dtype=torch.float64))
    assert torch.allclose(rows.mean(dim=0), weights / weights.sum(), atol=0.005)


@pytest.mark.parametrize("estimator", [kernel_entropy, leave_one_out_entropy])
def test_the_bias_on_the_sphere_has_its_closed_first_order(estimator):
    """Self term: -(A C e^kappa - 1) / k; curvature: (A C(kappa)^2 / C(2 kappa) - 1) / 2k, with A the area."""
    d, kappa, k = 3, 5.0, 2048
    area, constant = log_area(d), log_vmf_constant(d, kappa=kappa)
    curvature = math.expm1(area + 2 * constant - log_vmf_constant(d, kappa=2 * kappa)) / 2
    self_term = -math.expm1(area + constant + kappa) if estimator is kernel_entropy else 0.0
    found = row(uniform_on_sphere(d, kappa, estimator), k, 100, generator())
    assert found.bias * k == pytest.approx(self_term + curvature, rel=0.05, abs=4 * found.bias_error * k)


def test_the_bias_is_measured_far_better_than_the_estimate_scatters():
    found = row(gaussian(2, 1.0, kernel_entropy), 1024, 50, generator())
    assert found.bias_error < 0.1 * math.sqrt(found.variance / 50)
    assert found.mse == pytest.approx(found.bias**2 + found.variance, rel=0.2)


def row_with(**errors):
    """Return a row of errors, with some errors of this size."""
    usual = {"samples": 64, "bias": 1.0, "bias_error": 1.0, "variance": 1.0, "mse": 2.0, "repeats": 201}
    return RateRow(**(usual | errors))


def fitted(study_case, **options):
    """The fits of a measured case by quantity."""
    usual = {"samples": (32, 64, 128, 256, 512, 1024), "repeats": (300, 300, 200, 200, 100, 100), "seed": 0}
    own = Rates(**(usual | options), cases={"case": study_case})
    found = measure(own, study_case, name="case", device=CPU)
    return {fit.quantity: fit for fit in found["fits"]}


def test_the_relative_error_of_a_variance_is_that_of_variances_of_normal_draws():
    repeats = 20
    draws = torch.randn(20_000, repeats, dtype=torch.float64, generator=generator())
    scatter = draws.var(dim=1).std().item()  # the true variance is 1
    assert variance_error(row_with(repeats=repeats)) == pytest.approx((2 / (repeats - 1)) ** 0.5)
    assert variance_error(row_with(repeats=repeats)) == pytest.approx(scatter, rel=0.03)


def test_the_squared_bias_has_twice_the_relative_error_of_the_bias():
    draws = 5.0 + 0.1 * torch.randn(100_000, dtype=torch.float64, generator=generator())
    of_square = (draws.square().std() / 25).item()
    assert 2 * bias_error(row_with(bias=-5.0, bias_error=0.1)) == pytest.approx(of_square, rel=0.02)


def synthetic(k, **others):
    """Return a row with bias -3 / k, known to a tenth, and variance 2 / k."""
    return row_with(samples=k, bias=-3 / k, bias_error=0.3 / k, variance=2 / k, mse=2 / k + 9 / k**2, **others)


def half_width(k, error, *, corrected):
    """Of the interval by hand: 1.96 standard errors of the slope of log y on log k, all points with `error`."""
    columns = [[math.log(x) for x in k], [1.0] * len(k)] + ([[min(k) / x for x in k]] if corrected else [])
    slope, *others = torch.tensor(columns, dtype=torch.float64)
    basis = torch.linalg.qr(torch.stack(others, dim=1)).Q
    free = slope - basis @ (basis.T @ slope)  # what the other columns cannot explain
    return 1.959964 * error / free.norm().item()


def test_intervals_are_as_wide_as_the_errors_of_the_points_make_them():
    k = [64, 128, 256, 512, 1024]
    of_bias, of_variance = fits(case(fit_from=64), [synthetic(n) for n in [32, *k]], [])
    for fit, slope, error in ((of_bias, -2, 2 * 0.1), (of_variance, -1, (2 / 200) ** 0.5)):
        expected = half_width(k, error, corrected=True)
        assert fit.slope == pytest.approx(slope)
        assert (fit.slope - fit.low, fit.high - fit.slope) == pytest.approx((expected, expected))


def test_a_root_has_half_the_relative_error_of_its_square():
    k = [64, 128, 256, 512, 1024]
    rows = [synthetic(n).model_copy(update={"mse": 2 / n}) for n in k]
    (fit,) = fits(case(data="dirichlet", estimator="plug_in_entropy", width=None), rows, [])
    assert fit.high - fit.slope == pytest.approx(half_width(k, (2 / 200) ** 0.5 / 2, corrected=True))


def test_the_interval_against_the_width_is_that_of_the_bias_alone():
    swept = [row_with(width=h, bias=h**-2, bias_error=0.05 * h**-2) for h in (0.25, 0.5, 1.0)]
    fit = width_fit(case(dimension=2, widths=(0.25, 0.5, 1.0)), swept)
    assert fit.slope == pytest.approx(-2)
    assert fit.high - fit.slope == pytest.approx(half_width([0.25, 0.5, 1.0], 0.05, corrected=False))


def test_each_reading_says_what_is_compared_and_none_gives_a_verdict():
    of_bias, of_variance = fits(case(), [synthetic(n) for n in (64, 128, 256, 512)], [])
    assert "second term" in of_bias.reading
    assert "first term, whose h^(4-d) is not tested" in of_variance.reading


def test_theorem_2_at_a_fixed_width():
    found = fitted(case(dimension=2, width=1.0, estimator="leave_one_out_entropy"))
    assert list(found) == ["squared bias", "variance"]
    assert found["squared bias"].stated == -2
    assert found["variance"].stated == -1
    for fit in found.values():
        assert fit.low <= fit.stated <= fit.high
    assert abs(found["variance"].slope + 1) < 0.25


def test_a_flat_density_has_a_variance_that_falls_twice_as_fast():
    found = fitted(case(data="sphere", dimension=3, width=5.0))
    assert found["variance"].high < -1.5
    assert found["squared bias"].slope == pytest.approx(-2, abs=0.1)


def test_the_bias_grows_as_the_kernel_narrows():
    swept = case(data="sphere", dimension=3, width=5.0, widths=(5.0, 10.0, 20.0))
    fit = fitted(swept)["bias against h"]
    assert fit.stated == -2
    assert fit.slope == pytest.approx(-2, abs=0.2)
    assert "k = 1024" in fit.reading


def test_theorem_3():
    (fit,) = fitted(case(data="dirichlet", estimator="plug_in_entropy", dimension=16, width=None)).values()
    assert fit.quantity == "root mean square error"
    assert fit.low <= fit.stated == -0.5 <= fit.high
    assert fit.slope == pytest.approx(-0.5, abs=0.1)


@pytest.mark.parametrize("name", ["gaussian_d2_resubstitution", "sphere_d3_resubstitution", "plug_in"])
def test_the_file_holds_rows_and_fits(small, tmp_path, name):
    rates(small.setting("quick"), name, output=tmp_path / "case.json")
    found = json.loads((tmp_path / "case.json").read_text())
    assert (found["case"], found["setting"], found["fit_from"]) == (name, "quick", 16)
    assert [r["samples"] for r in found["rows"]] == [16, 32, 64, 128]
    assert {"bias", "bias_error", "variance", "mse", "repeats"} <= set(found["rows"][0])
    assert len(found["width_rows"]) == (4 if name == "sphere_d3_resubstitution" else 0)
    assert all(fit["low"] <= fit["slope"] <= fit["high"] and fit["reading"] for fit in found["fits"])
    assert found["made_from"]["seed"] == 0


def test_a_case_that_the_study_has_not_is_refused(small, tmp_path):
    with pytest.raises(
        UserError, match=r"quick.estimators.rates.cases: no case 'cubic'; allowed: gaussian_d2_resubstitution"
    ):
        rates(small.setting("quick"), "cubic", output=tmp_path / "x.json")
