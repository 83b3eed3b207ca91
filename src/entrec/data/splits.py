"""Fixed, stratified parts: which images train, validate and test."""

import hashlib
from collections.abc import Iterable

import numpy as np
import torch
from numpy.typing import NDArray

from entrec.data import randomness
from entrec.data.source import Labelled
from entrec.errors import UserError
from entrec.settings import Dataset

PARTS = ("train", "validation", "test")
TRAIN, VALIDATION, TEST = range(3)


def split(source: Labelled, spec: Dataset, name: str) -> NDArray[np.uint8]:
    """The part (N,) of every image: the official ones, or a share `spec.test` of each class's groups.

    A share `spec.validation` of the groups left in each class validates where no official part does. The choice is a
    function of the class and the group alone. Raises `UserError` when a class would miss from a part.
    """
    shares = {"validation": (source.official_validation, spec.validation), "test": (source.official_test, spec.test)}
    for part, (official, share) in shares.items():
        if official is not None and share > 0:
            raise UserError(f"datasets.{name}.{part}: {share}; {spec.source} has an official {part} part: give 0")
    groups = np.arange(len(source.labels)) if source.groups is None else source.groups
    parts = np.full(len(source.labels), TRAIN, dtype=np.uint8)
    for code, official in ((VALIDATION, source.official_validation), (TEST, source.official_test)):
        if official is not None:
            parts[official] = code
    for label, class_name in enumerate(source.classes):
        rows = np.flatnonzero(source.labels == label)
        free = rows[parts[rows] == TRAIN]
        order = shuffled(groups[free], label)
        tested = _share(spec.test, len(order))
        validated = _share(spec.validation, len(order) - tested)
        parts[free[np.isin(groups[free], order[:tested])]] = TEST
        parts[free[np.isin(groups[free], order[tested : tested + validated])]] = VALIDATION
        check_all_parts(parts[rows], class_name, name)
    return parts


def shuffled(groups: NDArray[np.int64], label: int) -> NDArray[np.int64]:
    """The distinct groups in a fixed random order."""
    distinct = torch.from_numpy(np.unique(groups))
    keys = randomness.key(randomness.Purpose.SPLIT, label, distinct)
    shuffled: NDArray[np.int64] = distinct[torch.argsort(keys)].numpy()
    return shuffled


def groups_by_name(names: Iterable[str]) -> NDArray[np.int64]:
    """A group (N,) for each name, a function of it alone: neither the order nor missing images move the others."""
    digests = b"".join(hashlib.sha256(name.encode()).digest()[:8] for name in names)
    return np.frombuffer(digests, dtype="<i8").astype(np.int64)


def _share(share: float, count: int) -> int:
    return int(share * count + 0.5)


def check_all_parts(parts: NDArray[np.uint8], class_name: str, name: str) -> None:
    """Raise `UserError` when one of the `parts` of a class's images holds none of them."""
    counts = np.bincount(parts, minlength=len(PARTS))
    for part, count in zip(PARTS, counts, strict=True):
        if count == 0:
            raise UserError(
                f"datasets.{name}: class {class_name!r} has {len(parts)} images and none in the {part} part;"
                " add images or change the shares `validation` and `test`"
            )
