"""What a settings file may hold, as pydantic models; what is wrong with one is told all at once, in words, by line."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from typing import TypeVar, get_args

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator
from pydantic_core import ErrorDetails

from glpi_bridge.document import Document, Key
from glpi_bridge.errors import Fault, SettingsError
from glpi_bridge.units import Mistake, shown

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
