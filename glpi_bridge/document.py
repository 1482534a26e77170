"""A YAML file that remembers on which line each key stands.

YAML's traps are off: only `true` and `false` are booleans, so that `off`, `no` and `18:00` stay text. An anchor may be
used; a key given twice is a fault. What the keys mean is for a model (`section`) to say.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import yaml

from glpi_bridge.errors import Fault, SettingsError

Key: TypeAlias = str | int


@dataclass(frozen=True, slots=True)
class Document:
    """What a file holds, and the line of each path of keys and indexes in it."""

    file: str
    data: object
    lines: Mapping[tuple[Key, ...], int] = field(default_factory=dict)

    def line(self, path: tuple[Key, ...]) -> int:
        """Return the line of the deepest known part of `path`; 1 for a path of which nothing is there."""
        for length in range(len(path), 0, -1):
            if path[:length] in self.lines:
                return self.lines[path[:length]]
        return 1


class _Loader(yaml.SafeLoader):
    """YAML 1.2's idea of plain scalars: `off`, `no`, dates and `18:00` are text."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 (PyYAML's own class attribute)


_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(?:true|True|false|False)$"), list("tTfF"))
_Loader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"^(?:~|null|Null|NULL|)$"), ["~", "n", "N", ""])
_Loader.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"^-?(?:0|[1-9]\d*)$"), list("-0123456789"))
_Loader.add_implicit_resolver("tag:yaml.org,2002:float", re.compile(r"^-?\d+\.\d+$"), list("-0123456789"))


def read(path: Path) -> Document:
    """Read the file at `path`; raise SettingsError that names the place where it is no text, no YAML or ambiguous."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        advice = "create it, or name another file" if isinstance(error, FileNotFoundError) else "make it readable"
        raise SettingsError([Fault(str(path), 0, f"cannot be read: {error.strerror}", advice)]) from None
    try:
        return parse(raw.decode("utf-8-sig"), str(path))
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        found = f"byte 0x{raw[error.start]:02x} is not UTF-8"
        raise SettingsError([Fault(str(path), line, found, "save the file as UTF-8")]) from None


def parse(text: str, file: str) -> Document:
    """Read YAML text; `file` is its name in faults. An empty text is an empty mapping."""
    try:
        loader = _Loader(text)
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        found = f"character U+{error.character:04X} is not allowed in YAML"
        raise SettingsError([Fault(file, line, found, "remove it")]) from None
    try:
        node = loader.get_single_node()
        walk = _Walk(file, loader)
        data = walk.value(node, ()) if node is not None else {}
    except yaml.MarkedYAMLError as error:
        raise SettingsError([_yaml_fault(file, error)]) from None
    except RecursionError:
        raise SettingsError([Fault(file, 1, "the file is nested too deeply", "look for stray brackets")]) from None
    finally:
        loader.dispose()
    if walk.faults:
        raise SettingsError(walk.faults)
    return Document(file, data if data is not None else {}, walk.lines)


def _yaml_fault(file: str, error: yaml.MarkedYAMLError) -> Fault:
    mark = error.problem_mark or error.context_mark
    line = mark.line + 1 if mark else 0
    problem = error.problem or "is not YAML"
    if "\\t" in problem:
        return Fault(file, line, "a tab stands where the indentation is", "indent with spaces")
    if "expected a single document" in str(error.context):
        return Fault(file, line, "a second document begins here (---)", "keep one document in the file")
    advice = "look at the indentation, and put text with `: `, `#`, `{`, `*` or `&` in quotes"
    return Fault(file, line, f"this is not YAML: {problem}", advice)


class _Walk:
    """Turn nodes into values, noting lines and faults."""

    def __init__(self, file: str, loader: _Loader) -> None:
        self.file = file
        self.loader = loader
        self.lines: dict[tuple[Key, ...], int] = {}
        self.faults: list[Fault] = []
        self._open: set[int] = set()

    def value(self, node: yaml.Node, path: tuple[Key, ...]) -> object:
        self.lines.setdefault(path, node.start_mark.line + 1)
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node)
        if id(node) in self._open:
            self._fault(node, "an anchor holds itself", "write the values out")
            return None
        self._open.add(id(node))
        result = self._mapping(node, path) if isinstance(node, yaml.MappingNode) else self._list(node, path)
        self._open.discard(id(node))
        return result

    def _scalar(self, node: yaml.ScalarNode) -> object:
        known = node.tag.removeprefix("tag:yaml.org,2002:") in {"str", "int", "float", "bool", "null"}
        try:
            return self.loader.construct_object(node) if known else str(node.value)
        except ValueError:
            return str(node.value)

    def _list(self, node: yaml.Node, path: tuple[Key, ...]) -> list[object]:
        return [self.value(child, (*path, index)) for index, child in enumerate(node.value)]

    def _mapping(self, node: yaml.MappingNode, path: tuple[Key, ...]) -> dict[str, object]:
        result: dict[str, object] = {}
        first: dict[str, int] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                self._fault(key_node, "a key is a list or a mapping", "put text with { or [ in quotes")
                continue
            key, line = str(key_node.value), key_node.start_mark.line + 1
            if key in first:
                self._fault(key_node, f"`{key}` is given twice, first on line {first[key]}", "keep one of them")
            first.setdefault(key, line)
            self.lines[(*path, key)] = line
            result[key] = self.value(value_node, (*path, key))
        return result

    def _fault(self, node: yaml.Node, found: str, advice: str) -> None:
        self.faults.append(Fault(self.file, node.start_mark.line + 1, found, advice))
