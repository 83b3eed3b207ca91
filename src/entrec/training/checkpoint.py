"""Checkpoints hold everything that the next step depends on. They are written whole, and the previous one remains.

A checkpoint ends with the SHA-256 of what comes before it, so that a file with a single other bit is not resumed from.
torch reads the file as it is, since a zip archive may end with a comment.
"""

import hashlib
import io
import os
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

import torch
from torch import Generator, Tensor, nn

from entrec.artefacts import replacing
from entrec.collectives import rank
from entrec.errors import UserError
from entrec.fingerprint import fingerprint
from entrec.progress import say
from entrec.regular import regular

Learner = TypeVar("Learner", bound=nn.Module)
DIGEST = 2 * hashlib.sha256().digest_size  # the last bytes of a checkpoint, in hexadecimal


@dataclass
class TrainingState(Generic[Learner]):
    """A run in training: its learner after `step` steps and `seconds`, and everything that the next step depends on.

    `belongs_to` says which run and which parameters it belongs to, and `fingerprints` are those of all code that
    trained it. `history` has the rows that were logged, and `unlogged` the terms of each step since the last row, for
    rows that are means. `generator` draws the run's random numbers, where these are not torch's global ones.
    `last_is_damaged` says that `last.pt` is, so that it must not replace the checkpoint that the run continued from.
    """

    belongs_to: str
    learner: Learner
    optimiser: torch.optim.Optimizer | None
    step: int = 0
    seconds: float = 0.0
    history: list[dict[str, Any]] = field(default_factory=list)
    unlogged: list[dict[str, Tensor]] = field(default_factory=list)
    generator: Generator | None = None
    fingerprints: list[str] = field(default_factory=lambda: [fingerprint("pretraining")])
    last_is_damaged: bool = False


def save(state: TrainingState[Learner], folder: Path) -> None:
    """Write `last.pt` to `folder`; an older `last.pt` becomes `previous.pt`. Raises `UserError` for a full disk."""
    contents = {
        "belongs_to": state.belongs_to,
        "learner": state.learner.state_dict(),
        "optimiser": state.optimiser.state_dict() if state.optimiser else None,
        "step": state.step,
        "seconds": state.seconds,
        "history": state.history,
        "unlogged": state.unlogged,
        "generator": state.generator.get_state() if state.generator else None,
        "fingerprints": state.fingerprints,
        "rng": torch.get_rng_state(),
        "cuda_rng": torch.cuda.get_rng_state() if torch.cuda.is_available() else None,
    }
    last = folder / "last.pt"
    buffer = io.BytesIO()  # torch.save to a path raises many kinds of errors for a full disk
    torch.save(contents, buffer)
    buffer.write(hashlib.sha256(buffer.getbuffer()).hexdigest().encode())
    with replacing(last) as scratch:
        scratch.write_bytes(buffer.getbuffer())
        if last.exists() and not state.last_is_damaged:
            os.replace(last, folder / "previous.pt")
    state.last_is_damaged = False


def restore(state: TrainingState[Learner], folder: Path) -> None:
    """Set `state` to that of `last.pt` in `folder`, if there is one, or of `previous.pt` where `last.pt` is damaged.

    Checkpoints from other code versions are accepted and recorded in `fingerprints`. Raises `UserError` where all
    checkpoints are damaged, and for one that belongs to another run or has another network or optimiser than today.
    """
    found = [path for path in (folder / "last.pt", folder / "previous.pt") if path.is_file()]
    if not found:
        return
    path = next(filter(_whole, found), None)
    if path is None:
        names = " and ".join(path.name for path in found)
        raise UserError(f"{folder}: {names} damaged, so that nothing can be resumed; delete the folder to start afresh")
    if path != found[0]:
        state.last_is_damaged = True
        if rank() == 0:
            say(f"{found[0]}: damaged; the run continues from {path.name} instead")
    contents = _read(path)
    if contents["belongs_to"] != state.belongs_to:
        raise UserError(
            f"{path}: belongs to another run or to other parameters; "
            f"delete the folder {folder} to start afresh, or restore the parameters it was made with"
        )
    try:
        _apply(state, contents)
    except (RuntimeError, ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{path}: its network or optimiser has other tensors than today's code; "
            f"delete the folder {folder} to start afresh, or resume with the code that made it"
        ) from error


def _apply(state: TrainingState[Learner], contents: dict[str, Any]) -> None:
    state.learner.load_state_dict(contents["learner"])
    if state.optimiser:
        state.optimiser.load_state_dict(contents["optimiser"])
    state.step, state.seconds, state.history = contents["step"], contents["seconds"], contents["history"]
    state.fingerprints = list(dict.fromkeys([*contents["fingerprints"], *state.fingerprints]))
    if state.generator:
        device = state.generator.device
        state.unlogged = [{name: term.to(device) for name, term in terms.items()} for terms in contents["unlogged"]]
        state.generator.set_state(contents["generator"])
    torch.set_rng_state(contents["rng"])
    if contents["cuda_rng"] is not None and torch.cuda.is_available():
        torch.cuda.set_rng_state(contents["cuda_rng"])


def _whole(path: Path) -> bool:
    """Return whether a checkpoint ends with the digest of what comes before it."""
    try:
        content = memoryview(regular(path).read_bytes())
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}); fix access, then rerun") from error
    return hashlib.sha256(content[:-DIGEST]).hexdigest().encode() == content[-DIGEST:]


def _require_uncompressed(path: Path) -> None:
    """Raise `ValueError` for a checkpoint with compressed parts, which could unpack to any size; torch writes none."""
    with zipfile.ZipFile(regular(path)) as parts:
        if any(part.compress_type != zipfile.ZIP_STORED for part in parts.infolist()):
            raise ValueError("it holds compressed data")


def _read(path: Path) -> dict[str, Any]:
    try:
        _require_uncompressed(path)
        contents = torch.load(path, map_location="cpu", weights_only=True)
        if not isinstance(contents, dict) or "belongs_to" not in contents:
            raise ValueError("it does not say which run it belongs to")
    except Exception as error:  # torch.load raises many kinds for foreign bytes
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UserError(f"{path}: not a checkpoint of this version ({reason}); delete its folder") from error
    return contents
