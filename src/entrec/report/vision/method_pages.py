"""A section for each method of a study: its paper, what of it is followed, where it differs, and its settings.

The words are the docstring of the method's module, so that page and code cannot disagree.
"""

import inspect
from dataclasses import dataclass
from importlib import import_module

from markupsafe import Markup

from entrec.methods.registry import METHODS
from entrec.report.templates import fragment
from entrec.report.vision.protocol import flatten
from entrec.study import Study


@dataclass(frozen=True)
class MethodSection:
    """One method on the page: its paragraphs, in which backticks mark code, and its settings by dotted key."""

    name: str
    title: str
    family: str
    paragraphs: list[str]
    settings: list[tuple[str, str]]


def method_sections(study: Study) -> list[MethodSection]:
    """Return one section per method, in the study's order."""
    return [_section(study, name) for name in study.methods]


def _section(study: Study, name: str) -> MethodSection:
    entry = METHODS[name]
    family = entry.traits.family if entry.traits else "baseline"
    words = inspect.getdoc(import_module(entry.module)) or ""
    return MethodSection(name, entry.title, family, words.split("\n\n"), flatten(study.methods[name]))


def notes_html(study: Study) -> Markup:
    """Return the study's own remarks, each under the title of the method that it is about."""
    return fragment("notes", {METHODS[name].title: note for name, note in study.notes.items()})
