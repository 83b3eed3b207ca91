"""SwAV: balanced codes, swapped prediction against lightly's, the queue, the freeze, the prototypes' length."""

import copy

import pytest
import torch
from tests.methods.builders import ZOO, build, labels, views
from torch.nn import functional as F

from entrec.methods.multi_crop import features_of_crops, swapped_cross_entropies
from entrec.methods.swav import codes, sinkhorn_biases
from entrec.networks.heads import cosines

SETTINGS = ZOO.method("swav")
THEIRS = {
    "temperature": SETTINGS.temperature,
    "sinkhorn_epsilon": SETTINGS.epsilon,
    "sinkhorn_iterations": SETTINGS.sinkhorn_iterations,
}


def batch(**options):
    return views(**options), labels()


def random_scores(k=40, prototypes=12, seed=0):
    generator = torch.Generator().manual_seed(seed)
    z, p = (F.normalize(torch.randn(n, 8, generator=generator), dim=1).double() for n in (k, prototypes))
    return cosines(z, p)


def balanced(scores, counted=None, epsilon=0.05, iterations=3):
    counted = torch.ones(len(scores), dtype=torch.bool) if counted is None else counted
    return codes(scores, sinkhorn_biases(scores, counted, epsilon=epsilon, iterations=iterations), epsilon=epsilon)


@pytest.mark.parametrize("iterations", [1, 3, 10])
def test_sinkhorn_agrees_with_lightlys(iterations):
    from lightly.loss.swav_loss import sinkhorn

    scores = random_scores()
    torch.testing.assert_close(balanced(scores, iterations=iterations), sinkhorn(scores, iterations=iterations))


def test_sinkhorns_marginals_are_one_a_sample_and_equal_shares_for_the_prototypes():
    scores = random_scores(k=48, prototypes=12)
    three, many = balanced(scores), balanced(scores, iterations=500)
    for q in (three, many):
        torch.testing.assert_close(q.sum(dim=1), torch.ones(48).double())
    torch.testing.assert_close(many.sum(dim=0), torch.full((12,), 4.0).double())
    uneven = (scores / 0.05).softmax(dim=1)
    assert (three.sum(dim=0) - 4).abs().sum() < (uneven.sum(dim=0) - 4).abs().sum()


def test_rows_that_are_not_counted_change_nothing_and_get_no_nan():
    scores, others = random_scores(seed=1), random_scores(seed=2)
    counted = torch.arange(80) < 40
    together = balanced(torch.cat([scores, others]), counted)
    torch.testing.assert_close(together[:40], balanced(scores))
    assert together.isfinite().all()


def test_sinkhorn_does_not_overflow_where_the_release_would():
    scores = random_scores()
    torch.testing.assert_close(balanced(scores * 40, epsilon=2.0), balanced(scores))
    assert balanced(scores, epsilon=1e-4).isfinite().all()  # exp(1 / 1e-4) is no number


@pytest.mark.parametrize("local", [0, 3])
def test_the_loss_agrees_with_lightlys(local):
    from lightly.loss import SwaVLoss

    scores = [random_scores(seed=i) for i in range(2 + local)]
    targets = [balanced(score) for score in scores[:2]]
    ours = swapped_cross_entropies([score / 0.1 for score in scores], targets).mean()
    theirs = SwaVLoss(temperature=0.1, sinkhorn_iterations=3, sinkhorn_epsilon=0.05)(scores[:2], scores[2:])
    torch.testing.assert_close(ours, theirs.squeeze())


def scores_of(method, crops):
    """Return the scores of each crop, and the copy of `method` that computed them."""
    twin = copy.deepcopy(method)
    z = F.normalize(twin.projector(features_of_crops(twin.backbone, crops)), dim=1)
    return [part @ twin.prototypes.T for part in z.chunk(len(crops))], twin


@pytest.mark.parametrize("local", [0, 4])
def test_a_forward_pass_has_the_loss_and_the_gradients_of_lightlys(local):
    from lightly.loss import SwaVLoss

    method, (crops, labels) = build("swav", freeze_prototypes=0.0), batch(local=local)
    scores, twin = scores_of(method, crops)
    theirs = SwaVLoss(**THEIRS)(scores[:2], scores[2:]).squeeze()
    ours = method(crops, labels).terms["swapped_prediction"]
    torch.testing.assert_close(ours, theirs)
    ours.backward()
    theirs.backward()
    for (name, parameter), reference in zip(method.named_parameters(), twin.parameters(), strict=True):
        torch.testing.assert_close(parameter.grad, reference.grad, rtol=1e-4, atol=1e-6, msg=name)


def with_queue(rows):
    method = build("swav", queue=32, queue_from=0.5)
    generator = torch.Generator().manual_seed(3)
    method.queue.copy_(F.normalize(torch.randn(method.queue.shape, generator=generator), dim=2))
    method.queued.fill_(rows)
    return method


def test_a_full_queue_enters_the_codes_as_in_lightlys_loss():
    from lightly.loss import SwaVLoss

    method, (crops, labels) = with_queue(32), batch()
    scores, twin = scores_of(method, crops)
    queued = [rows @ twin.prototypes.T for rows in twin.queue]
    theirs = SwaVLoss(**THEIRS)(scores, [], queued).squeeze()
    torch.testing.assert_close(method(crops, labels).terms["swapped_prediction"], theirs)


def test_a_queue_that_is_not_full_changes_nothing():
    crops, labels = batch()
    first, second = (m(crops, labels).terms["swapped_prediction"] for m in (with_queue(31), build("swav", queue=0)))
    torch.testing.assert_close(first, second)


def test_the_queue_holds_the_newest_embeddings_of_each_view_from_its_start_on():
    method, newest = build("swav", queue=32, queue_from=0.5), []
    for step, progress in enumerate([0.0, 0.25, 0.5, 0.75, 0.9]):  # a step knows the progress of the one before
        outcome = method(*batch(seed=step))
        assert method.queued.item() == 16 * min(max(step - 2, 0), 2)
        newest.insert(0, torch.stack(outcome.embeddings))
        method.after_step(progress)
    torch.testing.assert_close(method.queue, torch.cat(newest, dim=1)[:, :32])


def test_frozen_prototypes_get_a_gradient_of_exactly_zero_and_thawed_ones_do_not():
    method = build("swav", freeze_prototypes=0.1)
    for progress, frozen in [(0.0, True), (0.05, True), (0.1, False)]:
        method.after_step(progress)
        method.zero_grad()
        method(*batch()).terms["swapped_prediction"].backward()
        assert (method.prototypes.grad.abs().max().item() == 0) == frozen


def test_prototypes_are_unit_vectors_at_the_start_and_after_each_step():
    method = build("swav")
    ones = torch.ones(SETTINGS.prototypes)
    torch.testing.assert_close(method.prototypes.norm(dim=1), ones)
    with torch.no_grad():
        method.prototypes.mul_(3).add_(0.1)
    method.after_step(0.0)
    torch.testing.assert_close(method.prototypes.norm(dim=1), ones)


def test_the_local_crops_are_not_shown_to_the_diagnostics():
    outcome = build("swav")(*batch(local=4))
    (z1, z2), (l1, l2) = outcome.embeddings, outcome.logits
    assert z1.shape == z2.shape == (16, SETTINGS.projector[-1])
    assert l1.shape == l2.shape == (16, SETTINGS.prototypes)
