"""Hypothesis strategies: studies with a few mistakes, and settings of every kind that a study may have."""

import json
import math
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

from hypothesis import strategies as st

from entrec.allowed import bare, bounds_of, is_optional
from entrec.yaml_reader import read_yaml

STUDIES = sorted(Path("params").glob("*.yaml"))
# what people write by mistake, and what a parser of YAML stumbles over
SCALARS = st.sampled_from(
    [
        "", "null", "true", "yes", "0", "-1", "1", "2", "8", "0256", "1:30", "1e-3", "1e400", ".inf", ".nan", "5%",
        "1,5", "'8'", '"0.5"', "9223372036854775807", "9223372036854775808", "2147483648", "x" * 200, "é🙂",
        '"\\uD800"', '"\\0"', "[]", "{}", "[1]", "[2, 2]", "[[1]]", "{a: 1}", "*nothing", "&view 3",
        "!!python/object:os.system x", "!!int x", "../..", "$(touch Y)", "a b", "'a\"b'", "digits", "simclr", "sgd",
        "folder", "vmf", "small_resnet", "|", ">-", "%", "@x", "`", "- 1", "? a", "<<", "<<: 3", "--- 1",
    ]
)  # fmt: skip
LINES = st.sampled_from(
    [
        "", "\t", "---", "...", "%YAML 1.1", "<<: *view", "a: &a [*a]", "null: 1", "? [a]", "x" * 2000, "[" * 200, "\0",
        "\ufeff",
    ]
)  # fmt: skip
KINDS = ["value", "key", "swap", "cut", "twice", "gone", "indent", "line", "character", "word"]
WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


@st.composite
def mutated_studies(draw: Callable[..., Any]) -> str:
    """Draw the text of a file of `params/` with up to four mistakes in it."""
    lines = draw(st.sampled_from(STUDIES)).read_text().split("\n")
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(lines) - 1))
        lines[at : at + 1] = draw(_mutated_line(lines[at], lines))
    return "\n".join(lines)


@st.composite
def _mutated_line(draw: Callable[..., Any], line: str, lines: list[str]) -> list[str]:
    kind = draw(
        st.sampled_from(["value", "key", "swap", "cut", "twice", "gone", "indent", "line", "character", "word"])
    )
    head, colon, _ = line.partition(": ")
    match kind:
        case "value":
            return [f"{head}: {draw(SCALARS)}" if colon else f"{line}{draw(SCALARS)}"]
        case "key":
            return [line.replace(head.strip() or "x", draw(WORDS), 1)]
        case "swap":
            return [draw(st.sampled_from(lines)), line]
        case "cut":
            return [line[: draw(st.integers(0, len(line)))]]
        case "twice":
            return [line, line]
        case "gone":
            return []
        case "indent":
            return [" " * draw(st.integers(0, 6)) + line.lstrip()]
        case "line":
            return [line, draw(LINES)]
        case "character":
            at = draw(st.integers(0, len(line)))
            return [line[:at] + draw(st.text(max_size=2).filter(lambda text: text < "\ud800" or True)) + line[at + 1 :]]
        case _:
            words = line.split(" ")
            words[draw(st.integers(0, len(words) - 1))] = draw(SCALARS)
            return [" ".join(words)]


@st.composite
def mutated_values(draw: Callable[..., Any]) -> str:
    """Draw a study as JSON in which up to three values are others: its form is right, and its values are not."""
    raw = json.loads(_as_json(draw(st.sampled_from(STUDIES))))
    for _ in range(draw(st.integers(1, 3))):
        places = list(_places(raw))
        holder, key = draw(st.sampled_from(places))
        if draw(st.booleans()):
            other, other_key = draw(st.sampled_from(places))
            holder[key] = json.loads(json.dumps(other[other_key]))
        else:
            holder[key] = draw(
                st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | WORDS
                | st.lists(st.integers(-2, 300), max_size=4) | st.dictionaries(WORDS, st.integers(), max_size=2)
            )  # fmt: skip
    return json.dumps(raw, indent=1)


@cache
def _as_json(study: Path) -> str:
    return json.dumps(read_yaml(study))


def _places(values: Any) -> Any:
    """Yield every mapping or list with each of its keys."""
    for key, value in values.items() if isinstance(values, dict) else enumerate(values):
        yield values, key
        if isinstance(value, dict | list):
            yield from _places(value)


def settings_of(kind: Any, *, largest: int = 8) -> st.SearchStrategy[Any]:
    """Return plain values that a type of settings allows, at the ends of their ranges above all.

    Whole numbers are at most `largest` above the least, so that networks stay small. Values that contradict each other
    are among them.
    """
    own, bounds = bare(kind), bounds_of(kind)
    least, most = bounds.get("ge", bounds.get("gt", 0)), bounds.get("le", bounds.get("lt", math.inf))
    if own is bool:
        values: st.SearchStrategy[Any] = st.booleans()
    elif own is int:
        values = st.integers(int(least), int(min(most, least + largest)))
    elif own is float:
        inner = [1e-3, 0.5, 1.0, 10.0, math.nextafter(most, 0) if "lt" in bounds else most, least]
        values = st.sampled_from([x for x in inner if least <= x <= most and not ("lt" in bounds and x >= most)])
    elif get_origin(own) is Literal:
        values = st.sampled_from(get_args(own))
    elif get_origin(own) is tuple and get_args(own)[-1] is ...:
        values = st.lists(settings_of(get_args(own)[0], largest=largest), min_size=1, max_size=3)
    elif get_origin(own) is tuple:
        values = st.tuples(*(settings_of(one, largest=largest) for one in get_args(own))).map(sorted)
    elif is_dataclass(own):
        types = get_type_hints(own, include_extras=True)
        values = st.fixed_dictionaries({f.name: settings_of(types[f.name], largest=largest) for f in fields(own)})
    else:
        raise TypeError(f"no strategy for {kind}")
    return st.none() | values if is_optional(kind) else values
