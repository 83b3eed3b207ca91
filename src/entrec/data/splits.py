"""Fixed, stratified parts: which images train, validate and test."""

import numpy as np
import torch
from numpy.typing import NDArray

from entrec.data import randomness
from entrec.data.source import Source
from entrec.errors import UserError
from entrec.settings import Dataset

PARTS = ("train", "validation", "test")
TRAIN, VALIDATION, TEST = range(3)


def split(source: Source, spec: Dataset, name: str) -> NDArray[np.uint8]:
    """The part (N,) of every image: the official test part, or a share `spec.test` of each class's groups.

    A share `spec.validation` of the groups left in each class validates. The choice is a function of the
    class and the group alone. Raises `UserError` when a class would miss from a part.
    """
    if source.official_test is not None and spec.test > 0:
        raise UserError(f"datasets.{name}.test: {spec.test}; {spec.source} has an official test part: give 0")
    groups = np.arange(len(source.labels)) if source.groups is None else source.groups
    official = np.zeros(len(source.labels), dtype=bool) if source.official_test is None else source.official_test
    parts = np.where(official, TEST, TRAIN).astype(np.uint8)
    for label, class_name in enumerate(source.classes):
        free = _shuffled(groups[(source.labels == label) & ~official], label)
        tested = _share(spec.test, len(free))
        validated = _share(spec.validation, len(free) - tested)
        own = source.labels == label
        parts[own & np.isin(groups, free[:tested])] = TEST
        parts[own & np.isin(groups, free[tested : tested + validated])] = VALIDATION
        _check_all_parts(parts[own], class_name, name)
    return parts


def _shuffled(groups: NDArray[np.int64], label: int) -> NDArray[np.int64]:
    """The distinct groups in a fixed random order."""
    distinct = torch.from_numpy(np.unique(groups))
    keys = randomness.key(randomness.Purpose.SPLIT, label, distinct)
    shuffled: NDArray[np.int64] = distinct[torch.argsort(keys)].numpy()
    return shuffled


def _share(share: float, count: int) -> int:
    return int(share * count + 0.5)


def _check_all_parts(parts: NDArray[np.uint8], class_name: str, name: str) -> None:
    counts = np.bincount(parts, minlength=len(PARTS))
    for part, count in zip(PARTS, counts, strict=True):
        if count == 0:
            raise UserError(
                f"datasets.{name}: class {class_name!r} has {len(parts)} images and none in the {part} part;"
                " add images or change the shares `validation` and `test`"
            )
