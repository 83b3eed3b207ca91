"""Every registered method: its gradients, its EMA copies, its losses against the code of others."""

import copy
import math

import pytest
import torch
from tests.conftest import Noise, build, study_of
from tests.methods.builders import loss_of, unit

from entrec.information.contrastive import info_nce, nt_xent
from entrec.information.entrec import discrete_entropy, discrete_reconstruction
from entrec.information.reconstruction import vmf_reconstruction
from entrec.methods import METHODS
from entrec.methods.byol import regression_losses
from entrec.methods.ema import momentum_at

TRAINED = [name for name in METHODS if name != "untrained"]
ONLINE_PARTS = {
    "byol": ["backbone", "projector"],
    "byol_er": ["backbone", "projector"],
    "dino": ["backbone", "projector", "prototypes"],
    "dino_er": ["backbone", "projector", "prototypes"],
}
SELF_SUPERVISED = [name for name, entry in METHODS.items() if not entry.baseline]


def batch(name, method, k=16):
    """Return the first batch, after the hook of `method`, built as `name`, was called for it."""
    source = Noise(name, k)
    method.before_step(0, source)
    return source.at(0)


@pytest.mark.parametrize("name", TRAINED)
def test_every_trainable_parameter_gets_a_finite_gradient_and_no_other(name):
    method = build(name)
    outcome = method(*batch(name, method))
    loss_of(method, outcome).backward()
    for parameter_name, parameter in method.named_parameters():
        if parameter.requires_grad:
            assert parameter.grad is not None, parameter_name
            assert parameter.grad.isfinite().all(), parameter_name
        else:
            assert parameter.grad is None, parameter_name
    assert all(p.grad.abs().sum() > 0 for p in method.backbone.parameters() if p.ndim > 1)


@pytest.mark.parametrize("name", TRAINED)
def test_every_term_has_a_weight_and_every_weight_a_term(name):
    method = build(name)
    assert set(method(*batch(name, method)).terms) == set(method.weights)


@pytest.mark.filterwarnings("default")  # the compiler's own
@pytest.mark.parametrize("name", TRAINED)
def test_the_compiler_takes_every_method_as_one_graph(name):
    torch.compiler.reset()  # a method's numbers are constants, until another one of its class has others
    method = build(name)
    compiled = torch.compile(copy.deepcopy(method), fullgraph=True, backend="eager")
    expected, got = (loss_of(method, m(*batch(name, m, k=600))) for m in (method, compiled))
    assert got.item() == pytest.approx(expected.item(), rel=1e-5)


@pytest.mark.parametrize("name", SELF_SUPERVISED)
def test_labels_do_not_reach_a_self_supervised_loss(name):
    method = build(name)
    views, labels = batch(name, method)
    first = loss_of(method, copy.deepcopy(method)(views, labels))
    second = loss_of(method, copy.deepcopy(method)(views, labels.flip(0)))
    assert torch.equal(first, second)


@pytest.mark.parametrize("name", SELF_SUPERVISED)
def test_a_loss_does_not_change_when_the_two_views_are_swapped(name):
    method = build(name)
    views, labels = batch(name, method)
    there = loss_of(method, copy.deepcopy(method)(views, labels))
    back = loss_of(method, copy.deepcopy(method)([*views[1::-1], *views[2:]], labels))
    torch.testing.assert_close(there, back, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "average"), [("byol", "target"), ("byol_er", "target"), ("dino", "teacher"), ("dino_er", "teacher")]
)
def test_the_ema_copy_is_the_running_average_of_the_online_network(name, average):
    method = build(name)
    copied, parts = getattr(method, average), ONLINE_PARTS[name]
    before = [p.clone() for p in copied.parameters()]
    buffers = [b.clone() for b in copied.buffers()]
    online = [p for part in parts for p in getattr(method, part).parameters()]
    with torch.no_grad():
        for parameter in online:
            parameter.add_(1.0)
        for part in parts:
            for buffer in getattr(method, part).buffers():
                buffer.add_(1)
    method.after_step(0.25)
    m = 1 - (1 - study_of(name).method(name).momentum) * (math.cos(math.pi * 0.25) + 1) / 2
    for old, new, current in zip(before, copied.parameters(), online, strict=True):
        torch.testing.assert_close(new, m * old + (1 - m) * current)
    for old, new in zip(buffers, copied.buffers(), strict=True):
        assert torch.equal(old, new)  # the EMA copy has batch-norm statistics of its own


