"""YAML 1.2 as plain values: `1e-6` is a number, `yes`, `1:30` and dates are text, a key given twice is an error.

A file is read in at most a second, whatever stands in it: its size, its depth and the number of its values are limited,
and values that aliases repeat count each time.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from ruamel.yaml import YAML
from ruamel.yaml.composer import Composer, MaxDepthExceededError
from ruamel.yaml.constructor import SafeConstructor
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError

from entrec.errors import UserError, check_printable, one_line, shown

MOST_BYTES = 100_000  # the largest study has 13,000
MOST_VALUES = 10_000  # the largest study has 1,700
DEEPEST = 32
INTEGERS = range(-(2**63), 2**63)
CORE = "tag:yaml.org,2002:"
MERGE = f"{CORE}merge"
# of each kind of node, the tags whose values JSON has too; a date is text
PLAIN: dict[type[Node], set[str]] = {
    ScalarNode: {f"{CORE}{kind}" for kind in ("null", "bool", "int", "float", "str", "timestamp")},
    SequenceNode: {f"{CORE}seq"},
    MappingNode: {f"{CORE}map"},
}


class _TooMany(Exception):
    """More values than are read."""


class _Composer(Composer):
    """ruamel's composer with a limit; it lets an anchor be used again without a warning, as YAML does."""

    def __init__(self, loader: Any = None) -> None:
        super().__init__(loader)
        self.warn_double_anchors = False
        self.composed = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        self.composed += 1
        if self.composed > MOST_VALUES:
            raise _TooMany
        return super().compose_node(parent, index)


class _Constructor(SafeConstructor):
    """ruamel's safe constructor; a date is text."""


_Constructor.add_constructor(f"{CORE}timestamp", SafeConstructor.construct_yaml_str)


class WrongValue(NamedTuple):
    """A value that no file may hold: its dotted key, its line, and what is wrong with it."""

    key: str
    line: int
    problem: str


@dataclass(frozen=True)
class Document:
    """What a file says: its plain `values`, the line of each dotted key, and values that were left out as `wrong`."""

    path: Path
    values: dict[str, Any]
    lines: dict[str, int]
    wrong: list[WrongValue] = field(default_factory=list)

    def said(self, key: str, line: int, problem: str) -> str:
        """Return the line of a message about a dotted key; "" is the whole file."""
        return f"{self.path}, line {line}: " + (f"{one_line(key)}: {problem}" if key else problem)

    def line_of(self, key: str) -> int:
        """Return the line of a dotted key, or of the nearest key above it that the file has; the file begins at 1."""
        while key and key not in self.lines:
            key = key.rpartition(".")[0]
        return self.lines.get(key, 1)


def read_yaml(path: Path) -> dict[str, Any]:
    """Return the mapping in a file as plain values, as JSON has them.

    Raises `UserError` with one line for each fault: the file, the line of the fault, and what is wrong there.
    """
    document = read_document(path)
    if document.wrong:
        raise UserError("\n".join(document.said(*wrong) for wrong in document.wrong))
    return document.values


def read_document(path: Path) -> Document:
    """Return what a file says; raises `UserError`, one line, where it is not a mapping in YAML 1.2."""
    text = _read_text(path)
    for number, written in enumerate(text.splitlines(), start=1):
        if written.startswith("%"):
            raise UserError(
                f"{path}, line {number}: {shown(written)}: files are YAML 1.2 without directives; delete it"
            )
    yaml = YAML(typ="safe", pure=True)
    yaml.Composer, yaml.Constructor = _Composer, _Constructor
    yaml.max_depth = DEEPEST
    try:
        root = yaml.compose(text)
        return _document(path, root, yaml.constructor)
    except _TooMany as error:
        raise UserError(f"{path}: more than {MOST_VALUES:,} values, those that aliases repeat included") from error
    except ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise UserError(f"{path}, line {line}: character {chr(error.character)!r} is not allowed in YAML") from error
    except MaxDepthExceededError as error:
        raise UserError(f"{path}, {_line(error)}: nested deeper than {DEEPEST} levels") from error
    except MarkedYAMLError as error:
        problem = ": ".join(part for part in (error.context, error.problem) if part)
        raise UserError(f"{path}, {_line(error)}: {one_line(problem, widest=160)}") from error


def _document(path: Path, root: Node | None, constructor: SafeConstructor) -> Document:
    if root is None:
        raise UserError(f"{path}: the file is empty")
    if not isinstance(root, MappingNode) or root.tag not in PLAIN[MappingNode]:
        found = {ScalarNode: "one value", SequenceNode: "a list"}.get(type(root), f"a mapping with the tag {root.tag}")
        raise UserError(f"{path}: expected keys and values, found {found}")
    reading = _Reading(constructor)
    return Document(path, reading.mapping(root, ""), reading.lines, reading.wrong)


class _WrongNode(Exception):
    """A node whose value is left out; it has been noted among what is `wrong`."""


