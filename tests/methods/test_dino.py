"""DINO with multi-crop: which crop learns from which teacher, against lightly's loss."""

import copy
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from entrec.methods import METHODS
from entrec.methods.multi_crop import with_others
from entrec.networks import build_backbone
from entrec.study import load_study

ZOO = load_study(Path("params/zoo.yaml"))
SETTINGS = replace(ZOO.method("dino"), teacher_temperature=0.05, warmup_teacher_temperature=0.05)


def build():
    torch.manual_seed(0)
    method = METHODS["dino"].load()(build_backbone(ZOO.network, channels=1), SETTINGS)
    with torch.no_grad():
        for parameter in method.teacher.parameters():
            parameter.add_(0.1 * torch.randn(parameter.shape))
    method.centre.normal_()
    return method


def crops(local, k=16):
    sizes = [8, 8] + [ZOO.local_views.size] * local
    return [torch.rand(k, 1, s, s, generator=torch.Generator().manual_seed(i)) for i, s in enumerate(sizes)]


def test_pairs_are_every_crop_with_each_other_target():
    assert with_others("ab", "AB") == [("a", "B"), ("b", "A")]
    assert with_others("abc", "AB") == [("a", "B"), ("b", "A"), ("c", "A"), ("c", "B")]


@pytest.mark.parametrize("local", [0, 3])
def test_the_loss_is_lightlys_of_the_students_of_all_crops_and_the_teachers_of_two(local):
    from lightly.loss import DINOLoss

    method, views = build(), crops(local)
    twin = copy.deepcopy(method)
    students = [twin.prototypes(twin.projector(twin.backbone(view))) for view in views]
    teachers = [twin.teacher(view) for view in views[:2]]
    theirs = DINOLoss(output_dim=SETTINGS.prototypes, student_temp=SETTINGS.student_temperature)
    theirs.center.copy_(method.centre)
    expected = theirs([t.detach() for t in teachers], students, teacher_temp=0.05)
    ours = method(views, torch.zeros(16)).terms["distillation"]
    torch.testing.assert_close(ours, expected)
    ours.backward()
    expected.backward()
    for (name, parameter), reference in zip(method.named_parameters(), twin.parameters(), strict=True):
        if parameter.requires_grad:
            torch.testing.assert_close(parameter.grad, reference.grad, rtol=1e-4, atol=1e-6, msg=name)
        else:
            assert parameter.grad is None, name


def test_local_crops_reach_neither_teacher_nor_centre():
    with_local, without = build(), build()
    with_local(crops(3), torch.zeros(16))
    without(crops(0), torch.zeros(16))
    assert torch.equal(with_local.batch_centre, without.batch_centre)
    for one, other in zip(with_local.teacher.buffers(), without.teacher.buffers(), strict=True):
        assert torch.equal(one, other)
