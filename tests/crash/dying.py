"""A worker that dies after its nth effect, in this process: cheap enough for each effect in turn.

An effect is what outlives a worker: a transaction of the store, or a write that GLPI has answered. Between two of them
there is nothing to lose; what lies below that (half a call on its way) is for the tests with strace.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from glpi_bridge.context import Context
from glpi_bridge.model import Outcome


class Killed(BaseException):
    """The worker ends here; nothing that the bridge catches."""


class Effects:
    """Counts the effects of a worker, `seen` names them, and kills it after the nth (0: never)."""

    def __init__(self, context: Context, nth: int = 0) -> None:
        self.seen: list[str] = []
        self._nth = nth
        context.launch = _at_once
        self._watch(context.store, "write", lambda work, *_: str(work.__name__))
        self._watch(context.glpi, "_send", lambda method, path, *_: f"{method} {path}")

    @property
    def is_dead(self) -> bool:
        """Whether it was killed."""
        return bool(self._nth) and len(self.seen) >= self._nth

    def _watch(self, of: Any, name: str, named: Callable[..., str]) -> None:
        call = getattr(of, name)

        def watched(*arguments: Any, **more: Any) -> Any:
            what = named(*arguments)
            result = call(*arguments, **more)
            if what.startswith("GET "):
                return result  # a read changes nothing
            self.seen.append(what)
            if self.is_dead:
                raise Killed(what)
            return result

        setattr(of, name, watched)


def _at_once(call: Callable[[], list[Outcome]]) -> Callable[[], list[Outcome]]:
    outcomes = call()
    return lambda: outcomes
