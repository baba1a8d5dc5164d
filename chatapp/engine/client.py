"""The local engine seen from outside: starts the child process, sends requests, reads events.

The process keeps no transcript, so it may die or be killed at any moment: the next request starts
another one and carries everything again.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any, Final, Literal

from chatapp.engine import wire
from chatapp.engine.ending import crash_of, how
from chatapp.engine.interface import State
from chatapp.engine.memory import KvType
from chatapp.engine.protocol import Ready
from chatapp.engine.requests import Replies, Requests, error_from
from chatapp.engine.threads import set_waiting
from chatapp.engine.weights.gguf import read_header
from chatapp.errors import ChatappError, EngineDied, EngineError

DEFAULT_WINDOW: Final = 2048
"""Context window in tokens, if nothing else is chosen. Small enough to be seen filling."""
_LOG_LIMIT: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """What the process is started with. ``None`` leaves the choice to the engine.

    ``ordinary`` is for showing what goes wrong with an ordinary prefix cache; nothing else uses it.
    ``shelf`` is how many MiB caches of other conversations may take that are set aside.
    ``adapter`` is the LoRA file that is added to the weights, ``adapter_scale`` times.
    """

    window: int | None = None
    threads: int | None = None
    gpu_layers: int = 0
    kv_type: KvType = "f16"
    reuse: bool = True
    ordinary: bool = False
    shelf: int | None = None
    adapter: Path | None = None
    adapter_scale: float = 1.0

    def arguments(self) -> list[str]:
        found = ["--window", str(self.window or DEFAULT_WINDOW)]
        found += ["--threads", str(self.threads)] if self.threads else []
        found += ["--gpu-layers", str(self.gpu_layers)] if self.gpu_layers else []
        found += ["--kv-type", self.kv_type]
        found += [] if self.reuse else ["--no-reuse"]
        found += ["--shelf", str(self.shelf)] if self.shelf is not None else []
        if self.adapter is not None:
            found += ["--adapter", str(self.adapter), "--adapter-scale", str(self.adapter_scale)]
        return found + (["--ordinary-cache"] if self.ordinary else [])


class LocalEngine(Requests):
    """A model in a child process (an :class:`~chatapp.engine.interface.Engine`).

    ``log`` is the file that takes llama.cpp's own messages; without one they are dropped.
    ``on_loading`` is told how much of the weights is loaded (0 to 1).
    """

    kind: Literal["local"] = "local"

    def __init__(
        self, weights: Path, options: EngineOptions | None = None, *, log: Path | None = None
    ) -> None:
        super().__init__()
        self.weights = weights
        self.options = options or EngineOptions()
        self._log = log
        self._process: asyncio.subprocess.Process | None = None
        self._starting = asyncio.Lock()
        self._loading = False
        self._failed = False
        self._status: int | None = None
        """The exit status of the latest process, once it has ended."""

    @property
    def state(self) -> State:
        if self._loading:
            return "loading"
        if self._alive and self.info:
            return "ready"
        return "failed" if self._failed else "stopped"

    @property
    def pid(self) -> int | None:
        """The process's id while it runs."""
        return self._process.pid if self._process and self._alive else None

    @property
    def _alive(self) -> bool:
        return self._process is not None and self._process.returncode is None

    # ── the process ─────────────────────────────────────────────────────────────────────────────

    async def start(self) -> Ready:
        async with self._starting:
            if self._alive and self.info:
                return self.info
            self._loading, self._failed = True, False
            try:
                # Reading the header first gives a clear sentence where llama.cpp would crash.
                await asyncio.to_thread(read_header, self.weights, with_vocabulary=False)
                await self._spawn()
                self.info = await self._await_ready()
                return self.info
            except ChatappError:
                self._failed = True
                await self._end()
                raise
            except BaseException:
                await self._end()
                raise
            finally:
                self._loading = False

    async def _spawn(self) -> None:
        environment = dict(os.environ)
        set_waiting(environment)
        with _opened(self._log) as log:
            if self._log:
                environment["CHATAPP_ENGINE_LOG"] = "1"
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-P",  # a numpy.py in the current folder is no part of this program
                "-m",
                "chatapp.engine",
                str(self.weights),
                *self.options.arguments(),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                limit=wire.MAX_LINE,
                env=environment,
                # Ctrl+C in the terminal is for the chat; the process ends with its input.
                start_new_session=True,
            )
        self.starts += 1
        self._status = None
        self._replies = {0: asyncio.Queue()}
        self._reader = asyncio.create_task(self._read(self._process, self._replies))

    async def _await_ready(self) -> Ready:
        while True:
            event = await self._replies[0].get()
            if isinstance(event, EngineError):
                ended = how(crash_of(self._status))
                raise EngineError(
                    _LOAD_DIED.format(how=ended, name=self.weights.name), kind="model"
                )
            if event["type"] == "loading" and self.on_loading:
                self.on_loading(float(event["progress"]))
            elif event["type"] == "error":
                raise error_from(event)
            elif event["type"] == "ready":
                ready = wire.event_from_dict(event)
                assert isinstance(ready, Ready)
                return ready

    async def _read(self, process: asyncio.subprocess.Process, replies: Replies) -> None:
        """Hand out what the process says until it ends; then tell all that wait."""
        assert process.stdout is not None
        await self._hand_out(process.stdout, replies)
        # Its output has ended, so it is ending too; a kill just now could reap it behind asyncio.
        try:
            await asyncio.wait_for(process.wait(), 1.0)
        except TimeoutError:
            process.kill()
            await process.wait()
        self._status = process.returncode
        self._gone(replies)

    def _died(self) -> EngineDied:
        crash = crash_of(self._status)
        return EngineDied(f"The model process {how(crash)}.", crash)

    @property
    def _writer(self) -> asyncio.StreamWriter | None:
        return self._process.stdin if self._process is not None else None

    async def _end(self) -> None:
        process, reader = self._process, self._reader
        self._process = self._reader = None
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
        if reader is not None:
            await reader
        if process is not None and process.stdin is not None:
            process.stdin.close()
            with contextlib.suppress(OSError):
                await process.stdin.wait_closed()

    def kill(self) -> None:
        """End the process at once, as a fault would; the next request starts another one."""
        if self._process is not None and self._alive:
            self._process.kill()

    async def close(self) -> None:
        async with self._starting:
            await self._end()

    async def use_adapter(self, adapter: Path | None, scale: float = 1.0) -> Ready:
        """Add this LoRA file to the weights from now on, or none, without loading them anew.

        Requests that are under way are answered first, with what they began with. Raises
        :class:`EngineError` (kind ``adapter``) if the file cannot be used; nothing has changed
        then. A process that is started later gets the same adapter.
        """
        before = self.options
        options = replace(before, adapter=adapter, adapter_scale=scale)
        if not self._alive:
            self.options = options
            try:
                return await self.start()
            except BaseException:
                self.options = before
                raise
        path = None if adapter is None else str(adapter)
        answer = await self._ask({"type": "adapter", "path": path, "scale": scale})
        said: dict[str, Any] = {name: answer.get(name) for name in _ADAPTER}
        assert self.info is not None
        self.options, self.checked = options, None
        self.info = replace(self.info, **said)
        return self.info


_ADAPTER: Final = ("adapter", "adapter_sha256", "adapter_scale")

_LOAD_DIED: Final = (
    "The model process {how} while loading {name}. The file may be damaged, or too large for this "
    "machine's memory."
)


@contextlib.contextmanager
def _opened(log: Path | None) -> Any:
    """The log file, private and not too long, or a drain where it cannot be written."""
    if log is None:
        yield asyncio.subprocess.DEVNULL
        return
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        if log.exists() and log.stat().st_size > _LOG_LIMIT:
            flags |= os.O_TRUNC
        handle: IO[bytes] = os.fdopen(os.open(log, flags, 0o600), "ab")
    except OSError:
        yield asyncio.subprocess.DEVNULL
        return
    with handle:
        yield handle
