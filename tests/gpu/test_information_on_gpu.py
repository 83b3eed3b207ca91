"""The paper's quantities on a GPU: the CPU's values and gradients, and no matrix of similarities in memory."""

import pytest
import torch
from tests.gpu.conftest import GPU, NEEDS_GPU

from entrec.information.contrastive import info_nce, nt_xent
from entrec.information.entropy import kernel_entropy, leave_one_out_entropy
from entrec.information.kernels import GaussianKernel, VMFKernel
from entrec.information.nearest_neighbours import spherical_nearest_neighbour_entropy
from entrec.information.sphere import sample_uniform, sample_vmf

pytestmark = NEEDS_GPU

QUANTITIES = {
    "kernel entropy": lambda x, y: kernel_entropy(x, kernel=VMFKernel(10.0)),
    "leave-one-out entropy": lambda x, y: leave_one_out_entropy(x, kernel=VMFKernel(10.0)),
    "Gaussian kernel entropy": lambda x, y: kernel_entropy(x, kernel=GaussianKernel(0.5)),
    "InfoNCE": lambda x, y: info_nce(x, y, temperature=0.2),
    "NT-Xent": lambda x, y: nt_xent(x, y, temperature=0.2),
}


def points(samples=3000, dimension=16):
    generator = torch.Generator().manual_seed(0)
    x = sample_uniform(samples, dimension, generator=generator)
    return x, sample_vmf(x, kappa=10.0, generator=generator)


@pytest.mark.parametrize("name", QUANTITIES)
def test_value_and_gradient_are_the_cpus(name):
    found = []
    for where in (GPU, "cpu"):
        x, y = (z.to(where).requires_grad_() for z in points())
        value = QUANTITIES[name](x, y)
        (gradient,) = torch.autograd.grad(value, x)
        found.append((value.detach().cpu(), gradient.cpu()))
    (ours, our_gradient), (theirs, their_gradient) = found
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)
    assert (our_gradient - their_gradient).norm() <= 1e-4 * their_gradient.norm()


def test_the_entropy_by_nearest_neighbours_is_the_cpus():
    x, _ = points()
    here, there = (spherical_nearest_neighbour_entropy(x.to(where), neighbours=3) for where in (GPU, "cpu"))
    torch.testing.assert_close(here.cpu(), there, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", ["kernel entropy", "NT-Xent"])
def test_memory_stays_far_below_the_matrix_of_similarities(name):
    x, y = (z.to(GPU).requires_grad_() for z in points(samples=32768, dimension=64))
    torch.cuda.reset_peak_memory_stats(GPU)
    before = torch.cuda.memory_allocated(GPU)
    torch.autograd.grad(QUANTITIES[name](x, y), x)
    matrix = 4 * len(x) ** 2
    assert torch.cuda.max_memory_allocated(GPU) - before < matrix / 4
