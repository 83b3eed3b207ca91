"""vMF pairs at their true latents."""

import json
import math

import pytest
from tests.theory.conftest import CPU

from entrec.errors import UserError
from entrec.information.sphere import vmf_information
from entrec.theory.estimators.sphere import measure, sphere
from entrec.theory.registry import SPHERE_ESTIMATORS
from entrec.theory.settings.estimators import Sphere


def rows_of(**options):
    settings = Sphere(**({"kappa": {10: (10.0,)}, "neighbours": 3, "neighbours_up_to": 10_000, "seed": 0} | options))
    found = measure(settings, next(iter(settings.kappa)), device=CPU)
    return {(row.kappa, row.samples, row.estimator): row for row in found}


@pytest.mark.parametrize(("d", "kappa", "published"), [(10, 5.0, 0.969), (10, 25.0, 5.600), (128, 50.0, 8.09)])
def test_the_truth_is_the_closed_form(d, kappa, published):
    rows = rows_of(kappa={d: (kappa,)}, samples=(16,), repeats=(2,))
    for row in rows.values():
        assert row.truth == pytest.approx(vmf_information(d, kappa=kappa)) == pytest.approx(published, abs=0.005)


def test_every_estimate_nears_the_truth_where_samples_are_plenty():
    rows = rows_of(kappa={10: (5.0,)}, samples=(4096,), repeats=(3,))
    for row in rows.values():
        assert row.mean == pytest.approx(row.truth, abs=0.1)


def test_few_samples_show_each_estimators_bias():
    """At 5.6 nats from 64 pairs: two capped by log k, one above the truth, and the check that is right."""
    rows = rows_of(kappa={10: (25.0,)}, samples=(64,), repeats=(30,))
    mean = {name: rows[25.0, 64, name].mean for name in SPHERE_ESTIMATORS}
    assert mean["entrec_resubstitution"] < 1
    assert 3 < mean["info_nce"] < math.log(64)
    assert mean["entrec_leave_one_out"] > 5.6 + 1
    assert mean["nearest_neighbours"] == pytest.approx(5.6, abs=0.2)


def test_the_slow_check_stops_where_it_is_told_to():
    rows = rows_of(samples=(16, 64), repeats=(2, 2), neighbours_up_to=16)
    assert (10.0, 16, "nearest_neighbours") in rows
    assert (10.0, 64, "nearest_neighbours") not in rows
    assert (10.0, 64, "entrec_resubstitution") in rows


def test_the_spread_is_that_of_the_draws_and_a_seed_decides_them():
    options = {"samples": (64, 256), "repeats": (40, 40)}
    rows, again, other = rows_of(**options), rows_of(**options), rows_of(**options, seed=1)
    assert rows == again
    assert rows != other
    ratio = rows[10.0, 64, "info_nce"].sd / rows[10.0, 256, "info_nce"].sd
    assert 1.3 < ratio < 3  # about the root of four


def test_the_file_has_a_row_per_kappa_size_and_estimator(small, tmp_path):
    sphere(small.setting("quick"), 3, output=tmp_path / "d3.json")
    found = json.loads((tmp_path / "d3.json").read_text())
    assert (found["dimension"], found["setting"]) == (3, "quick")
    assert len(found["rows"]) == 2 * (2 * 4 + 3)
    assert {row["repeats"] for row in found["rows"] if row["samples"] == 16} == {5}
    assert "quick.estimators.sphere.kappa.3" in found["made_from"]["params"]


def test_a_dimension_that_the_study_has_not_is_refused(small, tmp_path):
    with pytest.raises(UserError, match=r"quick.estimators.sphere.kappa: no dimension 7; allowed: \[3\]"):
        sphere(small.setting("quick"), 7, output=tmp_path / "d7.json")
