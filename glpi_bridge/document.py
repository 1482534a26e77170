"""A YAML file that remembers on which line each key stands, and its check against a model: every fault at once.

YAML's traps are off: only `true` and `false` are booleans, so that `off`, `no` and `18:00` stay text. An anchor may be
used; a key given twice is a fault. What the keys mean is for the model (`config`, `rules`) to say.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias, TypeVar, get_args

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator
from pydantic_core import ErrorDetails

from glpi_bridge.errors import Fault, SettingsError
from glpi_bridge.units import Mistake, shown

Key: TypeAlias = str | int
Model = TypeVar("Model", bound=BaseModel)


class Section(BaseModel):
    """A mapping of a settings file: frozen, unknown keys are faults, a key without a value counts as not given."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True, hide_input_in_errors=True)

    @model_validator(mode="before")
    @classmethod
    def _drop_empty(cls, data: object) -> object:
        if isinstance(data, Mapping):
            return {key: value for key, value in data.items() if value is not None}
        return data


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


def check(
    model: type[Model],
    document: Document,
    context: Mapping[str, object] | None = None,
    implied: tuple[Key, ...] = (),
) -> Model:
    """Return the document as `model`; raise SettingsError with one Fault for each thing that is wrong with it.

    `context` is for the validators. `implied` is a path whose last key the file leaves out (a short form).
    """
    if not isinstance(document.data, Mapping):
        found = f"the file holds {shown(document.data)}, not a mapping"
        raise SettingsError([Fault(document.file, 1, found, "begin each line with a key, as in `glpi:`")])
    try:
        return model.model_validate(document.data, context=dict(context or {}))
    except ValidationError as error:
        faults = [_fault(model, document, detail, implied) for detail in error.errors(include_url=False)]
        raise SettingsError(sorted(faults, key=lambda fault: fault.line)) from None


def _fault(model: type[BaseModel], document: Document, detail: ErrorDetails, implied: tuple[Key, ...]) -> Fault:
    path = tuple(part for part in detail["loc"] if part != "[key]")
    written = path
    if implied and path[: len(implied)] == implied:
        written = implied[:-1] + path[len(implied) :]
    found, advice = _sentence(model, path, dotted(written), detail)
    return Fault(document.file, document.line(written), found, advice)


def _sentence(model: type[BaseModel], path: tuple[Key, ...], name: str, detail: ErrorDetails) -> tuple[str, str]:
    kind, value = detail["type"], detail["input"]
    context = detail.get("ctx", {})
    mistake = context.get("error")
    if isinstance(mistake, Mistake):
        return f"{name}: {mistake.found}" if name else mistake.found, mistake.advice
    if kind == "missing":
        return f"{name} is missing", _meaning(model, path)
    if kind == "extra_forbidden":
        return f"{name} is not a setting", unknown_key(str(path[-1]), known_keys(model, path[:-1]))
    if kind in {"literal_error", "enum"}:
        expected = str(context.get("expected", ""))
        return f"{name} is {shown(value)}", f"write one of {expected}"
    wanted = _WANTED.get(kind) or detail["msg"].removeprefix("Input should be ").removeprefix("Value error, ")
    if kind in {"greater_than_equal", "less_than_equal"}:
        wanted = f"a number {wanted}"
    return f"{name} is {shown(value)}", f"write {wanted}" + (
        f" ({meaning})" if (meaning := _meaning(model, path)) else ""
    )


_WANTED = {
    "string_type": "text (in quotes if it looks like a number)",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "model_type": "keys with values below it",
    "model_attributes_type": "keys with values below it",
    "dict_type": "keys with values below it",
    "list_type": "a list",
    "tuple_type": "a list",
}


def dotted(path: tuple[Key, ...]) -> str:
    """Write a path as people do: `zabbix.main.url`, `rules[2].match`."""
    text = ""
    for part in path:
        text += f"[{part + 1}]" if isinstance(part, int) else f".{part}" if text else part
    return f"`{text}`" if text else ""


def unknown_key(key: str, known: list[str]) -> str:
    """Return the advice for a key that does not exist: the nearest known one, or all of them."""
    near = difflib.get_close_matches(key, known, 1, 0.6)
    if re.search(r"token|password|secret", key) and not key.endswith("_file"):
        named = f"`{near[0]}`" if near else " or ".join(f"`{name}`" for name in known if name.endswith("_file"))
        return f"secrets are read from files of mode 0600: name the file in {named}"
    if near:
        return f"did you mean `{near[0]}`?"
    return "known here: " + ", ".join(known)


def known_keys(model: type[BaseModel], path: tuple[Key, ...]) -> list[str]:
    """Return the keys that are allowed at `path` of `model`."""
    section = _section(model, path)
    return [info.alias or name for name, info in section.model_fields.items()] if section else []


def _section(model: type[BaseModel], path: tuple[Key, ...]) -> type[BaseModel] | None:
    section: type[BaseModel] | None = model
    for part in path:
        name = next((n for n, info in model.model_fields.items() if part in {n, info.alias}), None)
        if name is not None:
            section = _models_in(model.model_fields[name].annotation)
        model = section or model
    return section


def _models_in(annotation: object) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in get_args(annotation) if (found := _models_in(part))), None)


def _meaning(model: type[BaseModel], path: tuple[Key, ...]) -> str:
    section = _section(model, path[:-1])
    for name, info in (section.model_fields if section else {}).items():
        if path and path[-1] in {name, info.alias}:
            return info.description or ""
    return ""
