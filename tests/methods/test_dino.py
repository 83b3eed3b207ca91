"""DINO with multi-crop: which crop learns from which teacher, against lightly's loss."""

import copy

import pytest
import torch
from tests.methods.builders import ZOO, build, rows, views

from entrec.methods.multi_crop import swapped_cross_entropies

SETTINGS = ZOO.method("dino")


def build_dino():
    method = build("dino", teacher_temperature=0.05, warmup_teacher_temperature=0.05)
    with torch.no_grad():
        for parameter in method.teacher.parameters():
            parameter.add_(0.1 * torch.randn(parameter.shape))
    method.centre.normal_()
    return method


@pytest.mark.parametrize(("crops", "pairs"), [(2, [(0, 1), (1, 0)]), (3, [(0, 1), (1, 0), (2, 0), (2, 1)])])
def test_every_crop_is_compared_with_the_target_of_each_other_view(crops, pairs):
    logits, targets = rows(crops, 4, 5, seed=1), rows(2, 4, 5, seed=2).softmax(dim=2)
    expected = -sum((targets[j] * logits[i].log_softmax(dim=1)).sum(dim=1) for i, j in pairs) / len(pairs)
    torch.testing.assert_close(swapped_cross_entropies(logits, targets), expected)


@pytest.mark.parametrize("local", [0, 3])
def test_the_loss_is_lightlys_of_the_students_of_all_crops_and_the_teachers_of_two(local):
    from lightly.loss import DINOLoss

    method, crops = build_dino(), views(local=local)
    twin = copy.deepcopy(method)
    students = [twin.prototypes(twin.projector(twin.backbone(crop))) for crop in crops]
    teachers = [twin.teacher(view) for view in crops[:2]]
    theirs = DINOLoss(output_dim=SETTINGS.prototypes, student_temp=SETTINGS.student_temperature)
    theirs.center.copy_(method.centre)
    expected = theirs([t.detach() for t in teachers], students, teacher_temp=0.05)
    ours = method(crops, torch.zeros(16)).terms["distillation"]
    torch.testing.assert_close(ours, expected)
    ours.backward()
    expected.backward()
    for (name, parameter), reference in zip(method.named_parameters(), twin.parameters(), strict=True):
        if parameter.requires_grad:
            torch.testing.assert_close(parameter.grad, reference.grad, rtol=1e-4, atol=1e-6, msg=name)
        else:
            assert parameter.grad is None, name


def test_local_crops_reach_neither_teacher_nor_centre():
    with_local, without = build_dino(), build_dino()
    with_local(views(local=3), torch.zeros(16))
    without(views(), torch.zeros(16))
    assert torch.equal(with_local.batch_centre, without.batch_centre)
    for one, other in zip(with_local.teacher.buffers(), without.teacher.buffers(), strict=True):
        assert torch.equal(one, other)
