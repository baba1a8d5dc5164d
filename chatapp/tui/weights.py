"""The mark of the weights in the header: looked at again after every turn, never assumed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from chatapp.errors import ChatappError

if TYPE_CHECKING:
    from pathlib import Path

    from chatapp.engine.interface import Engine

__all__ = ["WeightsWatch"]

_SHORT = 8
"""Digits of the SHA-256 that are shown; ``chatapp models verify`` shows all."""


class WeightsWatch:
    """Compares the weight file's SHA-256 with the one from when the model was opened.

    ``mark`` reads the file (quickly, if size and time of change are as before); without it, as for
    a server, there is nothing to show. ``hash_of`` hashes the adapter's file, where one is added:
    it is compared with what was loaded.
    """

    def __init__(
        self, mark: Callable[[], str] | None, hash_of: Callable[[Path], str] | None = None
    ) -> None:
        self._mark = mark
        self._hash_of = hash_of
        self._first = ""
        self.text = ""

    @property
    def first(self) -> str | None:
        """The SHA-256 from when the model was opened; None while nobody has looked."""
        return self._first or None

    async def look(self, engine: Engine) -> str:
        """The words for the header, after looking at the file."""
        if self._mark is None:
            return ""
        try:
            now = await asyncio.to_thread(self._mark)
        except (ChatappError, OSError):
            self.text = "weights: the file cannot be read now"
            return self.text
        if not self._first:
            self._first = now
            state = ""
        else:
            state = " unchanged" if now == self._first else f" CHANGED to {now[:_SHORT]}"
        added = await self._adapter(engine)
        self.text = f"weights {self._first[:_SHORT]}{state}{added}{_repeats(engine)}"
        return self.text

    async def _adapter(self, engine: Engine) -> str:
        """The same for the adapter's file; nothing without one."""
        loaded = engine.info.adapter_sha256 if engine.info else None
        path = getattr(getattr(engine, "options", None), "adapter", None)
        if loaded is None or path is None or self._hash_of is None:
            return ""
        try:
            now = await asyncio.to_thread(self._hash_of, path)
        except (ChatappError, OSError):
            return f" + {loaded[:_SHORT]}: the file cannot be read now"
        state = "unchanged" if now == loaded else f"CHANGED to {now[:_SHORT]}"
        return f" + {loaded[:_SHORT]} {state}"


def _repeats(engine: Engine) -> str:
    """What the engine's self-test found; nothing while it has not ended."""
    checked = getattr(engine, "checked", None)
    if checked is None:
        return ""
    return " · repeatable" if checked.repeatable else " · repeatable: no"
