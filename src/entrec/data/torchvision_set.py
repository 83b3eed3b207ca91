"""Datasets that torchvision knows how to fetch and to list, from files that are there or else by download."""

from pathlib import Path
from typing import Any

from entrec.data.faults import reason
from entrec.data.stand_in import stand_in_digests
from entrec.errors import UserError


def fetched(kind: str, root: Path, advice: str, **options: Any) -> Any:
    """Torchvision's dataset `kind` in `root`; raises `UserError` with `advice` when it is not there nor to be had."""
    reader = _reader(kind, root)
    try:
        return reader(str(root), **options)
    except Exception as fault:  # its readers, and those it calls, have no exception in common
        try:
            return reader(str(root), download=True, **options)
        except Exception as error:
            found, _, _ = reason(fault).partition(" You can use download=True")  # which was just tried
            raise UserError(
                f"{root}: {kind} is missing or incomplete ({found}), and fetching it failed ({reason(error)}); {advice}"
            ) from error


def _reader(kind: str, root: Path) -> Any:
    """Torchvision's class, which checks a stand-in's files by the stand-in's digests."""
    from torchvision import datasets  # here: takes seconds to import

    reader = getattr(datasets, kind)
    digests = stand_in_digests(root)
    if digests is None:
        return reader
    own: dict[str, Any] = {}
    if kind.startswith("CIFAR"):
        own = {
            name: [[file, digests[file]] for file, _ in getattr(reader, name)] for name in ("train_list", "test_list")
        }
        own["meta"] = reader.meta | {"md5": digests[reader.meta["filename"]]}
    if kind == "Flowers102":
        own = {"_file_dict": {key: (file, digests.get(file, md5)) for key, (file, md5) in reader._file_dict.items()}}
    return type(kind, (reader,), own)
