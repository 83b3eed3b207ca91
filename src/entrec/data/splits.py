"""Fixed, stratified splits: which images train, validate and test."""

import hashlib
from collections.abc import Iterable
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from entrec.data import randomness
from entrec.data.source import Labelled
from entrec.errors import UserError, shown
from entrec.settings import Dataset

SplitName = Literal["train", "validation", "test"]
SPLITS: tuple[SplitName, ...] = ("train", "validation", "test")
TRAIN, VALIDATION, TEST = range(3)  # the numbers that `splits.npy` holds: indices into SPLITS


def split(images: Labelled, spec: Dataset, name: str) -> NDArray[np.uint8]:
    """Return the split (N,) of every image: `TRAIN`, `VALIDATION` or `TEST`.

    An image of an official split stays in it. Without an official test split, the share `spec.test` of each class's
    groups tests. Of the groups that are then left in each class the share `spec.validation` validates, unless there is
    an official validation split. The choice depends on the class and the group alone, so it is the same in every run.
    Raises `UserError` for a share beside an official split, and when a split would hold no image of some class.
    """
    shares = {"validation": (images.official_validation, spec.validation), "test": (images.official_test, spec.test)}
    for key, (official, share) in shares.items():
        if official is not None and official.any() and share > 0:
            raise UserError(f"datasets.{name}.{key}: {share}; {spec.source} has an official {key} split: give 0")
    groups = np.arange(len(images.labels)) if images.groups is None else images.groups
    splits = np.full(len(images.labels), TRAIN, dtype=np.uint8)
    for number, official in ((VALIDATION, images.official_validation), (TEST, images.official_test)):
        if official is not None:
            splits[official] = number
    for label, class_name in enumerate(images.classes):
        rows = np.flatnonzero(images.labels == label)
        free = rows[splits[rows] == TRAIN]
        order = shuffled(groups[free], label)
        tested = _share(spec.test, len(order))
        validated = _share(spec.validation, len(order) - tested)
        splits[free[np.isin(groups[free], order[:tested])]] = TEST
        splits[free[np.isin(groups[free], order[tested : tested + validated])]] = VALIDATION
        check_all_splits(splits[rows], class_name, name)
    return splits


def shuffled(groups: NDArray[np.int64], label: int) -> NDArray[np.int64]:
    """Return the distinct groups of class `label` in an order that is random but the same in every run."""
    distinct = torch.from_numpy(np.unique(groups))
    keys = randomness.key(randomness.Purpose.SPLIT, label, distinct)
    shuffled: NDArray[np.int64] = distinct[torch.argsort(keys)].numpy()
    return shuffled


def groups_by_name(names: Iterable[str]) -> NDArray[np.int64]:
    """Return a group (N,) for each name that depends on the name alone, not on the order or on missing images."""
    digests = b"".join(hashlib.sha256(name.encode()).digest()[:8] for name in names)
    return np.frombuffer(digests, dtype="<i8").astype(np.int64)


def check_all_splits(splits: NDArray[np.uint8], class_name: str, name: str) -> None:
    """Raise `UserError` when one of the three splits holds no image of a class, whose images have these `splits`."""
    counts = np.bincount(splits, minlength=len(SPLITS))
    for key, count in zip(SPLITS, counts, strict=True):
        if count == 0:
            raise UserError(
                f"datasets.{name}: class {shown(class_name)} has {len(splits)} images and none in the {key} split;"
                " add images or change the shares `validation` and `test`"
            )


def _share(share: float, count: int) -> int:
    return int(share * count + 0.5)
