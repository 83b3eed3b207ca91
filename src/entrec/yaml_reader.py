"""YAML 1.2 as plain values: `1e-6` is a number, `yes`, `1:30` and dates are text, a key given twice is an error."""

import json
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.composer import Composer
from ruamel.yaml.constructor import ConstructorError, SafeConstructor
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode
from ruamel.yaml.reader import ReaderError

from entrec.errors import UserError

NOT_JSON = {f"tag:yaml.org,2002:{kind}" for kind in ("binary", "set", "omap", "pairs")}


class _Composer(Composer):
    """A composer that refuses keys given twice and keys that are not text.

    It sees the keys as they are written, before a merge (`<<`) adds others.
    """

    def compose_mapping_node(self, anchor: Any) -> MappingNode:
        node = super().compose_mapping_node(anchor)
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, ScalarNode):
                raise _fault("a key must be text, not a list or a mapping", key)
            if key.value in seen:
                raise _fault(f"key {key.value!r} given twice", key)
            seen.add(key.value)
        return node


class _Constructor(SafeConstructor):
    """ruamel's safe constructor without the types that JSON lacks; a date is text."""

    yaml_constructors = {tag: make for tag, make in SafeConstructor.yaml_constructors.items() if tag not in NOT_JSON}


_Constructor.add_constructor("tag:yaml.org,2002:timestamp", SafeConstructor.construct_yaml_str)


def _fault(problem: str, node: Node) -> MarkedYAMLError:
    return ConstructorError(problem=problem, problem_mark=node.start_mark)


def read_yaml(path: Path) -> dict[str, Any]:
    """Return the mapping in a file as plain values, as JSON has them; raises `UserError` with file, line and fault."""
    text = _read_text(path)
    yaml = YAML(typ="safe", pure=True)
    yaml.Composer, yaml.Constructor = _Composer, _Constructor
    try:
        raw = yaml.load(text)
        json.dumps(raw)  # a list that holds itself is YAML, and no plain value
    except ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise UserError(f"{path}, line {line}: character {chr(error.character)!r} is not allowed in YAML") from error
    except MarkedYAMLError as error:
        where = f"{path}, line {error.problem_mark.line + 1}" if error.problem_mark else path
        raise UserError(f"{where}: {error.problem}") from error
    except (ValueError, LookupError, RecursionError) as error:  # such as `!!int x`, `!!bool x`
        raise UserError(f"{path}: not plain keys and values ({error})") from error
    if raw is None:
        raise UserError(f"{path}: the file is empty")
    if not isinstance(raw, dict):
        raise UserError(f"{path}: expected keys and values, found {type(raw).__name__}")
    return raw


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such file; studies are params/*.yaml") from error
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise UserError(f"{path}, line {line}: not UTF-8 ({error.reason}); save the file as UTF-8") from error
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}); studies are params/*.yaml") from error
