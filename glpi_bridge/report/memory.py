"""What reading has freed goes back before the library that draws takes its own: both together would be too much."""

from __future__ import annotations

import ctypes


def give_back() -> None:
    """Return freed memory to the system, as GNU's C library would not by itself; with another, nothing is done."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
