"""A section for each method of a study: its paper, what of it is followed, where it differs, and its settings.

The words are the docstring of the method's module, so that page and code cannot disagree.
"""

import ast
import re
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from markupsafe import Markup

from entrec.methods.registry import METHODS
from entrec.report.templates import fragment
from entrec.report.vision.protocol import Settings, flatten
from entrec.study import Study


@dataclass(frozen=True)
class MethodSection:
    """One method on the page; its paragraphs are plain text with backticks around code."""

    name: str
    title: str
    family: str
    paragraphs: list[str]
    settings: Settings


def method_sections(study: Study) -> list[MethodSection]:
    """Return one section per method, in the study's order."""
    return [_section(study, name) for name in study.methods]


def docstring(method: str) -> str:
    """Return the docstring of a method's module, read without an import, because torch takes seconds."""
    spec = find_spec(METHODS[method].module)
    assert spec is not None
    assert spec.origin is not None
    found = ast.get_docstring(ast.parse(Path(spec.origin).read_text(encoding="utf-8")))
    assert found is not None, f"{spec.origin} has no docstring"
    return found


def _section(study: Study, name: str) -> MethodSection:
    entry = METHODS[name]
    family = entry.traits.family if entry.traits else "baseline"
    settings = Settings(f"methods.{name}", flatten(study.methods[name]))
    return MethodSection(name, entry.title, family, re.split(r"\n\s*\n", docstring(name)), settings)


def notes_html(study: Study) -> Markup:
    """Return the study's own remarks, each under the title of the method that it is about."""
    return fragment("notes", {METHODS[name].title: note for name, note in study.notes.items()})
