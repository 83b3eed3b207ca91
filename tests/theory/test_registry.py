"""The registry of the theory studies says what other modules need to know of each entry."""

from dataclasses import fields

import pytest

from entrec.theory.registry import (
    BOUNDS,
    CONTENT_ISOLATION,
    ENTROPY_ESTIMATORS,
    ISOLATION_REPRESENTATIONS,
    LATENT_RECOVERY,
    RECOVERY_REPRESENTATIONS,
    REFERENCE,
    SPHERE_ESTIMATORS,
    Title,
)
from entrec.theory.settings.estimators import Gaussian

KINDS = {
    "bounds": BOUNDS,
    "sphere estimators": SPHERE_ESTIMATORS,
    "entropy estimators": ENTROPY_ESTIMATORS,
    "latent recovery": LATENT_RECOVERY,
    "content isolation": CONTENT_ISOLATION,
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_entry_has_a_function_and_a_title_of_its_own(kind):
    entries = KINDS[kind].values()
    assert all(callable(entry.load()) for entry in entries)
    assert len({entry.load() for entry in entries}) == len({str(entry.title) for entry in entries}) == len(entries)


def test_settings_that_belong_to_one_bound_have_its_name():
    of_one = [field.name for field in fields(Gaussian) if hasattr(field.type, "__pydantic_fields__")]
    assert of_one == ["smile", "entrec_resubstitution", "entrec_leave_one_out", "entrec_discrete"]
    assert set(of_one) <= set(BOUNDS)


def test_a_title_in_one_line_joins_its_two():
    assert str(Title("EntRec", "leave-one-out")) == "EntRec, leave-one-out"
    assert str(Title("content", "itself", " ")) == "content itself"
    assert str(Title("InfoNCE")) == "InfoNCE"


def test_references_that_no_objective_trained_come_first_in_the_tables():
    assert list(RECOVERY_REPRESENTATIONS)[:2] == ["observations", "untrained"]
    assert list(ISOLATION_REPRESENTATIONS)[:3] == ["observations", "untrained", "oracle"]
    assert LATENT_RECOVERY[REFERENCE].role == CONTENT_ISOLATION[REFERENCE].role == "reference"
