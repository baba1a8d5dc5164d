"""Where experiments are made: one weight file, its engines, and the facts to try."""

from __future__ import annotations

import asyncio
import platform
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import TracebackType

from chatapp import __version__
from chatapp.engine.about import ask
from chatapp.engine.client import EngineOptions, LocalEngine
from chatapp.engine.counter import Counter
from chatapp.engine.weights.adapters import name_of
from chatapp.errors import ChatappError
from chatapp.proofs.evidence import Cell, Setting
from chatapp.proofs.facts import Facts, built_in
from chatapp.proofs.files import file_hash

about = cache(ask)
"""What llama.cpp is here: a process is asked once, as it stays the same."""


class Lab:
    """``engine`` is the main one; :meth:`another` starts more, all closed with the lab.

    ``base`` is a model that was not trained to chat, where one is installed.
    """

    def __init__(
        self,
        weights: Path,
        options: EngineOptions | None = None,
        *,
        facts: Facts | None = None,
        base: Path | None = None,
        log: Path | None = None,
        engine: LocalEngine | None = None,
    ) -> None:
        self.weights = weights
        self.options = options or EngineOptions()
        self.facts = facts or built_in()
        self.base = base
        self.log = log
        self._mine: list[LocalEngine] = []
        self.engine = engine or self._made(self.options)
        self._setting: Setting | None = None

    def on(self, facts: Facts) -> Lab:
        """A lab for other facts, with the same main engine, which stays when that lab closes."""
        return Lab(
            self.weights,
            self.options,
            facts=facts,
            base=self.base,
            log=self.log,
            engine=self.engine,
        )

    def another(
        self,
        weights: Path | None = None,
        change: Callable[[EngineOptions], EngineOptions] = lambda options: options,
    ) -> LocalEngine:
        """Another process, by default on the same file with the same options."""
        return self._made(change(self.options), weights)

    def _made(self, options: EngineOptions, weights: Path | None = None) -> LocalEngine:
        if weights not in (None, self.weights):
            options = replace(options, adapter=None)  # it fits these weights alone
        engine = LocalEngine(weights or self.weights, options, log=self.log)
        self._mine.append(engine)
        return engine

    async def counter(self, engine: LocalEngine) -> Counter:
        """Exact counts for ``engine``."""
        counter = Counter(engine, engine.weights)
        await counter.open()
        return counter

    async def file_hash(self) -> str:
        """SHA-256 of the weight file as it is on disk now, computed here and not by the engine."""
        return await asyncio.to_thread(file_hash, self.weights)

    async def _adapter(self) -> dict[str, Cell]:
        """What is added to the weights, by name, SHA-256 and scale; nothing without an adapter."""
        path = self.options.adapter
        if path is None:
            return {}
        return {
            "adapter": name_of(path),
            "adapter SHA-256": await asyncio.to_thread(file_hash, path),
            "adapter scale": self.options.adapter_scale,
        }

    async def setting(self) -> Setting:
        """What results depend on. The file is hashed the first time."""
        if self._setting is None:
            sha256 = await self.file_hash()
            try:
                llama = await asyncio.to_thread(about)
                build, features = llama.build, " ".join(llama.features)
            except ChatappError:
                build, features = "", ""
            self._setting = Setting(
                weights=self.weights.name,
                sha256=sha256,
                bytes=self.weights.stat().st_size,
                chatapp=__version__,
                llama_cpp=build,
                processor=features,
                system=f"{platform.system()} {platform.machine()}",
                python=platform.python_version(),
                options={
                    "window": self.options.window,
                    "threads": self.options.threads,
                    "kv_type": self.options.kv_type,
                    "gpu_layers": self.options.gpu_layers,
                    "reuse": self.options.reuse,
                    **await self._adapter(),
                },
            )
        return self._setting

    async def close(self, but: LocalEngine | None = None) -> None:
        """End all processes that were started here, ``but`` one."""
        for engine in self._mine:
            if engine is not but:
                await engine.close()
        self._mine = [engine for engine in self._mine if engine is but]

    async def __aenter__(self) -> Lab:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()