class _Reading:
    """Turns nodes into plain values, and notes the line of each dotted key and every value that is wrong."""

    def __init__(self, constructor: SafeConstructor) -> None:
        self.constructor = constructor
        self.lines: dict[str, int] = {}
        self.wrong: list[WrongValue] = []
        self.read = 0
        self.around: list[int] = []  # the collections that the present node lies in

    def value(self, node: Node, place: str) -> Any:
        """Return the value of a node under the dotted key `place`; raises `_WrongNode`."""
        self.read += 1
        if self.read > MOST_VALUES:
            raise _TooMany
        if str(node.tag) not in PLAIN[type(node)]:
            raise self._fault(
                node, place, f"tag {shown(str(node.tag).replace(CORE, '!!'))}: only plain values are read"
            )
        if isinstance(node, ScalarNode):
            return self._scalar(node, place)
        if id(node) in self.around:
            raise self._fault(node, place, f"*{node.anchor}: a value that holds itself")
        self.around.append(id(node))
        try:
            return self.mapping(node, place) if isinstance(node, MappingNode) else self._sequence(node, place)
        finally:
            self.around.pop()

    def mapping(self, node: MappingNode, place: str) -> dict[Any, Any]:
        """Return the keys and values of a mapping, first those that it merges (`<<`)."""
        merged: dict[Any, Any] = {}
        own: dict[Any, Any] = {}
        seen: set[str] = set()
        for key_node, value_node in node.value:
            if key_node.tag == MERGE:
                for base in reversed(list(self._merged(value_node, place))):
                    merged |= base
        for key_node, value_node in node.value:
            if key_node.tag != MERGE:
                self._add(own, seen, key_node, value_node, place)
        if sum(key_node.tag == MERGE for key_node, _ in node.value) > 1:
            self._fault(node, _below(place, "<<"), "this key is given twice; write <<: [*one, *other]")
        return merged | own

    def _add(self, values: dict[Any, Any], seen: set[str], key_node: Node, value_node: Node, place: str) -> None:
        try:
            key = self._key(key_node, place)
        except _WrongNode:
            return
        inner = _below(place, key)
        if str(key) in seen:
            self._fault(key_node, inner, "this key is given twice")
            return
        seen.add(str(key))
        self.lines[inner] = key_node.start_mark.line + 1
        try:
            values[key] = self.value(value_node, inner)
        except _WrongNode:
            return

    def _key(self, node: Node, place: str) -> Any:
        if not isinstance(node, ScalarNode):
            raise self._fault(node, place, "a key must be text, not a list or a mapping")
        if node.tag not in (f"{CORE}str", f"{CORE}int", f"{CORE}timestamp"):
            raise self._fault(node, place, f"key {shown(node.value)}: a key must be text; write it in quotes")
        return self.value(node, place)

    def _merged(self, node: Node, place: str) -> Iterator[dict[Any, Any]]:
        """Yield the mappings that a merge key names."""
        each = node.value if isinstance(node, SequenceNode) else [node]
        for one in each:
            if not isinstance(one, MappingNode):
                self._fault(one, _below(place, "<<"), "takes an alias of a mapping, or a list of them")
                continue
            try:
                yield self.value(one, place)
            except _WrongNode:
                continue

    def _sequence(self, node: Node, place: str) -> list[Any]:
        values = []
        for i, item in enumerate(node.value):
            inner = _below(place, i)
            self.lines[inner] = item.start_mark.line + 1
            values.append(self.value(item, inner))
        return values

    def _scalar(self, node: ScalarNode, place: str) -> Any:
        try:
            value = self.constructor.construct_object(node)
        except (ValueError, LookupError, MarkedYAMLError) as error:  # such as `!!int x`, `!!bool x`, 5,000 digits
            raise self._fault(node, place, f"{shown(node.value)}: no {str(node.tag).replace(CORE, '')}") from error
        if isinstance(value, float) and not math.isfinite(value):
            raise self._fault(node, place, f"{node.value}: a number must be finite")
        if isinstance(value, int) and value not in INTEGERS:
            raise self._fault(node, place, f"{shown(node.value)}: a whole number must have at most 64 bits")
        if isinstance(value, str) and re.search("[\ud800-\udfff\0]", value):
            raise self._fault(node, place, f"{shown(value)}: half a character (\\uD800 to \\uDFFF), or \\0")
        return value

    def _fault(self, node: Node, key: str, problem: str) -> _WrongNode:
        """Note what is wrong with the node under the dotted key, and return the error that leaves the node out."""
        self.wrong.append(WrongValue(key, node.start_mark.line + 1, problem))
        return _WrongNode()


def _below(place: str, key: object) -> str:
    return f"{place}.{key}" if place else str(key)


def _line(error: MarkedYAMLError) -> str:
    mark = error.problem_mark or error.context_mark
    return f"line {mark.line + 1}" if mark else "line 1"


def _read_text(path: Path) -> str:
    check_printable(path)
    try:
        if path.exists() and not path.is_file() and not path.is_dir():  # a pipe or a device may have no end
            raise UserError(f"{path}: not a regular file; studies are params/*.yaml")
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
        if len(content) > MOST_BYTES:
            raise UserError(f"{path}: more than {MOST_BYTES:,} bytes, the most that a file of settings may have")
        return content.decode("utf-8-sig")
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such file; studies are params/*.yaml") from error
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise UserError(f"{path}, line {line}: not UTF-8 ({error.reason}); save the file as UTF-8") from error
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}); studies are params/*.yaml") from error
