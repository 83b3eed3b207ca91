"""Convergence of the entropy estimates: known limits, known first-order biases, and the fits."""

import json
import math

import pytest
import torch

from entrec.errors import UserError
from entrec.information.entropy import kernel_entropy, leave_one_out_entropy
from entrec.information.sphere import log_area, log_vmf_constant
from entrec.theory.known_entropies import gaussian, soft_categories, uniform_on_sphere
from entrec.theory.rates import measure, rates, row
from entrec.theory.settings import RateCase, Rates

CPU = torch.device("cpu")


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


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
    assert found["bias"] * k == pytest.approx(self_term + curvature, rel=0.05, abs=4 * found["bias_error"] * k)


def test_the_bias_is_measured_far_better_than_the_estimate_scatters():
    found = row(gaussian(2, 1.0, kernel_entropy), 1024, 50, generator())
    assert found["bias_error"] < 0.1 * math.sqrt(found["variance"] / 50)
    assert found["mse"] == pytest.approx(found["bias"] ** 2 + found["variance"], rel=0.2)


def fitted(study_case, **options):
    usual = {"samples": (32, 64, 128, 256, 512, 1024), "repeats": (300, 300, 200, 200, 100, 100), "seed": 0}
    own = Rates(**(usual | options), cases={"case": study_case})
    found = measure(own, study_case, name="case", device=CPU)
    return {fit["quantity"]: fit for fit in found["fits"]}


def test_theorem_2_at_a_fixed_width():
    fits = fitted(case(dimension=2, width=1.0, estimator="leave_one_out_entropy"))
    assert list(fits) == ["squared bias", "variance"]
    assert fits["squared bias"]["stated"] == -2
    assert fits["variance"]["stated"] == -1
    for fit in fits.values():
        assert fit["low"] <= fit["stated"] <= fit["high"]
    assert abs(fits["variance"]["slope"] + 1) < 0.25


def test_a_flat_density_has_a_variance_that_falls_twice_as_fast():
    fits = fitted(case(data="sphere", dimension=3, width=5.0))
    assert fits["variance"]["high"] < -1.5
    assert fits["squared bias"]["slope"] == pytest.approx(-2, abs=0.1)


def test_the_bias_grows_as_the_kernel_narrows():
    swept = case(data="sphere", dimension=3, width=5.0, widths=(5.0, 10.0, 20.0))
    fit = fitted(swept)["bias against h"]
    assert fit["stated"] == -2
    assert fit["slope"] == pytest.approx(-2, abs=0.2)
    assert "k = 1024" in fit["reading"]


def test_theorem_3():
    (fit,) = fitted(case(data="dirichlet", estimator="plug_in_entropy", dimension=16, width=None)).values()
    assert fit["quantity"] == "root mean square error"
    assert fit["low"] <= fit["stated"] == -0.5 <= fit["high"]
    assert fit["slope"] == pytest.approx(-0.5, abs=0.1)


@pytest.mark.parametrize("name", ["gaussian_d2_kept", "sphere_d3_kept", "plug_in"])
def test_the_file_holds_rows_and_fits(small, tmp_path, name):
    rates(small, "quick", name, output=tmp_path / "case.json")
    found = json.loads((tmp_path / "case.json").read_text())
    assert (found["case"], found["setting"], found["fit_from"]) == (name, "quick", 16)
    assert [r["samples"] for r in found["rows"]] == [16, 32, 64, 128]
    assert {"bias", "bias_error", "variance", "mse", "repeats"} <= set(found["rows"][0])
    assert len(found["width_rows"]) == (4 if name == "sphere_d3_kept" else 0)
    assert all(fit["low"] <= fit["slope"] <= fit["high"] and fit["reading"] for fit in found["fits"])
    assert found["provenance"]["seed"] == 0


def test_a_case_that_the_study_has_not_is_refused(small, tmp_path):
    with pytest.raises(UserError, match=r"quick.estimators.rates.cases: no case 'cubic'; allowed: gaussian_d2_kept"):
        rates(small, "quick", "cubic", output=tmp_path / "x.json")
