"""Runs the report's notebooks with papermill and exports them as fragments of HTML with nbconvert.

Jupyter works in a temporary folder: its kernel is the current interpreter with this package, and it communicates over
sockets in that folder instead of ports. Nothing is left in the user's home, and reports that are rendered at the same
time do not meet.
"""

import json
import os
import socket
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from entrec import errors
from entrec.artefacts import replacing
from entrec.errors import UserError

KERNEL = "entrec-report"
START_SECONDS, CELL_SECONDS = 120, 600
SOCKET = "k"  # begins the names of a kernel's sockets
SHORT_FOLDERS = ("/tmp", "/dev/shm", "/var/tmp")  # where TMPDIR cannot hold sockets


@contextmanager
def jupyter_home() -> Iterator[None]:
    """Point Jupyter and IPython at a private temporary folder with one kernel: the current interpreter.

    Raises `UserError` where no temporary folder can hold sockets.
    """
    with _folder_for_sockets() as folder:
        home = Path(folder)
        spec = home / "kernels" / KERNEL / "kernel.json"
        spec.parent.mkdir(parents=True)
        # with frozen modules the debugger would warn, and nobody debugs here
        command = [sys.executable, "-Xfrozen_modules=off", "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        spec.write_text(json.dumps({"argv": command, "display_name": KERNEL, "language": "python"}))
        package = str(Path(__file__).parents[2])
        path = os.pathsep.join([package, *filter(None, [os.environ.get("PYTHONPATH")])])
        changed = {
            "JUPYTER_PATH": folder,
            "JUPYTER_DATA_DIR": folder,
            "JUPYTER_CONFIG_DIR": str(home / "config"),
            "JUPYTER_RUNTIME_DIR": folder,
            "JUPYTER_NO_CONFIG": "1",
            "IPYTHONDIR": str(home / "ipython"),
            "PYTHONPATH": path,
        }
        before = {key: os.environ.get(key) for key in changed}
        os.environ.update(changed)
        try:
            yield
        finally:
            for key, value in before.items():
                os.environ.pop(key) if value is None else os.environ.update({key: value})


def execute(notebook: Path, parameters: Mapping[str, Any], output: Path) -> None:
    """Run `notebook` with `parameters` and write it, with its outputs, to `output`.

    It must be called inside `jupyter_home`. A `UserError` in a cell is raised here again; any other exception keeps
    papermill's account of the cell in which it happened.
    """
    # papermill and Jupyter take a second to import, and only the report needs them
    import papermill
    from jupyter_client.manager import AsyncKernelManager
    from papermill.exceptions import PapermillExecutionError

    class LocalKernelManager(AsyncKernelManager):  # type: ignore[misc]
        """A manager that uses sockets in the folder of `jupyter_home` and opens no port.

        Each manager has a folder for its sockets, because their names count up and do not tell managers apart.
        """

        def __init__(self, **options: Any) -> None:
            sockets = tempfile.mkdtemp(prefix="", dir=os.environ["JUPYTER_RUNTIME_DIR"])
            super().__init__(**{**options, "transport": "ipc", "ip": os.path.join(sockets, SOCKET)})

    try:
        with replacing(output) as scratch:
            executed = papermill.execute_notebook(
                str(notebook),
                None,
                parameters=dict(parameters),
                kernel_name=KERNEL,
                language="python",
                progress_bar=False,
                start_timeout=START_SECONDS,
                execution_timeout=CELL_SECONDS,
                kernel_manager_class=LocalKernelManager,
            )
            scratch.write_text(json.dumps(_without_circumstances(executed), indent=1) + "\n", encoding="utf-8")
    except PapermillExecutionError as error:
        if issubclass(getattr(errors, error.ename, Exception), UserError):
            raise UserError(error.evalue) from error
        raise


def to_html(notebook: Path) -> str:
    """Return the outputs and texts of an executed notebook as a fragment of HTML, without its code."""
    from nbconvert import HTMLExporter

    exporter = HTMLExporter(
        template_name="basic",
        exclude_input=True,
        exclude_input_prompt=True,
        exclude_output_prompt=True,
        exclude_anchor_links=True,
    )
    body: str = exporter.from_filename(str(notebook))[0]
    return body


@contextmanager
def _folder_for_sockets() -> Iterator[str]:
    """Make a temporary folder that can hold sockets, and remove it afterwards.

    The path of a socket may have about a hundred characters, which a long TMPDIR exceeds, and some file systems have no
    sockets.
    """
    for parent in (_temporary(), *SHORT_FOLDERS):
        with ExitStack() as stack:
            try:
                folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="entrec-", dir=parent))
                with socket.socket(socket.AF_UNIX) as test, tempfile.TemporaryDirectory(prefix="", dir=folder) as inner:
                    test.bind(os.path.join(inner, f"{SOCKET}-0"))
            except OSError:
                continue
            yield folder
            return
    tried = ", ".join((_temporary(), *SHORT_FOLDERS))
    raise UserError(
        f"TMPDIR: none of {tried} can hold a socket; set TMPDIR to a short path of a folder on a local disk"
    )


def _temporary() -> str:
    """Return the system's temporary folder, or the working folder where there is none."""
    try:
        return tempfile.gettempdir()
    except FileNotFoundError:
        return os.getcwd()


def _without_circumstances(notebook: Any) -> Any:
    """Return the notebook without what differs when it is run again: times, paths, versions and random names."""
    notebook.metadata.pop("papermill", None)
    notebook.metadata["language_info"] = {"name": "python"}
    for place, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{place}"  # papermill draws one for the parameters
        for key in ("papermill", "execution"):
            cell.metadata.pop(key, None)
    return notebook
