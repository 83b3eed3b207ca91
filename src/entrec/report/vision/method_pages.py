"""A section for each method of a study: its paper, what of it is followed, how this differs, and its settings.

The words are the docstring of the method's module, so that page and code cannot disagree.
"""

import ast
import re
from importlib.util import find_spec
from pathlib import Path

from markupsafe import Markup, escape

from entrec.methods.registry import METHODS
from entrec.report.markup import joined
from entrec.report.vision.protocol import settings_table
from entrec.study import Study


def method_sections(study: Study) -> Markup:
    """One folded section per method, in the study's order."""
    return joined(_section(study, name) for name in study.methods)


def docstring(method: str) -> str:
    """That of the module which holds `method`, read without importing it: torch takes seconds."""
    spec = find_spec(METHODS[method].module)
    assert spec is not None
    assert spec.origin is not None
    found = ast.get_docstring(ast.parse(Path(spec.origin).read_text(encoding="utf-8")))
    assert found is not None, f"{spec.origin} has no docstring"
    return found


def paragraphs(text: str) -> Markup:
    """Blank lines part paragraphs, backticks mark code; everything else is text."""
    return joined(Markup("<p>{}</p>").format(_with_code(part)) for part in re.split(r"\n\s*\n", text))


def _section(study: Study, name: str) -> Markup:
    entry = METHODS[name]
    family = entry.traits.family if entry.traits else "baseline"
    settings = study.methods[name]
    table = settings_table(f"methods.{name}", settings) if settings else Markup("")
    return Markup('<details id="method_{}">\n<summary>{} <small>{}</small></summary>\n{}\n{}\n</details>').format(
        name, entry.title, family, paragraphs(docstring(name)), table
    )


def _with_code(text: str) -> Markup:
    parts = enumerate(re.split("`([^`]+)`", text))
    return Markup("").join(Markup("<code>{}</code>").format(part) if i % 2 else escape(part) for i, part in parts)
