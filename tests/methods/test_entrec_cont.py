"""EntRecCont with a trained concentration: its gradient, what it does not change, two processes against one."""

import copy
import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from entrec.methods import entrec_cont
from entrec.methods.entrec_cont import EntRecCont
from entrec.networks import build_backbone
from entrec.study import load_study

ZOO = load_study(Path("params/zoo.yaml"))
FIXED = ZOO.method("entrec_cont")
LEARNT = replace(FIXED, learn_kappa=True)


def build(settings, seed=0):
    torch.manual_seed(seed)
    return EntRecCont(build_backbone(ZOO.network, channels=1), settings).double()


def views(k=24):
    generator = torch.Generator().manual_seed(1)
    return [torch.rand(k, 1, 8, 8, generator=generator, dtype=torch.float64) for _ in range(2)]


def loss(method, pair):
    return sum(method.weights[name] * term for name, term in method(pair, None).terms.items())


def test_by_default_there_is_nothing_to_learn_and_the_state_is_as_before():
    method = build(FIXED)
    assert method.concentrations() == (FIXED.kappa, FIXED.kernel_kappa)
    assert not any("kappa" in name for name in method.state_dict())


def test_a_learnt_concentration_starts_at_the_setting_with_the_same_loss_and_gradients():
    fixed, learnt = build(FIXED), build(LEARNT)
    assert learnt.log_kappa.item() == pytest.approx(math.log(LEARNT.kappa))
    for method in (fixed, learnt):
        method.total = loss(method, views())
        method.total.backward()
    torch.testing.assert_close(learnt.total, fixed.total, rtol=1e-6, atol=1e-9)
    gradients = {name: parameter.grad for name, parameter in learnt.named_parameters()}
    for name, parameter in fixed.named_parameters():
        torch.testing.assert_close(gradients[name], parameter.grad, rtol=1e-5, atol=1e-9)
    assert gradients["log_kappa"] != 0


@pytest.mark.parametrize("leave_one_out", [False, True])
def test_the_gradient_in_log_kappa_is_that_of_scaling_both_concentrations(leave_one_out):
    settings = replace(LEARNT, leave_one_out=leave_one_out)
    method = build(settings)
    loss(method, views()).backward()
    step = 1e-5
    scaled = [
        loss(
            build(
                replace(
                    settings,
                    learn_kappa=False,
                    kappa=settings.kappa * math.exp(h),
                    kernel_kappa=settings.kernel_kappa * math.exp(h),
                )
            ),
            views(),
        ).item()
        for h in (-step, step)
    ]
    assert method.log_kappa.grad.item() == pytest.approx((scaled[1] - scaled[0]) / (2 * step), rel=1e-5)


def test_with_the_self_term_and_one_concentration_the_bound_stays_below_log_k():
    method = build(replace(LEARNT, kernel_kappa=LEARNT.kappa))
    for log_kappa in (-3.0, 0.0, 3.0, 8.0):
        with torch.no_grad():
            method.log_kappa.fill_(log_kappa)
        assert -loss(copy.deepcopy(method), views()).item() <= math.log(24)


def test_gradients_of_two_shares_add_up_to_that_of_the_whole_batch(monkeypatch):
    """What two processes do, in one: each has its own rows, the other's come without a gradient."""
    pair = views()
    method = build(LEARNT).eval()  # statistics that no share changes
    seen = []
    monkeypatch.setattr(entrec_cont, "gather", lambda rows: seen.append(rows.detach()) or rows)
    loss(method, pair).backward()
    whole = method.log_kappa.grad.clone()
    method.zero_grad()
    monkeypatch.setattr(entrec_cont, "size", lambda: 2)
    for own in (slice(0, 13), slice(13, 24)):
        others = iter(seen)

        def gather(rows, own=own, others=others):
            everything = next(others)
            return torch.cat([everything[: own.start], rows, everything[own.stop :]])

        monkeypatch.setattr(entrec_cont, "gather", gather)
        loss(method, [view[own] for view in pair]).backward()
    torch.testing.assert_close(method.log_kappa.grad, whole)


@pytest.mark.filterwarnings("default")  # the compiler's own
def test_the_compiler_takes_a_learnt_concentration_too():
    method = build(LEARNT).float()
    pair = [view.float() for view in views(k=600)]
    compiled = torch.compile(copy.deepcopy(method), fullgraph=True, backend="eager")
    assert loss(compiled, pair).item() == pytest.approx(loss(method, pair).item(), rel=1e-5)
