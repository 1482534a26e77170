"""How the changes of a provisioning run are printed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from glpi_bridge.cli.common import print_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glpi_bridge.admin.change import Change


def tell(changes: Sequence[Change], *, is_check: bool, diff: bool, as_json: bool) -> None:
    """Print what was changed, or would be."""
    if as_json:
        print_json({"changed": bool(changes), "changes": [_row(one) for one in changes]})
        return
    for one in changes:
        click.echo(f"{'would ' if is_check else ''}{one}")
        for name, (before, after) in one.fields.items() if diff else ():
            click.echo(f"    {name}: {_shown(before)} -> {_shown(after)}")
    would = " to make" if is_check else ""
    click.echo(f"{len(changes)} change{'' if len(changes) == 1 else 's'}{would}" if changes else "unchanged")


def _row(one: Change) -> dict[str, Any]:
    fields = {name: {"before": before, "after": after} for name, (before, after) in one.fields.items()}
    return {"action": one.action, "kind": one.kind, "name": one.name, "fields": fields}


def _shown(value: Any) -> str:
    return "(none)" if value is None else repr(value)
