"""The sites' icons: paths on a grid of 24, drawn as lines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

ICONS: Final[Mapping[str, str]] = {
    "alert": "M12 3 2 20h20L12 3zm0 7v4m0 3v.01",
    "book": "M4 5a2 2 0 0 1 2-2h14v16H6a2 2 0 0 0-2 2V5zm0 16a2 2 0 0 1 2-2",
    "check": "M4 12l5 5L20 6",
    "clip": "M20 11l-8.5 8.5a5 5 0 0 1-7-7L13 4a3.3 3.3 0 0 1 4.700 4.700L9.500 17a1.600 1.600 0 0 1-2.300-2.300L15 7",
    "hand": "M7 12V6a1.500 1.500 0 0 1 3 0v5-7a1.500 1.500 0 0 1 3 0v7-6a1.500 1.500 0 0 1 3 0v8a7 7 0 0 1-12 4l-3-4",
    "image": "M3 5h18v14H3zM3 16l5-5 5 5 3-3 5 4M15 9v.01",
    "info": "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zm0 8v5m0-9v.01",
    "lock": "M6 11h12v10H6zm2 0V8a4 4 0 0 1 8 0v3",
    "person": "M12 4a4 4 0 1 1 0 8 4 4 0 0 1 0-8zM4 21a8 8 0 0 1 16 0",
    "pulse": "M2 12h5l3-8 4 16 3-8h5",
    "x": "M6 6l12 12M18 6 6 18",
}
