"""YAML 1.2 as plain values: `1e-6` is a number, `yes`, `1:30` and dates are text, a key given twice is an error.

A file is read in at most a second, whatever stands in it: its size, its depth and the number of its values are limited,
and values that aliases repeat count each time.
"""

import math
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
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
    """A value that no file may hold: its dotted key, its line, what is wrong with it, and its node."""

    key: str
    line: int
    problem: str
    node: int


class Place(NamedTuple):
    """Where the value of a dotted key stands: its line and its node, which aliases share.

    `base` is the node of the mapping that it merges first, or else its own.
    """

    line: int
    node: int
    base: int


@dataclass(frozen=True)
class Document:
    """What a file says: its plain `values`, the place of each dotted key, and values that were left out as `wrong`."""

    path: Path
    values: dict[str, Any]
    places: dict[str, Place]
    wrong: list[WrongValue] = field(default_factory=list)

    def said(self, faults: Iterable[tuple[str, str]] = ()) -> list[str]:
        """Return a line for each of `faults`, dotted keys with what is wrong there, and for what is `wrong`.

        They are in the file's order. A mistake that aliases and merge keys repeat is one line, which also names the
        other keys.
        """
        found = [(one.line, (one.node, ""), one.key, one.problem) for one in self.wrong]
        found += [(*self._place_of(key), key, problem) for key, problem in faults]
        mistakes: dict[object, tuple[int, str, list[str]]] = {}
        for line, place, key, problem in sorted(found, key=lambda one: one[0]):
            mistakes.setdefault((place, problem), (line, problem, []))[2].append(key)
        return [self._line(*mistake) for mistake in mistakes.values()]

    def _line(self, line: int, problem: str, keys: list[str]) -> str:
        first, *others = map(one_line, dict.fromkeys(keys))
        said = f"{self.path}, line {line}: " + (f"{first}: {problem}" if first else problem)
        more = f" and {len(others) - 1} more" if len(others) > 1 else ""
        return f"{said} (also {others[0]}{more})" if others else said

    def _place_of(self, key: str) -> tuple[int, tuple[int, str]]:
        """Return the line of a dotted key, and its node with "".

        For a key that the file does not have, these are those of the nearest key above, with what lies between them.
        The file begins at line 1.
        """
        near = key
        while near and near not in self.places:
            near = near.rpartition(".")[0]
        if near not in self.places:
            return 1, (0, key)
        line, node, base = self.places[near]
        return line, (node if near == key else base, key.removeprefix(near))


def read_yaml(path: Path) -> dict[str, Any]:
    """Return the mapping in a file as plain values, as JSON has them.

    Raises `UserError` with one line for each fault: the file, the line of the fault, and what is wrong there.
    """
    document = read_document(path)
    if document.wrong:
        raise UserError("\n".join(document.said()))
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
    return Document(path, reading.mapping(root, ""), reading.places, reading.wrong)


class _WrongNode(Exception):
    """A node whose value is left out; it has been noted among what is `wrong`."""


class _Reading:
    """Turns nodes into plain values, and notes the place of each dotted key and every value that is wrong."""

    def __init__(self, constructor: SafeConstructor) -> None:
        self.constructor = constructor
        self.places: dict[str, Place] = {}
        self.bases: dict[int, int] = {}  # of each mapping that was read, the one that it merges first
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
                for one in _each(value_node)[:1]:
                    self.bases.setdefault(id(node), self.bases.get(id(one), id(one)))
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
        try:
            values[key] = self._placed(value_node, key_node, inner)
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
        for one in _each(node):
            if not isinstance(one, MappingNode):
                self._fault(one, _below(place, "<<"), "takes an alias of a mapping, or a list of them")
                continue
            try:
                yield self.value(one, place)
            except _WrongNode:
                continue

    def _sequence(self, node: Node, place: str) -> list[Any]:
        """Return the items of a list, which is left out as a whole, with every fault noted, where one is wrong."""
        values = []
        for i, item in enumerate(node.value):
            with suppress(_WrongNode):
                values.append(self._placed(item, item, _below(place, i)))
        if len(values) < len(node.value):
            raise _WrongNode
        return values

    def _placed(self, node: Node, begin: Node, place: str) -> Any:
        """Return the value of a node, and note its place, which begins with the node `begin`."""
        line, key = begin.start_mark.line + 1, id(node)
        self.places[place] = Place(line, key, key)
        try:
            return self.value(node, place)
        finally:
            self.places[place] = Place(line, key, self.bases.get(key, key))

    def _scalar(self, node: ScalarNode, place: str) -> Any:
        try:
            value = self.constructor.construct_object(node)
        except (ValueError, LookupError, MarkedYAMLError) as error:  # such as `!!int x`, `!!bool x`, 5,000 digits
            raise self._fault(node, place, f"{shown(node.value)}: no {str(node.tag).replace(CORE, '')}") from error
        if isinstance(value, float) and not math.isfinite(value):
            raise self._fault(node, place, f"{node.value}: a number must be finite")
        if isinstance(value, int) and value not in INTEGERS:
            raise self._fault(node, place, f"{shown(node.value)}: a whole number must have at most 63 bits")
        if isinstance(value, str) and re.search("[\ud800-\udfff\0]", value):
            raise self._fault(node, place, f"{shown(value)}: half a character (\\uD800 to \\uDFFF), or \\0")
        return value

    def _fault(self, node: Node, key: str, problem: str) -> _WrongNode:
        """Note what is wrong with the node under the dotted key, and return the error that leaves the node out."""
        self.wrong.append(WrongValue(key, node.start_mark.line + 1, problem, id(node)))
        return _WrongNode()


def _each(node: Node) -> list[Node]:
    """Return the nodes that a merge key names, one or a list of them."""
    return node.value if isinstance(node, SequenceNode) else [node]


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
        # two files that differ in their endings alone would be one study
        if path.is_file() and path.suffix != ".yaml":
            raise UserError(f"{path}: not a study file, whose name ends with .yaml; give one, or rename it")
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
