"""What must be shown and never run: each sets `ran` on the page or calls elsewhere, if anything of it works."""

from __future__ import annotations

from pathlib import Path

PAYLOADS = (Path(__file__).parent / "payloads.txt").read_text("utf-8").splitlines()
