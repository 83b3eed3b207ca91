"""What the tests of the methods share: methods of the zoo, batches of noise, random rows."""

from dataclasses import replace
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

from entrec.methods import METHODS
from entrec.networks import build_backbone
from entrec.study import load_study

ZOO = load_study(Path("params/zoo.yaml"))


def build(name, **changes):
    """Return the method `name` as the zoo has it, with some settings changed and the weights of seed 0."""
    torch.manual_seed(0)
    backbone = build_backbone(ZOO.network, channels=1)
    return METHODS[name].load()(backbone, replace(ZOO.method(name), **changes))


def views(k=16, local=0, seed=1, dtype=torch.float32):
    """Return two views of `k` images of noise, and `local` crops of them."""
    generator = torch.Generator().manual_seed(seed)
    sizes = [8, 8] + [ZOO.local_views.size] * local
    return [torch.rand(k, 1, size, size, generator=generator, dtype=dtype) for size in sizes]


def labels(k=16):
    """Return labels that no self-supervised method uses."""
    return torch.zeros(k, dtype=torch.int64)


def loss_of(method, output):
    """Return the weighted sum of the terms of a step's output."""
    return sum(method.weights[name] * term for name, term in output.terms.items())


class Constant(nn.Module):
    """A predictor that returns the same `rows` for every input."""

    def __init__(self, rows):
        super().__init__()
        self.rows = rows

    def forward(self, z):
        return self.rows


def assert_targets_get_no_gradient(method, term):
    """Check that a `term` of the loss reaches nothing but the predictions, by a predictor that ignores its input."""
    predictions = nn.Parameter(torch.randn(16, method.predictor[-1].out_features))
    method.predictor = Constant(predictions)
    method(views(), labels()).terms[term].backward()
    assert predictions.grad.abs().sum() > 0
    for name, parameter in method.named_parameters():
        assert parameter is predictions or parameter.grad is None or not parameter.grad.any(), name


def rows(*shape, seed=0):
    """Return normal random numbers of `shape` in double precision."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def unit(k=32, d=16, seed=0):
    """Return `k` random unit vectors in double precision."""
    return F.normalize(rows(k, d, seed=seed), dim=1)


class NumberedNoise:
    """Batches of noise: `k` images at a time in the order of the numbers `order`, three batches in an epoch."""

    steps_per_epoch = 3

    def __init__(self, seed=0, order=None, k=12):
        self.seed, self.k = seed, k
        self.order = torch.arange(3 * k) if order is None else order
        self.images = len(self.order)

    def samples(self, step):
        return self.order[step % self.steps_per_epoch * self.k :][: self.k]

    def at(self, step):
        return views(self.k, seed=step), labels(self.k)
