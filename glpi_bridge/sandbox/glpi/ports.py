"""Network ports of assets, their names and their addresses: by these an asset is found by MAC and IP [16/002 003]."""

from __future__ import annotations

from .answers import Verbatim
from .recorded import Row
from .writing import Act, Writer


class PortWriter(Writer):
    """NetworkPort: a MAC is kept in small letters; it lives where its asset does."""

    def prepare_add(self, act: Act, data: Row) -> Row:
        """Take the asset's entity."""
        row = super().prepare_add(act, data)
        if row.get("mac"):
            row["mac"] = str(row["mac"]).lower()
        assets = self.world.db[str(row["itemtype"])]
        return {**row, **{name: assets.value(row["items_id"], name) for name in ("entities_id", "is_recursive")}}

    def named(self, row_id: int) -> str:
        """Return asset and port, as GLPI shows them."""
        itemtype, asset = self.table.value(row_id, "itemtype"), self.table.value(row_id, "items_id")
        return f" {self.world.db[itemtype].value(asset, 'name')} >  {super().named(row_id)}"

    def said(self, row_id: int) -> str:
        """Return GLPI's words after an add, which 11 does not encode here."""
        return Verbatim(super().said(row_id))


class NameWriter(Writer):
    """NetworkName: makes the addresses that are sent with it, each pointing to the asset."""

    def after_add(self, act: Act, row_id: int, data: Row) -> None:  # noqa: ARG002  # every hook has this shape
        """Make the addresses."""
        port = self.world.db["NetworkPort"].full(int(data["items_id"]))
        for address in dict(data.get("_ipaddresses") or {}).values():
            number = int.from_bytes(bytes(int(part) for part in str(address).split(".")), "big")
            self.world.db["IPAddress"].insert(
                {
                    "name": str(address), "version": 4, "binary_2": 65535, "binary_3": number,
                    "entities_id": port["entities_id"], "itemtype": "NetworkName", "items_id": row_id,
                    "mainitemtype": port["itemtype"], "mainitems_id": port["items_id"],
                }
            )  # fmt: skip
