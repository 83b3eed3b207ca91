"""Safetensors files of tensors with a description, which a later step recognises by their digest."""

import hashlib
import json
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from entrec.artefacts import write_bytes
from entrec.errors import UserError
from entrec.regular import regular


def write_tensors(path: Path, tensors: dict[str, Tensor], about: dict[str, Any]) -> str:
    """Write `tensors` and the plain values `about` atomically, and return the SHA-256 of the file."""
    parts = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    content = save(parts, metadata={"about": json.dumps(about)})  # safetensors writes several keys in no fixed order
    write_bytes(path, content)
    return hashlib.sha256(content).hexdigest()


def read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Return what `write_tensors` wrote; raises `UserError` with the path of a file that is missing or damaged."""
    try:
        with safe_open(regular(path), framework="pt") as file:
            about = json.loads(file.metadata()["about"])
            # clones, since the memory of a file may start anywhere, and MKL's sums may depend on the alignment
            return {name: file.get_tensor(name).clone() for name in file.keys()}, about  # noqa: SIM118
    except FileNotFoundError as error:
        raise UserError(f"{path}: missing; rerun the step that makes it") from error
    except OSError as error:  # a folder, or no permission
        raise UserError(f"{path}: cannot be read ({error}); fix access, then rerun") from error
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        raise UserError(f"{path}: damaged or foreign ({error}); delete it and rerun the step that makes it") from error
