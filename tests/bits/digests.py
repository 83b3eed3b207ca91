"""Small computations of every kind that a study makes on a CPU, and the digests of what they give.

    python tests/bits/digests.py FILE              every computation
    python tests/bits/digests.py FILE NAME...      those alone

FILE gets a JSON object with one SHA-256 for each computation. test_bits.py runs this script on several processors and
compares the files. Some operations differ so rarely that equal files prove nothing, and emulators know no AVX-512, so
that the script fails where one of them is used at all.
"""

import entrec  # noqa: F401  chooses the arithmetic, which must come before numpy is loaded

# isort: split
import hashlib
import io
import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch.utils._python_dispatch import TorchDispatchMode

from entrec.data.encoding import encoded
from entrec.data.images import ArrayImages
from entrec.data.prepare import prepare
from entrec.data.prepared import Prepared, open_prepared
from entrec.evaluation.features import Compute
from entrec.evaluation.fine_tuning import fine_tune, with_fresh_head
from entrec.evaluation.knn import votes
from entrec.evaluation.linear import Standardisation
from entrec.evaluation.solvers import solve_lbfgs, solve_sgd
from entrec.methods import METHODS
from entrec.networks import build_backbone
from entrec.runs import Run
from entrec.study import load_study
from entrec.theory.estimators.gaussian import gaussian
from entrec.theory.estimators.rates import rates
from entrec.theory.estimators.sphere import sphere
from entrec.theory.identifiability.steps import content_isolation, latent_recovery
from entrec.theory.registry import BOUNDS
from entrec.theory.runs import content_isolation_runs, latent_recovery_runs
from entrec.training.device import make_deterministic
from entrec.training.pretrain import build_batches, build_state, train

sys.path.append(str(Path(__file__).parents[2]))  # a script sees only its own folder
from tests.conftest import study_of
from tests.small_theory import small_setting

CPU = torch.device("cpu")
TRAINING, BATCH, STEPS, SEED = 192, 32, 2, 3


def digest_of(value: Any) -> str:
    """Return the SHA-256 of the bytes of tensors, arrays, texts and of what contains them."""
    found = hashlib.sha256()
    for part in _parts(value):
        found.update(part)
    return found.hexdigest()


def _parts(value: Any) -> Iterator[bytes]:
    if isinstance(value, dict):
        for key in sorted(value):
            yield str(key).encode()
            yield from _parts(value[key])
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _parts(item)
    elif isinstance(value, torch.Tensor):
        yield from _parts(value.detach().contiguous().numpy())
    elif isinstance(value, np.ndarray):
        yield f"{value.dtype} {value.shape}".encode() + value.tobytes()
    else:
        yield value if isinstance(value, bytes) else repr(value).encode()


class Refused(TorchDispatchMode):
    """While it is entered, an operation of torch fails whose bits depend on the processor (`information.portable`)."""

    ALWAYS = ("sqrt", "asin", "acos", "atan", "tan", "log10", "_cdist_forward", "_foreach_sqrt")
    IN_FLOAT64 = ("log", "log2", "logit", "logsumexp")

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func.overloadpacket.__name__.removesuffix("_")
        root = name == "pow" and len(args) > 1 and args[1] == 0.5
        if name in self.ALWAYS or root or (name in self.IN_FLOAT64 and args[0].dtype == torch.float64):
            raise AssertionError(f"{func}: its bits depend on the processor; use entrec.information.portable")
        return func(*args, **(kwargs or {}))


# Data -----------------------------------------------------------------------------------------------------------------


