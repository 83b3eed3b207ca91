"""EntRec's objective in other settings: R^d with Gaussians, BYOL's networks, DINO's networks."""

import copy
import math

import pytest
import torch
from tests.methods.builders import ZOO, assert_targets_get_no_gradient, build, labels, views

from entrec.information.sphere import log_vmf_constant
from entrec.methods.byol import regression_losses


def terms(method):
    return method(views(), labels()).terms


def test_the_gaussian_objective_is_that_of_torchs_densities():
    method = build("entrec_gaussian")
    outcome = method(views(), None)
    z1, z2 = (z.detach().double() for z in outcome.embeddings)
    settings = method.settings

    def log_density(x, mean, scale):
        return torch.distributions.Normal(mean, scale).log_prob(x).sum(dim=-1)

    entropies = [
        -(torch.logsumexp(log_density(z[:, None], z[None], settings.bandwidth), dim=1) - math.log(16)).mean()
        for z in (z1, z2)
    ]
    expected = {
        "entropy_term": sum(entropies) / 2,
        "reconstruction_term": log_density(z2, z1, settings.sigma).mean(),
    }
    for name, value in expected.items():
        assert outcome.terms[name].item() == pytest.approx(value.item(), rel=1e-5)


def test_with_one_width_the_gaussian_bound_keeps_below_log_k_for_identical_views():
    """Each point's own kernel is its reconstruction: the rest of the kernel sum is what is missing from log k."""
    method = build("entrec_gaussian")
    assert method.settings.bandwidth == method.settings.sigma
    view = views()[0]
    outcome = method([view, view], None)
    assert 0 < sum(outcome.terms.values()).item() < math.log(16)


def test_byols_reconstruction_is_its_own_loss_up_to_scale_and_constant():
    """2 - 2 cos = 2 - 2 (log q - log C) / kappa, averaged over both ways as BYOL adds them."""
    method = build("byol_er")
    twin = copy.deepcopy(method)
    pair = views()
    z = [twin.projector(twin.backbone(view)) for view in pair]
    t = [twin.target(view) for view in pair]
    byol = (regression_losses(twin.predictor(z[0]), t[1]) + regression_losses(twin.predictor(z[1]), t[0])).mean()
    kappa, d = method.settings.kappa, method.settings.projector[-1]
    cosine = (terms(method)["reconstruction_term"].item() - log_vmf_constant(d, kappa=kappa)) / kappa
    assert 4 - 4 * cosine == pytest.approx(byol.item(), rel=1e-5)


def test_with_a_predictor_that_ignores_its_input_byols_reconstruction_moves_no_encoder():
    assert_targets_get_no_gradient(build("byol_er"), "reconstruction_term")


def test_byols_entropy_reaches_projector_and_backbone_but_not_the_predictor():
    method = build("byol_er")
    terms(method)["entropy_term"].backward()
    assert all(p.grad.abs().sum() > 0 for p in method.projector.parameters() if p.ndim > 1)
    assert all(p.grad is None for p in [*method.predictor.parameters(), *method.target.parameters()])


def test_dinos_terms_are_entropy_of_the_mean_and_cross_entropy_by_hand():
    method = build("dino_er")
    twin, pair, settings = copy.deepcopy(method), views(), method.settings
    s1, s2 = (twin.prototypes(twin.projector(twin.backbone(v))) / settings.student_temperature for v in pair)
    t1, t2 = ((twin.teacher(v) / twin.teacher_temperature).softmax(dim=1) for v in pair)
    means = [s.softmax(dim=1).mean(dim=0) for s in (s1, s2)]
    got = terms(method)
    entropy = -sum((p * p.log()).sum() for p in means) / 2
    torch.testing.assert_close(got["entropy_term"], entropy)
    reconstruction = ((t2 * s1.log_softmax(dim=1)).sum(dim=1) + (t1 * s2.log_softmax(dim=1)).sum(dim=1)).mean() / 2
    torch.testing.assert_close(got["reconstruction_term"], reconstruction)


def test_dinos_bound_cannot_exceed_log_prototypes_nor_the_entropy():
    got = terms(build("dino_er"))
    assert got["reconstruction_term"].item() <= 0
    assert got["entropy_term"].item() <= math.log(ZOO.method("dino_er").prototypes)


def test_dinos_entropy_is_of_the_global_views_alone():
    method = build("dino_er")
    twin = copy.deepcopy(method)
    local = [view[:, :, :6, :6] for view in views()]
    with_local = method([*views(), *local], torch.zeros(16)).terms
    without = terms(twin)
    assert torch.equal(with_local["entropy_term"], without["entropy_term"])
    assert with_local["reconstruction_term"] != without["reconstruction_term"]


def test_no_gradient_reaches_dinos_teacher():
    method = build("dino_er")
    sum(terms(method).values()).backward()
    assert all(p.grad is None for p in method.teacher.parameters())
    assert all(p.grad.abs().sum() > 0 for p in method.prototypes.parameters())
