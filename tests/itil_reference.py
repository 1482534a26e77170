"""The reference of itil.yml, from its model and the table of rights: `python -m tests.itil_reference` writes it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import get_args

from pydantic import BaseModel

from glpi_bridge.admin.bridge_rights import PROFILE_RIGHTS
from glpi_bridge.admin.itil_settings import Itil

DOCUMENT = Path(__file__).parents[1] / "docs" / "reference" / "itil.md"

INTRO = """\
# What GLPI is to have: itil.yml

`glpi-bridge provision glpi` reads `itil.yml` beside `bridge.yml` (or `--itil FILE`) and brings GLPI to it. This page is
made from the code, and a test holds it to it. [How to use it](../how-to/provision-glpi.md).

* By name: what exists is taken over, what differs is changed, nothing is deleted or renamed. What is left out of the
  file is left alone. A name that GLPI has twice is refused: the bridge does not guess.
* A bare name stands for an item that has nothing but its name: `groups: [Systems, Networks]`.
* Entities are written by their path below the root entity, as in `Operations > Lab`; left out, it is the root entity.
* A name cannot hold `>`: GLPI writes paths with it. Write what is lower under `below`.
* Every fault of the file is told at once, with its line; nothing is written to GLPI before all of it is known to fit.
"""


def document() -> str:
    """The page as it should be."""
    return "\n".join([INTRO, *_sections(), *_rights()])


def _sections() -> Iterator[str]:
    yield "## Keys"
    yield ""
    yield from _table(Itil)
    seen: list[type[BaseModel]] = []
    for name, info in Itil.model_fields.items():
        for model in _models(info.annotation):
            if model not in seen:
                seen.append(model)
                yield f"## {name}"
                yield ""
                yield from _table(model)
    for model in (m for one in list(seen) for info in one.model_fields.values() for m in _models(info.annotation)):
        if model not in seen:
            seen.append(model)
            yield f"## {model.__name__.lower()}"
            yield ""
            yield from _table(model)


def _table(model: type[BaseModel]) -> Iterator[str]:
    yield "| key | meaning |"
    yield "|---|---|"
    for name, info in model.model_fields.items():
        need = "; needed" if info.is_required() else ""
        yield f"| `{info.alias or name}` | {info.description}{need} |"
    yield ""


def _models(annotation: object) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [found for part in get_args(annotation) for found in _models(part)]


def _rights() -> Iterator[str]:
    yield "## The rights of the bridge's profile"
    yield ""
    yield "The profile gets these and loses every other one. It is refused if anyone but the bridge's account holds it."
    yield ""
    yield "| right | bit | in words | why |"
    yield "|---|---|---|---|"
    for right in PROFILE_RIGHTS:
        yield f"| `{right.name}` | {right.bit} | {right.shown} | {right.why} |"
    yield ""


if __name__ == "__main__":
    DOCUMENT.write_text(document(), "utf-8")
