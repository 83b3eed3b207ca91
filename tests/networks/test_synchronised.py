"""Batch norm over all processes equals torch's where there is one process."""

import pytest
import torch
from torch import nn

from entrec.networks.synchronised import SynchronisedBatchNorm


def as_synchronised(norm):
    norm.__class__ = SynchronisedBatchNorm
    return norm


@pytest.mark.parametrize(("kind", "shape"), [(nn.BatchNorm1d, (16, 5)), (nn.BatchNorm2d, (8, 5, 4, 3))])
def test_alone_it_is_torchs_batch_norm_with_its_running_statistics(kind, shape):
    x = torch.randn(shape, generator=torch.Generator().manual_seed(0)) * 3 + 1
    ours, theirs = as_synchronised(kind(5)), kind(5)
    torch.testing.assert_close(ours(x), theirs(x), rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(dict(ours.named_buffers()), dict(theirs.named_buffers()))


def test_half_precision_inputs_have_statistics_in_float32():
    x = (torch.randn(64, 5, generator=torch.Generator().manual_seed(0)) + 7).bfloat16()
    ours, theirs = as_synchronised(nn.BatchNorm1d(5)), nn.BatchNorm1d(5)
    y = ours(x)
    assert y.dtype == torch.bfloat16
    torch.testing.assert_close(y, theirs(x.float()).bfloat16())
    torch.testing.assert_close(ours.running_mean, theirs.running_mean)
    assert ours.running_var.dtype == torch.float32
