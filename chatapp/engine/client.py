"""The local engine seen from outside: starts the child process, sends requests, reads events.

The process keeps no transcript, so it may die or be killed at any moment: the next request starts
another one and carries everything again.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import IO, Any, Final, Literal

from chatapp.context.messages import Message, as_dicts
from chatapp.context.prompt import Prompt
from chatapp.engine import wire
from chatapp.engine.interface import State
from chatapp.engine.memory import KvType
from chatapp.engine.protocol import (
    Checked,
    Done,
    Event,
    Fingerprint,
    Generate,
    Ready,
    Score,
    Scores,
    Token,
)
from chatapp.engine.threads import set_waiting
from chatapp.engine.weights.gguf import read_header
from chatapp.errors import ChatappError, EngineDied, EngineError, TemplateError

DEFAULT_WINDOW: Final = 2048
"""Context window in tokens, if nothing else is chosen. Small enough to be seen filling."""
_GRACE: Final = 3.0
"""Seconds that the process has for ending a cancelled request before it is killed."""
_LOG_LIMIT: Final = 1 << 20

_Reply = dict[str, Any]


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """What the process is started with. ``None`` leaves the choice to the engine.

    ``ordinary`` is for showing what goes wrong with an ordinary prefix cache; nothing else uses it.
    ``adapter`` is the LoRA file that is added to the weights, ``adapter_scale`` times.
    """

    window: int | None = None
    threads: int | None = None
    gpu_layers: int = 0
    kv_type: KvType = "f16"
    reuse: bool = True
    ordinary: bool = False
    adapter: Path | None = None
    adapter_scale: float = 1.0

    def arguments(self) -> list[str]:
        found = ["--window", str(self.window or DEFAULT_WINDOW)]
        found += ["--threads", str(self.threads)] if self.threads else []
        found += ["--gpu-layers", str(self.gpu_layers)] if self.gpu_layers else []
        found += ["--kv-type", self.kv_type]
        found += [] if self.reuse else ["--no-reuse"]
        if self.adapter is not None:
            found += ["--adapter", str(self.adapter), "--adapter-scale", str(self.adapter_scale)]
        return found + (["--ordinary-cache"] if self.ordinary else [])


class LocalEngine:
    """A model in a child process (an :class:`~chatapp.engine.interface.Engine`).

    ``log`` is the file that takes llama.cpp's own messages; without one they are dropped.
    ``on_loading`` is told how much of the weights is loaded (0 to 1).
    """

    kind: Literal["local"] = "local"

    def __init__(
        self, weights: Path, options: EngineOptions | None = None, *, log: Path | None = None
    ) -> None:
        self.weights = weights
        self.options = options or EngineOptions()
        self.info: Ready | None = None
        self.starts = 0
        self.checked: Checked | None = None
        self.on_loading: Callable[[float], None] | None = None
        self.on_checked: Callable[[Checked], None] | None = None
        self._log = log
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self._starting = asyncio.Lock()
        self._replies: dict[int, asyncio.Queue[_Reply | EngineError]] = {}
        self._running: dict[int, Generate] = {}
        self._cancelling: set[int] = set()
        self._next = 0
        self._loading = False
        self._failed = False

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
        self._replies = {0: asyncio.Queue()}
        self._reader = asyncio.create_task(self._read(self._process, self._replies))

    async def _await_ready(self) -> Ready:
        while True:
            event = await self._replies[0].get()
            if isinstance(event, EngineError):
                raise EngineError(_LOAD_DIED.format(name=self.weights.name), kind="model")
            if event["type"] == "loading" and self.on_loading:
                self.on_loading(float(event["progress"]))
            elif event["type"] == "error":
                raise _error(event)
            elif event["type"] == "ready":
                ready = wire.event_from_dict(event)
                assert isinstance(ready, Ready)
                return ready

    async def _read(
        self,
        process: asyncio.subprocess.Process,
        replies: dict[int, asyncio.Queue[_Reply | EngineError]],
    ) -> None:
        """Hand each event to the request it belongs to; at the end, tell all that wait."""
        assert process.stdout is not None
        with contextlib.suppress(ValueError, OSError, EngineError):
            while line := await process.stdout.readline():
                event = wire.decode(line)
                if event.get("type") == "checked":
                    self._note(wire.event_from_dict(event))
                    continue
                waiting = replies.get(event.get("id", 0))
                if waiting is not None:
                    waiting.put_nowait(event)
        # Its output has ended, so it is ending too; a kill just now could reap it behind asyncio.
        try:
            await asyncio.wait_for(process.wait(), 1.0)
        except TimeoutError:
            process.kill()
            await process.wait()
        for waiting in replies.values():
            waiting.put_nowait(EngineDied("The model process ended."))

    def _note(self, checked: object) -> None:
        """The self-test has ended."""
        if isinstance(checked, Checked):
            self.checked = checked
            if self.on_checked:
                self.on_checked(checked)

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

    # ── requests ────────────────────────────────────────────────────────────────────────────────

    async def _write(self, value: Mapping[str, Any]) -> int:
        """Write one request; its number. Raises :class:`EngineDied`."""
        self._next += 1
        number = self._next
        process = self._process
        try:
            if process is None or process.stdin is None:
                raise BrokenPipeError
            process.stdin.write(wire.encode({"id": number, **value}))
            await process.stdin.drain()
        except (OSError, RuntimeError) as error:
            raise EngineDied("The model process ended.") from error
        return number

    async def _send(self, value: Mapping[str, Any]) -> tuple[int, asyncio.Queue[Any]]:
        """Write a request that has answers; its number and the queue of its events.

        If it cannot be written, the queue says that the process ended, as it does later.
        """
        queue: asyncio.Queue[Any] = asyncio.Queue()
        number = self._next + 1
        self._replies[number] = queue
        try:
            await self._write(value)
        except EngineDied as error:
            if self._reader is not None:
                await asyncio.wait({self._reader}, timeout=_GRACE)
            queue.put_nowait(error)
        return number, queue

    async def _cancel(self, number: int) -> None:
        with contextlib.suppress(EngineDied):
            await self._write({"type": "cancel", "target": number})

    async def _begin(
        self, value: Mapping[str, Any], request: Generate | None = None
    ) -> tuple[int, asyncio.Queue[Any], Any]:
        """Send a request; its number, the queue of its events, and the first of them.

        A process that died before it said anything about the request is replaced, once: nothing
        had happened yet.
        """
        for last in (False, True):
            await self.start()
            number, queue = await self._send(value)
            if request is not None:
                self._running[number] = request
            try:
                event = await queue.get()
            except BaseException:
                await self._leave(number)
                raise
            died = isinstance(event, EngineDied) and number not in self._cancelling
            if last or not died:
                break
            self._forget(number)
        return number, queue, event

    def _forget(self, number: int) -> None:
        self._running.pop(number, None)
        self._cancelling.discard(number)
        self._replies.pop(number, None)

    async def _leave(self, number: int) -> None:
        """Whoever listened has left: nobody should wait for the rest of this answer."""
        await asyncio.shield(self._cancel(number))
        self._forget(number)

    async def generate(self, request: Generate) -> AsyncGenerator[Event, None]:
        number, queue, event = await self._begin(request.as_dict(), request)
        ended = False
        text = ""
        try:
            while True:
                if isinstance(event, EngineError):
                    ended = True
                    if number in self._cancelling:
                        yield Done(reason="cancelled", text=text)
                        return
                    raise event
                if event["type"] == "error":
                    ended = True
                    raise _error(event)
                told = wire.event_from_dict(event)
                assert not isinstance(told, (Ready, Checked))
                ended = isinstance(told, Done)
                text += told.text if isinstance(told, Token) else ""
                yield told
                if ended:
                    return
                event = await queue.get()
        finally:
            if ended:
                self._forget(number)
            else:
                await self._leave(number)

    async def cancel(self, request: Generate | None = None) -> None:
        numbers = [
            n for n, running in self._running.items() if request is None or request is running
        ]
        process = self._process
        self._cancelling.update(numbers)
        for number in numbers:
            await self._cancel(number)
        deadline = asyncio.get_running_loop().time() + _GRACE
        while any(number in self._running for number in numbers):
            if asyncio.get_running_loop().time() > deadline:
                if process is self._process:
                    self.kill()
                return
            await asyncio.sleep(0.02)

    async def render(self, messages: Sequence[Message], *, answer: bool = True) -> Prompt | None:
        result = await self._ask(
            {"type": "render", "messages": as_dicts(messages), "answer": answer}
        )
        return wire.prompt_from_dict(result)

    async def score(self, request: Score) -> Scores:
        """Log-probabilities of given continuations; nothing is drawn. Raises ``EngineError``."""
        return wire.scores_from_dict(await self._ask(request.as_dict()))

    async def fingerprint(self) -> Fingerprint:
        """Hash the weight file anew, and say how it is mapped and whether answers repeat."""
        found = await self._ask({"type": "fingerprint"})
        values: dict[str, Any] = {name: found.get(name) for name in _FINGERPRINT}
        return Fingerprint(**values)

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

    async def _ask(self, value: Mapping[str, Any]) -> _Reply:
        """A request with a single answer."""
        number, _, event = await self._begin(value)
        self._forget(number)
        if isinstance(event, EngineError):
            raise event
        if event["type"] == "error":
            raise _error(event)
        result: _Reply = event
        return result


_ADAPTER: Final = ("adapter", "adapter_sha256", "adapter_scale")
_FINGERPRINT: Final = [field.name for field in fields(Fingerprint)]

_LOAD_DIED: Final = (
    "The model process ended while loading {name}. The file may be damaged, or too large for this "
    "machine's memory."
)


def _error(event: Mapping[str, Any]) -> ChatappError:
    kind, sentence = str(event.get("kind", "engine")), str(event.get("message", ""))
    return TemplateError(sentence) if kind == "template" else EngineError(sentence, kind=kind)


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
