"""One step after a resume and the same step without one; run by test_distributed.py under torchrun.

Prints the largest difference between their weights. Of two processes the order of a sum makes no difference.
"""

import torch
from torch import nn

from entrec.collectives import rank
from entrec.training.distributed import process_group, replicated

CPU = torch.device("cpu")


def network():
    torch.manual_seed(0)
    return nn.Sequential(*(layer for _ in range(3) for layer in (nn.Linear(300, 300), nn.Tanh())))


def train(weights, steps):
    """Take steps of gradient descent on batches that depend on the step and the process."""
    model = replicated(weights, CPU)
    for step in steps:
        x = torch.randn(8, 300, generator=torch.Generator().manual_seed(100 * step + rank()))
        model(x).square().mean().backward()
        with torch.no_grad():
            for parameter in weights.parameters():
                parameter -= 0.1 * parameter.grad
        weights.zero_grad(set_to_none=True)
    return weights.state_dict()


with process_group(CPU):
    torch.set_num_threads(1)
    undisturbed = train(network(), range(4))
    first, second = network(), network()
    second.load_state_dict(train(first, range(3)))
    resumed = train(second, range(3, 4))
    if rank() == 0:
        print(max((undisturbed[name] - resumed[name]).abs().max().item() for name in undisturbed))
