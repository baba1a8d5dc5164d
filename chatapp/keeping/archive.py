"""The store of one run: opened when first needed, and used from a thread of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from chatapp.archive.store import NAME, Store

__all__ = ["Archive"]

P = ParamSpec("P")
R = TypeVar("R")


class Archive:
    """``folder`` holds the store. Nothing is made there before somebody keeps something."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / NAME
        self._store: Store | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="archive")

    async def call(
        self, act: Callable[Concatenate[Store, P], R], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """Do something with the store, in the order of the calls; the screen goes on meanwhile.

        Raises :class:`~chatapp.errors.StoreError`; a store that could not be opened is tried again
        with the next call.
        """

        def do() -> R:
            if self._store is None:
                self._store = Store(self.path)
            return act(self._store, *args, **kwargs)

        return await asyncio.get_running_loop().run_in_executor(self._thread, do)

    async def close(self) -> None:
        """Finish what was asked for, and close the store."""

        def do() -> None:
            if self._store is not None:
                self._store.close()
                self._store = None

        await asyncio.get_running_loop().run_in_executor(self._thread, do)
        self._thread.shutdown(wait=False)
