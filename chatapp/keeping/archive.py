"""The store of one run: opened when first needed, and used from a thread of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from chatapp.archive.store import NAME, Store
from chatapp.errors import StoreError

__all__ = ["Archive"]

P = ParamSpec("P")
R = TypeVar("R")


class Archive:
    """``folder`` holds the store. Nothing is made there before somebody keeps something.

    Without a folder nothing can be kept, and each call says so.
    """

    def __init__(self, folder: Path | None) -> None:
        self.path = folder / NAME if folder is not None else None
        self._store: Store | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="archive")

    @property
    def begun(self) -> bool:
        """Whether there is a store: somebody kept something once. Looking makes none."""
        return self.path is not None and self.path.exists()

    async def call(
        self, act: Callable[Concatenate[Store, P], R], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """Do something with the store, in the order of the calls; the screen goes on meanwhile.

        Raises :class:`~chatapp.errors.StoreError`; a store that could not be opened is tried again
        with the next call.
        """

        def do() -> R:
            if self._store is None:
                if self.path is None:
                    raise StoreError("This chat was given no folder to keep anything in.")
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
