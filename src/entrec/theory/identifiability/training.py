"""The training loop that recovered latents and isolated content share: fresh pairs each step, exactly resumable.

Adam with a half cosine, where the releases keep the learning rate; they train 300,000 steps at 1e-4.
"""

import io
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Generator, Tensor, nn

from entrec.artefacts import replacing
from entrec.errors import UserError
from entrec.information.checks import InvalidEmbeddings, without_device_sync
from entrec.progress import progress
from entrec.provenance import fingerprint
from entrec.settings import Precision
from entrec.theory.identifiability.objectives import Terms, supervised
from entrec.theory.settings.identifiability import Training
from entrec.training import eager
from entrec.training.schedule import cosine_with_warmup

STREAMS = ("mixing", "process", "encoder", "training", "trace", "scores")  # of random numbers that a seed has

REMEDY = "lower training.lr in params/theory.yaml, or widen the kernel of a leave-one-out row"


class Pairs(NamedTuple):
    """Latents of two views, (k, n) each, and what is observed of them, (k, n)."""

    latents1: Tensor
    latents2: Tensor
    observed1: Tensor
    observed2: Tensor


Draw = Callable[[int, Generator], Pairs]


class Unsupervised(nn.Module):
    """An encoder and the objective that its two views have."""

    def __init__(self, encoder: nn.Module, objective: Callable[[Tensor, Tensor], Terms]) -> None:
        super().__init__()
        self.encoder, self.objective = encoder, objective

    def forward(self, pairs: Pairs) -> Terms:
        """Terms of one pass through the encoder for both views."""
        z1, z2 = self.encoder(torch.cat([pairs.observed1, pairs.observed2])).chunk(2)
        return self.objective(z1, z2)


class Supervised(nn.Module):
    """An encoder that is told the latents."""

    def __init__(self, encoder: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, pairs: Pairs) -> Terms:
        """The term of both views."""
        z = self.encoder(torch.cat([pairs.observed1, pairs.observed2]))
        return supervised(z, torch.cat([pairs.latents1, pairs.latents2]))


@dataclass
class State:
    """A run in flight. `identity` says which run and parameters it belongs to, `codes` what code trained it."""

    identity: str
    learner: nn.Module
    optimiser: torch.optim.Optimizer
    generator: Generator
    step: int = 0
    trace: list[dict[str, float]] = field(default_factory=list)
    codes: list[str] = field(default_factory=lambda: [fingerprint("theory")])


def train(
    learner: nn.Module, draw: Draw, quick_score: Callable[[], float], settings: Training, *,
    seed: int, device: torch.device, label: str, identity: str, folder: Path,
) -> State:  # fmt: skip
    """Train to the last step, or go on from `folder`; `quick_score` of the learner is part of the trace.

    `label` says on the screen what runs, `identity` which checkpoints belong to it.
    Raises `UserError` for a checkpoint that is damaged or of another run, and on divergence.
    """
    optimiser = eager.build(torch.optim.Adam, learner.parameters(), lr=settings.lr, fused=True)
    state = State(f"{identity}, {device.type}", learner, optimiser, stream("training", seed=seed, device=device))
    restore(state, folder / "last.pt")
    block: list[Terms] = []
    for step in progress(range(state.step, settings.steps), label, start=state.step):
        for group in optimiser.param_groups:
            group["lr"] = settings.lr * cosine_with_warmup(step, steps=settings.steps, warmup=0)
        looked_at = (step + 1) % settings.trace_every == 0 or step + 1 == settings.steps
        with readable_faults(state):
            pairs = draw(settings.batch_size, state.generator)
            terms = one_step(state, pairs, look=looked_at, precision=settings.precision)
            block.append({name: term.detach() for name, term in terms.items()})
            state.step = step + 1
            if looked_at:
                state.trace.append({"step": state.step, **finite_means(block, state.step), "r2": quick_score()})
                block.clear()
                save(state, folder / "last.pt")
    return state


def one_step(state: State, pairs: Pairs, *, look: bool, precision: Precision) -> Terms:
    """Forward, backward and update; without a look at values on the device unless `look`."""
    autocast = torch.autocast(pairs.observed1.device.type, torch.bfloat16, enabled=precision == "bfloat16")
    with autocast, nullcontext() if look else without_device_sync():
        terms = state.learner(pairs)
    (-torch.stack(list(terms.values())).sum()).backward()
    eager.step(state.optimiser)
    state.optimiser.zero_grad(set_to_none=True)
    return terms


@contextmanager
def readable_faults(state: State) -> Iterator[None]:
    """Say after which step representations went wrong, in one line: divergence meets this before the objective."""
    try:
        yield
    except InvalidEmbeddings as error:
        raise UserError(f"step {state.step}: {error}; {REMEDY}") from error


def finite_means(block: list[Terms], step: int) -> dict[str, float]:
    """Mean of each term over the steps since the last look, and of their sum, the objective."""
    means = {name: torch.stack([terms[name] for terms in block]).double().mean().item() for name in block[0]}
    objective = sum(means.values())
    if not math.isfinite(objective):
        raise UserError(f"step {step}: the objective is {objective}; {REMEDY}")
    return {"objective": objective, **means}


def stream(name: str, *, seed: int, device: torch.device) -> Generator:
    """The generator of one of a seed's `STREAMS`, on the device."""
    return Generator(device).manual_seed(seed_of(name, seed=seed))


def seed_of(name: str, *, seed: int) -> int:
    """A seed of its own for each of `STREAMS`."""
    return len(STREAMS) * seed + STREAMS.index(name)


def save(state: State, path: Path) -> None:
    """Write the checkpoint, whole or not at all."""
    contents = {
        "identity": state.identity,
        "learner": state.learner.state_dict(),
        "optimiser": state.optimiser.state_dict(),
        "generator": state.generator.get_state(),
        "step": state.step,
        "trace": state.trace,
        "codes": state.codes,
    }
    buffer = io.BytesIO()  # torch.save to a path reports a full disk in too many ways
    torch.save(contents, buffer)
    with replacing(path) as scratch:
        scratch.write_bytes(buffer.getbuffer())


def restore(state: State, path: Path) -> None:
    """Go on from `path` if it is there; raises `UserError` if it is damaged or of another run."""
    if not path.exists():
        return
    try:
        contents: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        identity = contents["identity"]
    except Exception as error:  # torch.load raises many kinds for damaged bytes
        raise UserError(f"{path}: damaged or foreign ({type(error).__name__}); delete it to start afresh") from error
    if identity != state.identity:
        raise UserError(
            f"{path}: belongs to another run or to other parameters; delete it to start afresh, "
            "or restore the parameters it was made with"
        )
    state.learner.load_state_dict(contents["learner"])
    state.optimiser.load_state_dict(contents["optimiser"])
    state.generator.set_state(contents["generator"])
    state.step, state.trace = contents["step"], contents["trace"]
    state.codes = list(dict.fromkeys([*contents["codes"], *state.codes]))
