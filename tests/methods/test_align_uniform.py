"""Alignment + uniformity: against lightly's loss, by hand, and its relation to EntRec."""

import math

import pytest
import torch
from tests.methods.builders import ZOO, build, loss_of, views
from torch.nn import functional as F

from entrec.information.entropy import leave_one_out_entropy
from entrec.information.geometry import alignment, uniformity
from entrec.information.kernels import VMFKernel
from entrec.information.sphere import log_vmf_constant

SETTINGS = ZOO.method("align_uniform")


@pytest.mark.parametrize(("weight", "t"), [(1.0, 2.0), (0.5, 3.0)])
def test_the_loss_and_its_gradient_are_lightlys(weight, t):
    from lightly.loss.hypersphere_loss import HypersphereLoss

    method = build("align_uniform", uniformity_weight=weight, t=t).double()
    pair = [view.double() for view in views()]
    ours = loss_of(method, method(pair, None))
    ours.backward()
    other = build("align_uniform").double()
    theirs = HypersphereLoss(t=t, lam=weight, alpha=2.0)(*(other.projector(other.backbone(view)) for view in pair))
    theirs.backward()
    torch.testing.assert_close(ours, theirs)
    for a, b in zip(method.parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(a.grad, b.grad, rtol=1e-6, atol=1e-9)


def test_four_points_on_a_circle_by_hand():
    """Of six pairs four are at squared distance 2 and two at 4; each is a quarter turn from its partner."""
    z = torch.tensor([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]])
    expected = math.log((4 * math.exp(-2 * 2) + 2 * math.exp(-2 * 4)) / 6)
    assert uniformity(z, t=2.0).item() == pytest.approx(expected)
    assert alignment(z, z.roll(1, dims=0)).item() == pytest.approx(2.0)


def test_both_weights_and_t_are_the_studys():
    method = build("align_uniform", alignment_weight=3.0, uniformity_weight=0.25, t=5.0)
    outcome = method(views(), None)
    z1, z2 = outcome.embeddings
    assert method.weights == {"alignment_term": 3.0, "uniformity_term": 0.25}
    torch.testing.assert_close(outcome.terms["uniformity_term"], (uniformity(z1, t=5.0) + uniformity(z2, t=5.0)) / 2)


def test_uniformity_bounds_minus_the_kernel_entropy_from_above():
    """The paper's remark: with the mean taken inside the logarithm EntRec's entropy term is uniformity (Jensen)."""
    z = F.normalize(torch.randn(64, 8, generator=torch.Generator().manual_seed(3), dtype=torch.float64), dim=1)
    t = 2.0
    entropy = leave_one_out_entropy(z, kernel=VMFKernel(2 * t))
    constant = log_vmf_constant(8, kappa=2 * t) + 2 * t  # exp(-t |z - z'|^2) is the vMF kernel of kappa 2t up to this
    assert -entropy <= uniformity(z, t=t) + constant
    assert -entropy == pytest.approx((uniformity(z, t=t) + constant).item(), abs=0.2)


def test_the_terms_keep_clear_of_the_diagnostics_columns():
    from entrec.training.diagnostics import measure

    outcome = build("align_uniform")(views(), None)
    assert not set(outcome.terms) & set(measure(outcome, ZOO.diagnostics))
