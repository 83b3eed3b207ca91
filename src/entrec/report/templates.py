"""Fills the templates in `reports/templates`, where all HTML is. Every text that is put into a template is escaped."""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from entrec.errors import UserError

PAGES = Path("reports")  # of this repository, from whose root every command runs


def fragment(macro: str, *values: Any, **options: Any) -> Markup:
    """Return the HTML that a macro of `macros.html.j2` makes of `values`."""
    made: Markup = getattr(_jinja().get_template("macros.html.j2").module, macro)(*values, **options)
    return made


def fill(template: str, context: Mapping[str, Any]) -> str:
    """Return the page that `template` makes of `context`."""
    return _jinja().get_template(template).render(context)


def notebook(name: str) -> Path:
    """Return the path of the notebook `name` of this repository; raises `UserError` where it is missing."""
    return require_file(PAGES / "notebooks" / f"{name}.ipynb")


def require_file(path: Path) -> Path:
    """Return `path`, a file of this repository; raises `UserError` where it is missing."""
    if not path.is_file():
        raise UserError(f"{path}: missing; run from the repository's root, which holds reports/templates and notebooks")
    return path


@lru_cache
def _jinja() -> Environment:
    folder = require_file(PAGES / "templates" / "macros.html.j2").parent
    loader = FileSystemLoader(folder)
    return Environment(
        loader=loader,
        autoescape=True,
        finalize=_unbroken,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _unbroken(value: Any) -> Any:
    """Return a text whose lines do not break within `κ = 10` or `94.4 ± 0.3`; return other values as they are."""
    if not isinstance(value, str):
        return value
    return value.replace("κ = ", "κ\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}").replace(
        " ± ", "\N{NO-BREAK SPACE}±\N{NO-BREAK SPACE}"
    )