def test_momentum_starts_at_its_base_and_ends_at_one():
    assert momentum_at(0.9, 0.0) == pytest.approx(0.9)
    assert momentum_at(0.9, 1.0) == 1.0


def test_dinos_centre_is_the_running_mean_of_the_teachers_logits():
    method = build("dino")
    views, labels = batch("dino", method)
    twin = copy.deepcopy(method)
    with torch.no_grad():
        mean = torch.cat([twin.teacher(view) for view in views[:2]]).mean(dim=0)
    method(views, labels)
    assert method.centre.abs().sum() == 0
    method.after_step(0.1)
    torch.testing.assert_close(method.centre, (1 - study_of("dino").method("dino").centre_momentum) * mean)


@pytest.mark.parametrize("name", ["dino", "dino_er"])
def test_dinos_teacher_temperature_rises_and_stays(name):
    method, settings = build(name), study_of(name).method(name)
    assert method.teacher_temperature.item() == pytest.approx(settings.warmup_teacher_temperature)
    method.after_step(settings.warmup_fraction / 2)
    middle = (settings.warmup_teacher_temperature + settings.teacher_temperature) / 2
    assert method.teacher_temperature.item() == pytest.approx(middle)
    method.after_step(0.99)
    assert method.teacher_temperature.item() == pytest.approx(settings.teacher_temperature)


def test_nt_xent_agrees_with_lightly():
    from lightly.loss import NTXentLoss

    z1, z2 = unit(seed=1), unit(seed=2)
    torch.testing.assert_close(nt_xent(z1, z2, temperature=0.2), NTXentLoss(temperature=0.2)(z1, z2))


def test_byols_loss_is_two_plus_twice_lightlys_negative_cosine():
    from lightly.loss import NegativeCosineSimilarity

    p, t = torch.randn(8, 5), torch.randn(8, 5)
    torch.testing.assert_close(regression_losses(p, t).mean(), 2 + 2 * NegativeCosineSimilarity()(p, t))


def test_info_nce_agrees_with_a_loop_over_the_definition():
    z1, z2 = unit(6, seed=1), unit(6, seed=2)
    total = 0.0
    for a, b in ((z1, z2), (z2, z1)):
        for i in range(6):
            scores = [math.exp(float(a[i] @ b[j]) / 0.3) for j in range(6)]
            total -= math.log(scores[i] / sum(scores)) / 12
    assert info_nce(z1, z2, temperature=0.3).item() == pytest.approx(total)


def test_one_hot_codes_that_agree_reach_the_discrete_bound_of_log_categories():
    logits = 1e3 * torch.eye(8)
    assert discrete_entropy(logits, logits).item() == pytest.approx(math.log(8))
    assert discrete_reconstruction(logits, logits).item() == pytest.approx(0.0, abs=1e-6)


def test_entrec_with_the_self_term_is_info_nce_when_the_views_are_one():
    """Same matrix, same kernel: entropy + reconstruction = log k - InfoNCE."""
    from entrec.information.entropy import kernel_entropy
    from entrec.information.kernels import VMFKernel

    z = unit()
    bound = kernel_entropy(z, kernel=VMFKernel(5.0)) + vmf_reconstruction(z, z, kappa=5.0)
    assert bound.item() == pytest.approx(math.log(32) - info_nce(z, z, temperature=0.2).item())
