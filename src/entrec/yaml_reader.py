"""YAML as people expect it: `1e-6` is a number, a date is text, a key given twice is an error."""

import json
import re
from pathlib import Path
from typing import Any

import yaml

from entrec.errors import UserError

NOT_JSON = {f"tag:yaml.org,2002:{kind}" for kind in ("timestamp", "binary", "set", "omap", "pairs")}


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader with YAML 1.2's floats, without dates and whatever else JSON lacks, nor duplicate keys."""

    yaml_constructors = {tag: make for tag, make in yaml.SafeLoader.yaml_constructors.items() if tag not in NOT_JSON}
    yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in resolvers if tag not in NOT_JSON]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise _fault("a key must be text, not a list or a mapping", key)
            if key.value in seen:
                raise _fault(f"key {key.value!r} given twice", key)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def _fault(problem: str, node: yaml.Node) -> yaml.MarkedYAMLError:
    return yaml.constructor.ConstructorError(problem=problem, problem_mark=node.start_mark)


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)[eE][-+]?\d+"),
    list("-+.0123456789"),
)


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a mapping of plain values, as JSON has them; raises `UserError` naming file, line and fault."""
    text = _read_text(path)
    try:
        raw = yaml.load(text, _Loader)  # a SafeLoader
        json.dumps(raw)  # a list that holds itself is YAML, and no plain value
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise UserError(f"{path}, line {line}: character {chr(error.character)!r} is not allowed in YAML") from error
    except yaml.MarkedYAMLError as error:
        where = f"{path}, line {error.problem_mark.line + 1}" if error.problem_mark else path
        raise UserError(f"{where}: {error.problem}") from error
    except (ValueError, LookupError, RecursionError) as error:  # such as `!!int x`, `!!bool x`
        raise UserError(f"{path}: not plain keys and values ({error})") from error
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
