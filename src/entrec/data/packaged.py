"""Files that ship inside installed Python packages, found without importing the package."""

from importlib.util import find_spec
from pathlib import Path

from entrec.errors import UserError


def packaged_file(package: str, name: str) -> Path:
    """Return the path of file `name` inside `package`; raises `UserError` when the package or the file is missing."""
    spec = find_spec(package)
    folders = (spec.submodule_search_locations if spec else None) or []
    for folder in folders:
        path = Path(folder) / name
        if path.is_file():
            return path
    raise UserError(f"{package}/{name}: not in this Python environment; reinstall it from requirements.lock")
