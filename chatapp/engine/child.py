"""The engine's process: requests in, events out, nothing kept between them but arithmetic."""

from __future__ import annotations

import contextlib
import os
import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from chatapp.context.messages import Message
from chatapp.context.template import ChatTemplate
from chatapp.engine import protocol
from chatapp.engine.evaluation import BLOCK, Evaluator
from chatapp.engine.generation import Machine
from chatapp.engine.llama import Cancelled, Context, Model
from chatapp.engine.protocol import Generate, Ready, Sampling
from chatapp.errors import ChatappError, ContextError, EngineError, TemplateError

Request = dict[str, Any]


@dataclass(slots=True)
class Wire:
    """The two ends of the pipe. Events may be written from two threads."""

    source: BinaryIO
    target: BinaryIO
    lock: threading.Lock = field(default_factory=threading.Lock)

    def tell(self, number: Any, event: Mapping[str, Any]) -> None:
        with self.lock:
            self.target.write(protocol.encode({"id": number, **event}))
            self.target.flush()

    def fail(self, number: Any, error: BaseException) -> None:
        kind, sentence = _kind_of(error)
        self.tell(number, {"type": "error", "kind": kind, "message": sentence})

    def lines(self) -> Iterator[bytes]:
        """Lines as they come; one beyond the limit is skipped and answered with an error."""
        while line := self.source.readline(protocol.MAX_LINE):
            if len(line) == protocol.MAX_LINE and not line.endswith(b"\n"):
                while rest := self.source.readline(protocol.MAX_LINE):
                    if rest.endswith(b"\n"):
                        break
                self.fail(0, EngineError("This line is too long.", kind="request"))
            elif line.strip():
                yield line


def _kind_of(error: BaseException) -> tuple[str, str]:
    if isinstance(error, TemplateError):
        return "template", str(error)
    if isinstance(error, ContextError):
        return "request", str(error)
    if isinstance(error, EngineError):
        return error.kind, str(error)
    if isinstance(error, MemoryError):
        return "memory", "The model process ran out of memory."
    return "internal", f"The model process failed: {type(error).__name__}: {error}"


@dataclass(frozen=True, slots=True)
class Options:
    """Engine settings: part of what an answer depends on (``reuse`` changes speed only)."""

    weights: str
    window: int
    threads: int
    gpu_layers: int = 0
    reuse: bool = True


def load(options: Options, wire: Wire, started: float) -> tuple[Machine, Ready]:
    """Map the weights, make a context, and say so."""
    told = -1.0

    def progress(done: float) -> None:
        nonlocal told
        if done - told >= 0.1 or done == 1.0:
            told = done
            wire.tell(0, {"type": "loading", "progress": round(done, 3)})

    model = Model(options.weights, gpu_layers=options.gpu_layers, progress=progress)
    window = min(options.window, model.trained) if model.trained else options.window
    context = Context(model, window=window, threads=options.threads, batch=BLOCK)
    template = ChatTemplate(
        model.template, bos_token=model.token_text("bos"), eos_token=model.token_text("eos")
    )
    machine = Machine(model, template, Evaluator(context, reuse=options.reuse))
    return machine, Ready(
        model=os.path.basename(options.weights),
        window=window,
        trained=model.trained,
        vocabulary=model.size,
        own_template=template.own,
        threads=options.threads,
        load_seconds=round(time.time() - started, 3),
        pid=os.getpid(),
    )


class Engine:
    """Answers requests in their order, on the main thread; counts and cancels at once, on another.

    Between requests it reads the last reply back as prompt blocks, so that the next turn of the
    same conversation starts fast.
    """

    def __init__(self, machine: Machine, ready: Ready, wire: Wire) -> None:
        self._machine = machine
        self._ready = ready
        self._wire = wire
        self._queue: queue.Queue[Request | None] = queue.Queue()
        self._cancelled: set[Any] = set()
        self._waiting: set[Any] = set()
        self._idle: Callable[[], None] | None = None

    def run(self) -> None:
        """Serve until the input ends; requests already read are answered first."""
        threading.Thread(target=self._listen, daemon=True).start()
        while (request := self._next()) is not None:
            number = request.get("id")
            try:
                self._generate(number, request)
            except BrokenPipeError:
                return
            except Exception as error:
                self._wire.fail(number, error)
            finally:
                self._waiting.discard(number)
                self._cancelled.discard(number)

    def _next(self) -> Request | None:
        if self._idle and self._queue.empty():
            idle, self._idle = self._idle, None
            # The next request stops it between blocks; whole blocks read until then are kept.
            with contextlib.suppress(Cancelled, ChatappError):
                idle()
        return self._queue.get()

    def _listen(self) -> None:
        for line in self._wire.lines():
            number: Any = 0
            try:
                request = protocol.decode(line)
                number = request.get("id")
                self._take(number, request)
            except BrokenPipeError:
                break
            except Exception as error:
                with contextlib.suppress(OSError):
                    self._wire.fail(number, error)
        self._queue.put(None)

    def _take(self, number: Any, request: Request) -> None:
        if not isinstance(number, (int, str)) or isinstance(number, bool):
            raise EngineError("A request needs an 'id': a number or a text.", kind="request")
        kind = request.get("type")
        if kind == "generate":
            if number in self._waiting:
                raise EngineError("This 'id' is already being answered.", kind="request")
            self._waiting.add(number)
            self._queue.put(request)
        elif kind == "cancel":
            target = request.get("target")
            known = isinstance(target, (int, str)) and target in self._waiting
            if known:
                self._cancelled.add(target)
            self._wire.tell(number, {"type": "result", "cancelled": known})
        elif kind == "render":
            prompt = self._machine.prompt(
                protocol.messages_from(request), answer=request.get("answer", True) is not False
            )
            self._wire.tell(number, {"type": "result", **protocol.prompt_as_dict(prompt)})
        elif kind == "info":
            self._wire.tell(number, {**protocol.event_as_dict(self._ready), "type": "result"})
        else:
            raise EngineError(
                "'type' must be one of generate, render, info, cancel.", kind="request"
            )

    def _generate(self, number: Any, value: Request) -> None:
        alternatives = value.get("alternatives", 0)
        if not isinstance(alternatives, int) or not 0 <= alternatives <= protocol.MAX_ALTERNATIVES:
            raise EngineError(
                f"'alternatives' must be a number from 0 to {protocol.MAX_ALTERNATIVES}.",
                kind="request",
            )
        request = Generate(
            messages=protocol.messages_from(value),
            sampling=Sampling.from_dict(value.get("sampling", {})),
            alternatives=alternatives,
        )
        done = self._machine.generate(
            request,
            emit=lambda event: self._wire.tell(number, protocol.event_as_dict(event)),
            cancelled=lambda: number in self._cancelled,
        )
        self._wire.tell(number, protocol.event_as_dict(done))
        if done.text and self._machine.evaluator.reuse:
            self._idle = self._reading_back(list(request.messages), done.text)

    def _reading_back(self, messages: list[Message], reply: str) -> Callable[[], None]:
        return lambda: self._machine.read_back(
            messages, reply, cancelled=lambda: not self._queue.empty()
        )