@contextmanager
def scratch() -> Iterator[Path]:
    """Yield a folder that is removed afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


@cache
def prepared(method: str) -> Prepared:
    """Return the first training images, and all others, of the dataset of the study that has `method`."""
    study = study_of(method)
    with scratch() as folder:
        prepare(study.dataset, study.datasets[study.dataset], folder)
        whole = open_prepared(folder)
        kept = np.concatenate([whole.indices("train")[:TRAINING], whole.indices("validation"), whole.indices("test")])
        images = ArrayImages(whole.images.array[kept])  # in memory: the folder goes
        return replace(whole, images=images, labels=whole.labels[kept], splits=whole.splits[kept])


def preparation(dataset: str) -> Any:
    """The bytes of a prepared dataset of the demo: resizing and, for textures, photographs are part of it."""
    study = load_study(Path("params/demo.yaml"))
    with scratch() as folder:
        prepare(dataset, study.datasets[dataset], folder)
        return {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix == ".npy"}


def stored_jpeg() -> Any:
    """A photograph that is shrunk and encoded again, as preparation stores it, and what decoding gives."""
    size = 96
    ramp = np.linspace(0, 255, size * size * 2 * 3).reshape(size, 2 * size, 3)
    waves = (ramp + 40 * np.sin(np.arange(2 * size) / 3)[None, :, None]) % 256
    buffer = io.BytesIO()
    Image.fromarray(waves.astype(np.uint8)).save(buffer, "JPEG", quality=90)
    stored = encoded(buffer.getvalue(), 48).content
    return stored, np.asarray(Image.open(io.BytesIO(stored)))


# Methods --------------------------------------------------------------------------------------------------------------


def steps_of(method: str) -> Any:
    """The views and labels of one batch, then the state and history of a method after a few steps."""
    study = study_of(method)
    study = replace(study, diagnostics=replace(study.diagnostics, every=1))
    run, data = Run(method, BATCH, 1, SEED), prepared(method)
    state, batches = build_state(study, run, data, device=CPU), build_batches(study, run, data, device=CPU)
    train(state, batches, study, steps=STEPS, folder=Path("unused"))
    return batches.at(0), state.learner.state_dict(), state.history


# Evaluation -----------------------------------------------------------------------------------------------------------


def blobs() -> tuple[torch.Tensor, torch.Tensor]:
    """Return standardised features `(200, 24)` and labels `(200,)` of four overlapping classes."""
    random = np.random.default_rng(SEED)
    labels = np.arange(200) % 4
    x = torch.from_numpy(labels[:, None] + random.normal(0, 3, (200, 24))).float()
    return Standardisation.of(x)(x), torch.from_numpy(labels)


def linear_lbfgs() -> Any:
    return tuple(solve_lbfgs(*blobs(), classes=4, l2=1e-3))  # weak: the line search takes roots


def linear_sgd() -> Any:
    return tuple(solve_sgd(*blobs(), classes=4, l2=1e-2, epochs=3, batch_size=32, lr=0.1, seed=SEED))


def nearest_neighbours() -> Any:
    x, y = blobs()
    return votes(x[150:], x[:150], y[:150], neighbours=20, temperature=0.07, classes=4)


def fine_tuning() -> Any:
    study, data = study_of("simclr"), prepared("simclr")
    torch.manual_seed(SEED)
    backbone = build_backbone(study.network, channels=data.channels)
    model = with_fresh_head(backbone, classes=len(data.classes), seed=SEED)
    settings = replace(study.evaluation.transfer, epochs=1, batch_size=64)
    compute = Compute(CPU, "float32", channels_last=False)
    candidates = fine_tune(model, data, transfer=settings, seed=SEED, compute=compute)
    return [candidate.model.state_dict() for candidate in candidates]


# Theory ---------------------------------------------------------------------------------------------------------------


def decided(path: Path) -> Any:
    """Return what a result says, without the circumstances it was made in."""
    return {key: value for key, value in json.loads(path.read_text()).items() if key not in ("made_from", "digest")}


def estimator(step: Callable[..., None], *arguments: Any) -> Any:
    """The result of one estimator of the theory."""
    with scratch() as folder:
        step(small_setting(), *arguments, output=folder / "result.json")
        return decided(folder / "result.json")


def training_of(step: Callable[..., None], runs: Callable[..., Any], part: str, method: str) -> Any:
    """The encoder and the result of the first run of `method` in one part of the theory."""
    setting = small_setting()
    run = next(run for run in runs(getattr(setting, part)) if run.method == method)
    with scratch() as folder:
        step(setting, str(run), output=folder)
        return decided(folder / "run.json"), (folder / "encoder.safetensors").read_bytes()


def theory_checks() -> dict[str, Callable[[], Any]]:
    """Return the computations of the theory by name."""
    setting = small_setting()
    checks: dict[str, Callable[[], Any]] = {
        f"gaussian {bound}": partial(estimator, gaussian, bound, 0) for bound in BOUNDS
    }
    checks |= {f"rates {case}": partial(estimator, rates, case) for case in setting.estimators.rates.cases}
    checks["sphere"] = partial(estimator, sphere, 10)
    parts = {
        "latent_recovery": (latent_recovery, latent_recovery_runs),
        "content_isolation": (content_isolation, content_isolation_runs),
    }
    for part, (step, runs) in parts.items():
        methods = dict.fromkeys(run.method for run in runs(getattr(setting, part)))
        checks |= {f"{part} {method}": partial(training_of, step, runs, part, method) for method in methods}
    return checks


def all_checks() -> dict[str, Callable[[], Any]]:
    """Return every computation by name."""
    datasets = ("digits", "faces", "textures")
    return {
        **{f"preparation {name}": partial(preparation, name) for name in datasets},
        "stored jpeg": stored_jpeg,
        **{f"method {name}": partial(steps_of, name) for name in METHODS if name != "untrained"},
        "linear lbfgs": linear_lbfgs,
        "linear sgd": linear_sgd,
        "nearest neighbours": nearest_neighbours,
        "fine-tuning": fine_tuning,
        **theory_checks(),
    }


if __name__ == "__main__":
    file, *names = sys.argv[1:]
    make_deterministic(CPU, threads=1)
    checks = all_checks()
    with Refused():
        found = {name: digest_of(checks[name]()) for name in names or checks}
    Path(file).write_text(json.dumps(found, indent=1), encoding="utf-8")
