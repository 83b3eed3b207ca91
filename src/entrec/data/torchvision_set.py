"""Datasets that torchvision reads and, where their makers' servers still answer, downloads."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from entrec.artefacts import in_turn
from entrec.data.reasons import reason
from entrec.data.source import EncodedImage, Listing, Loaded
from entrec.data.stand_in import origin_of, stand_in_digests
from entrec.errors import UserError
from entrec.settings import Dataset


@dataclass(frozen=True, kw_only=True)
class TorchvisionSet:
    """A dataset with the name of torchvision's class, and what cards and messages say of it.

    `{classes}` in the `description` stands for their number. `splits` gives torchvision's name of each of our splits
    that has an official list. `advice` says which files belong where. Where torchvision's class compares digests,
    `digests` returns the attributes of the class that hold them, given the class and a stand-in's MD5 by file name.
    """

    reader: str
    description: str
    licence: str
    origin: str
    advice: str
    splits: dict[str, str] = field(default_factory=dict)
    digests: Callable[[Any, dict[str, str]], dict[str, Any]] | None = None

    def from_files(self, root: Path, **options: Any) -> Any:
        """Return torchvision's dataset from the files in `root`; raises what torchvision raises where they are faulty.

        A stand-in's files are compared with the stand-in's own digests.
        """
        from torchvision import datasets  # imported here because it takes seconds

        reader, digests = getattr(datasets, self.reader), stand_in_digests(root)
        if digests is not None and self.digests is not None:
            reader = type(self.reader, (reader,), self.digests(reader, digests))
        return reader(str(root), **options)

    def read(self, root: Path, **options: Any) -> Any:
        """Return torchvision's dataset in `root`, downloaded into it where it is missing.

        Processes read and download it in turn. Raises `UserError` with `advice` when it is neither there nor can be
        downloaded.
        """
        with in_turn(root):
            return self._read(root, **options)

    def _read(self, root: Path, **options: Any) -> Any:
        try:
            return self.from_files(root, **options)
        except Exception as fault:  # torchvision's readers, and those they call, have no exception in common
            try:
                return self.from_files(root, download=True, **options)
            except Exception as error:
                found, _, _ = reason(fault).partition(" You can use download=True")  # which was just tried
                raise UserError(
                    f"{root}: {self.reader} is missing or incomplete ({found}), and downloading it failed"
                    f" ({reason(error)}); {self.advice}"
                ) from error

    def listing(self, spec: Dataset) -> Listing:
        """List the images of all official splits below `spec.path`, in the order of the makers' lists."""
        root = Path(spec.path or "")
        read = {ours: self.read(root, split=theirs) for ours, theirs in self.splits.items()}
        classes = list(read["train"].classes)
        for split, found in read.items():
            if list(found.classes) != classes:
                raise UserError(
                    f"{root}: {self.reader}'s {split} split has other classes than its training split; {self.advice}"
                )
        files = {split: _files(found) for split, found in read.items()}
        splits = np.repeat(list(files), [len(listed) for listed in files.values()])
        return self.listed(
            root,
            [pair for listed in files.values() for pair in listed],
            classes,
            official_validation=splits == "validation" if "validation" in files else None,
            official_test=splits == "test",
        )

    def listed(self, root: Path, labelled: list[tuple[str, int]], classes: list[str], **official: Any) -> Listing:
        """Return the listing of the files and labels `labelled`, with what is known of this dataset."""
        return Listing(
            images=[EncodedImage.of_file(path) for path, _ in labelled],
            labels=np.array([label for _, label in labelled], dtype=np.int64),
            **self._facts(root, classes),
            **official,
        )

    def loaded(self, root: Path, train: Any, test: Any, classes: list[str]) -> Loaded:
        """Return the images of two of torchvision's datasets, the official training and test splits, as one array."""
        images = np.concatenate([np.asarray(found.data) for found in (train, test)])
        labels = np.concatenate([np.asarray(found.targets, dtype=np.int64) for found in (train, test)])
        return Loaded(
            images=images if images.ndim == 4 else images[..., None],
            labels=labels,
            official_test=np.arange(len(labels)) >= len(train.targets),
            **self._facts(root, classes),
        )

    def _facts(self, root: Path, classes: list[str]) -> dict[str, Any]:
        description = self.description.format(classes=len(classes))
        origin = origin_of(root, self.origin)
        return {"classes": classes, "description": description, "licence": self.licence, "origin": origin}


def _files(dataset: Any) -> list[tuple[str, int]]:
    """Return path and label of every image of one of torchvision's datasets, whose lists have different names."""
    if hasattr(dataset, "_samples"):
        return [(path, int(label)) for path, label in dataset._samples]
    paths = dataset._images if hasattr(dataset, "_images") else dataset._image_files
    return [(str(path), int(label)) for path, label in zip(paths, dataset._labels, strict=True)]
