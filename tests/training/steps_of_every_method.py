"""A few steps of every method on a share of one batch, in double precision; run by test_distributed.py.

    python steps_of_every_method.py FILE                              alone
    torchrun --nproc-per-node 2 steps_of_every_method.py FILE         two processes, 19 and 18 images
    … FILE CHUNK           in chunks of at most so many images
    … FILE CHUNK still     as well, with the backbones' batch norms in evaluation mode
    … FILE CHUNK METHOD…   of these methods alone
    … FILE CHUNK gpu       on a GPU, from the same weights and batches

Losses, gradients of the first step and the state after the last go to FILE with the rank added.
"""

import sys
from pathlib import Path

import torch

from entrec.collectives import rank, size
from entrec.methods import METHODS
from entrec.networks.synchronised import synchronise
from entrec.training.chunks import use_chunks
from entrec.training.device import make_deterministic
from entrec.training.distributed import process_group, replicated, share
from entrec.training.pretrain import total_loss

sys.path.append(str(Path(__file__).parents[2]))  # a script sees only its own folder
from tests.conftest import Noise, build

CPU = torch.device("cpu")
STEPS, BATCH, RATE = 3, 37, 0.1


class Share(Noise):
    """This process's share of batches of noise in double precision, two in an epoch."""

    def __init__(self, name, device=CPU):
        super().__init__(name, BATCH)
        self.steps_per_epoch, self.images, self.device = 2, 2 * BATCH, device

    def at(self, step):
        views, labels = super().at(step)
        return [view[share(BATCH)].double().to(self.device) for view in views], labels[share(BATCH)].to(self.device)

    def samples(self, step):
        return super().samples(step % 2)[share(BATCH)]


def still(method):
    """Put batch norms of the backbone and its EMA copies in evaluation mode: there images do not affect each other."""
    for module in method.modules():
        if type(module) is type(method.backbone):
            module.eval()


def steps(name, chunk=None, *, still_norms=False, device=CPU):
    """Take a few steps of plain gradient descent: an adaptive optimiser would amplify the last bits of gradients."""
    method = synchronise(build(name).double().to(device), device)
    if still_norms:
        still(method)
    if chunk:
        use_chunks(method, chunk=chunk, batch_size=BATCH)
    model = replicated(method, device)
    trained = {n: p for n, p in method.named_parameters() if p.requires_grad}
    source, losses, first = Share(name, device), [], {}
    for step in range(STEPS):
        method.before_step(step, source)
        loss = total_loss(model(*source.at(step)), method.weights)
        (loss * size()).backward()
        losses.append(loss.detach())
        first = first or {n: p.grad.clone() for n, p in trained.items()}
        with torch.no_grad():
            for parameter in trained.values():
                parameter -= RATE * parameter.grad
                parameter.grad = None
        method.after_step(step / STEPS)
    return {"losses": torch.stack(losses), "gradients": first, "state": method.state_dict()}


if __name__ == "__main__":
    file, *options = sys.argv[1:]
    device = torch.device("cuda", 0) if "gpu" in options else CPU
    make_deterministic(device, threads=1)
    with process_group(device):
        chunk = int(options[0]) if options else None
        names = [name for name in options if name in METHODS] or [name for name in METHODS if name != "untrained"]
        found = {name: steps(name, chunk, still_norms="still" in options, device=device) for name in names}
        torch.save(found, f"{file}.{rank()}")
