"""EntRecCont with a trained concentration: its gradient, what it does not change, two processes against one."""

import copy
import math

import pytest
import torch
from tests.methods.builders import ZOO, build, loss_of, views

from entrec import collectives
from entrec.methods import entrec_cont

SETTINGS = ZOO.method("entrec_cont")


def entrec(**changes):
    return build("entrec_cont", **changes).double()


def learnt(**changes):
    return entrec(learn_kappa=True, **changes)


def two_views(k=24):
    return views(k, dtype=torch.float64)


def loss(method, pair):
    return loss_of(method, method(pair, None))


def test_by_default_there_is_nothing_to_learn_and_the_state_is_as_before():
    method = entrec()
    assert method.concentrations() == (SETTINGS.kappa, SETTINGS.kernel_kappa)
    assert not any("kappa" in name for name in method.state_dict())


def test_a_learnt_concentration_starts_at_the_setting_with_the_same_loss_and_gradients():
    fixed, trained = entrec(), learnt()
    assert trained.log_kappa.item() == pytest.approx(math.log(SETTINGS.kappa))
    for method in (fixed, trained):
        method.total = loss(method, two_views())
        method.total.backward()
    torch.testing.assert_close(trained.total, fixed.total, rtol=1e-6, atol=1e-9)
    gradients = {name: parameter.grad for name, parameter in trained.named_parameters()}
    for name, parameter in fixed.named_parameters():
        torch.testing.assert_close(gradients[name], parameter.grad, rtol=1e-5, atol=1e-9)
    assert gradients["log_kappa"] != 0


@pytest.mark.parametrize("leave_one_out", [False, True])
def test_the_gradient_in_log_kappa_is_that_of_scaling_both_concentrations(leave_one_out):
    method = learnt(leave_one_out=leave_one_out)
    loss(method, two_views()).backward()
    kappa, kernel_kappa, step = SETTINGS.kappa, SETTINGS.kernel_kappa, 1e-5
    below, above = (
        loss(entrec(kappa=kappa * s, kernel_kappa=kernel_kappa * s, leave_one_out=leave_one_out), two_views()).item()
        for s in (math.exp(-step), math.exp(step))
    )
    assert method.log_kappa.grad.item() == pytest.approx((above - below) / (2 * step), rel=1e-5)


def test_by_resubstitution_with_one_concentration_the_bound_stays_below_log_k():
    method = learnt(kernel_kappa=SETTINGS.kappa)
    for log_kappa in (-3.0, 0.0, 3.0, 8.0):
        with torch.no_grad():
            method.log_kappa.fill_(log_kappa)
        assert -loss(copy.deepcopy(method), two_views()).item() <= math.log(24)


def test_gradients_of_two_shares_add_up_to_that_of_the_whole_batch(monkeypatch):
    """One process does what two would do: each has its own rows, and those of the other have no gradient."""
    pair = two_views()
    method = learnt().eval()  # statistics that no share changes
    seen = []
    monkeypatch.setattr(entrec_cont, "gather", lambda rows: seen.append(rows.detach()) or rows)
    loss(method, pair).backward()
    whole = method.log_kappa.grad.clone()
    method.zero_grad()
    monkeypatch.setattr(collectives, "size", lambda: 2)
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
    method = learnt().float()
    pair = [view.float() for view in two_views(600)]
    compiled = torch.compile(copy.deepcopy(method), fullgraph=True, backend="eager")
    assert loss(compiled, pair).item() == pytest.approx(loss(method, pair).item(), rel=1e-5)
