"""When Python looks for garbage: while nobody types and no reply streams.

Looking through everything takes 0.1 to 0.3 seconds once a conversation is on the screen, and Python
does it whenever enough new objects have been made: in the middle of a reply, as a rule. Young
objects are still looked through as usual, which takes a millisecond or two.
"""

from __future__ import annotations

import gc
import time
from typing import Final

__all__ = ["GarbageTimes"]

_NEVER: Final = 1_000_000_000
_QUIET: Final = 1.0
"""Seconds without a key before it may be done."""
_DUE: Final = 20
"""Rounds over the young (each after some 7,000 new objects) that make it worth while."""
_OVERDUE: Final = 400
"""Rounds after which it is done even though somebody types."""


class GarbageTimes:
    """``begin`` once the screen stands, ``busy`` on each key, ``pause`` when nothing is done."""

    def __init__(self) -> None:
        self._before: tuple[int, int, int] | None = None
        self._last = 0.0

    def begin(self) -> None:
        """Take over: what exists now stays for good and is not looked through again."""
        self._before = gc.get_threshold()
        gc.collect()
        gc.freeze()
        gc.set_threshold(*self._before[:2], _NEVER)

    def end(self) -> None:
        """Leave it to Python again."""
        if self._before is not None:
            gc.set_threshold(*self._before)
            gc.unfreeze()
            self._before = None

    def busy(self) -> None:
        """Somebody types."""
        self._last = time.monotonic()

    def pause(self) -> None:
        """Nothing is being answered: look through everything, if it is time."""
        if self._before is None:
            return
        rounds = gc.get_count()[2]
        quiet = time.monotonic() - self._last >= _QUIET
        if rounds >= _OVERDUE or (quiet and rounds >= _DUE):
            gc.collect()
