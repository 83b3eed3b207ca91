"""The diagnostics of every method during training."""

import math
from dataclasses import replace

import pytest
import torch
from tests.conftest import study_of
from torch.nn import functional as F

from entrec.errors import UserError
from entrec.information.checks import InvalidEmbeddings
from entrec.information.sphere import log_area, sample_uniform, sample_vmf, vmf_information
from entrec.methods import METHODS
from entrec.methods.method import StepOutput
from entrec.results import MEASURED
from entrec.runs import Run
from entrec.training.diagnostics import measure
from entrec.training.pretrain import build_batches, build_state, pretrain

CPU = torch.device("cpu")
SELF_SUPERVISED = [name for name, entry in METHODS.items() if not entry.baseline]


def vmf_pairs(k, d=10, kappa=10.0):
    generator = torch.Generator().manual_seed(0)
    z1 = sample_uniform(k, d, generator=generator)
    return StepOutput({}, (z1, sample_vmf(z1, kappa=kappa, generator=generator)))


@pytest.mark.parametrize("method", SELF_SUPERVISED)
def test_every_method_is_measured_and_only_the_discrete_ones_discretely(method, data_of):
    study, data, run = study_of(method), data_of(method), Run(method, 64, 1, 0)
    batches, built = build_batches(study, run, data, device=CPU), build_state(study, run, data, device=CPU).learner
    built.before_step(0, batches)
    measured = measure(built(*batches.at(0)), study.diagnostics)
    assert tuple(measured) == MEASURED[: len(measured)]  # the columns that the report reads
    assert measured["bound"] == pytest.approx(measured["entropy"] + measured["reconstruction"], abs=1e-4)
    assert measured["bound"] <= math.log(study.diagnostics.samples) + 1e-4
    assert 0 <= measured["alignment"] <= 4
    assert -8 <= measured["uniformity"] <= 0
    assert ("discrete_entropy" in measured) == (method in ("dino", "dino_er", "entrec_disc", "swav", "deepcluster"))
    assert measured.get("discrete_reconstruction", 0) <= 0 <= measured.get("discrete_entropy", 0)


def test_pairs_of_known_information_measure_as_much(demo):
    settings = replace(demo.diagnostics, samples=4096, kappa=10.0)
    truth = vmf_information(10, kappa=10.0)
    resubstitution = measure(vmf_pairs(4096), replace(settings, estimator="resubstitution"))
    leave_one_out = measure(vmf_pairs(4096), replace(settings, estimator="leave_one_out"))
    assert resubstitution["bound"] < truth + 0.02
    assert resubstitution["bound"] == pytest.approx(truth, abs=0.1)
    assert leave_one_out["bound"] == pytest.approx(truth, abs=0.1)
    assert leave_one_out["entropy"] == pytest.approx(log_area(10), abs=0.1)


def test_the_number_of_pairs_is_the_studys_whatever_the_batch(demo):
    outcome = vmf_pairs(256)
    first = StepOutput({}, tuple(z[: demo.diagnostics.samples] for z in outcome.embeddings))
    assert measure(outcome, demo.diagnostics) == measure(first, demo.diagnostics)


def test_the_length_of_an_embedding_does_not_matter(demo):
    outcome = vmf_pairs(64)
    longer = StepOutput({}, tuple(3 * z for z in outcome.embeddings))
    assert measure(longer, demo.diagnostics) == pytest.approx(measure(outcome, demo.diagnostics), abs=1e-4)


def test_one_view_has_nothing_to_measure(demo):
    assert measure(StepOutput({"loss": torch.zeros(())}, None), demo.diagnostics) == {}


def test_collapse_shows_in_every_quantity(demo):
    z = F.normalize(torch.ones(64, 8), dim=1)
    collapsed = measure(StepOutput({}, (z, z)), demo.diagnostics)
    assert collapsed["bound"] == pytest.approx(0, abs=1e-4)
    assert collapsed["effective_rank"] == 0
    assert collapsed["uniformity"] == pytest.approx(0, abs=1e-4)


def test_embeddings_that_are_not_finite_are_refused(demo):
    z1, z2 = vmf_pairs(64).embeddings
    with pytest.raises(InvalidEmbeddings, match=r"nan in shape \(64, 10\)"):
        measure(StepOutput({}, (z1, z2 * math.nan)), demo.diagnostics)


@pytest.mark.parametrize("method", ["simclr", "byol", "entrec_cont"])
def test_a_method_that_diverges_ends_in_one_line_that_names_the_step(method, demo, digits_folder, tmp_path):
    wild = {**demo.methods[method], "optimiser": {**demo.methods[method]["optimiser"], "lr": 1e9}}
    study = replace(demo, methods={**demo.methods, method: wild})
    with pytest.raises(UserError, match=r"^(by )?step \d+: .*(nan|inf).*lower the learning rate") as caught:
        pretrain(study, Run(method, 256, 2, 0), data=digits_folder, folder=tmp_path)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "history.csv").exists()
