"""The engine's process: requests in, events out, nothing kept between them but arithmetic."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Final

from chatapp.context.messages import Message
from chatapp.context.template import ChatTemplate
from chatapp.engine import wire
from chatapp.engine.adapting import Adapting
from chatapp.engine.evaluation import BLOCK, Evaluator
from chatapp.engine.generation import Machine, Turn
from chatapp.engine.llama import Cancelled, Context, Model, has_gpu
from chatapp.engine.memory import KvType, available
from chatapp.engine.ordinary import OrdinaryEvaluator
from chatapp.engine.pace import Pace
from chatapp.engine.probe import check, file_hash, mapping_of
from chatapp.engine.protocol import Checked, Fingerprint, Ready
from chatapp.engine.scoring import score
from chatapp.engine.shelf import ROOM
from chatapp.errors import ChatappError, ContextError, EngineError, TemplateError, WeightsError

Request = dict[str, Any]

NO_GPU: Final = (
    "llama.cpp finds no graphics processor that it can use here, so every layer is computed on the "
    "processor."
)
_AT_ONCE: Final = 0.05
"""Seconds without a request before a reply is read back."""
_QUIET: Final = 0.5
"""Seconds without a request before the self-test is made."""


@dataclass(slots=True)
class Pipe:
    """The two ends of the pipe. Events may be written from two threads."""

    source: BinaryIO
    target: BinaryIO
    lock: threading.Lock = field(default_factory=threading.Lock)

    def tell(self, number: Any, *events: Mapping[str, Any]) -> None:
        """Write events, in one piece: each write wakes the reader."""
        lines = b"".join(wire.encode({"id": number, **event}) for event in events)
        with self.lock:
            self.target.write(lines)
            self.target.flush()

    def fail(self, number: Any, error: BaseException) -> None:
        kind, sentence = _kind_of(error)
        self.tell(number, {"type": "error", "kind": kind, "message": sentence})

    def lines(self) -> Iterator[bytes]:
        """Lines as they come; one beyond the limit is skipped and answered with an error."""
        while line := self.source.readline(wire.MAX_LINE):
            if len(line) == wire.MAX_LINE and not line.endswith(b"\n"):
                while rest := self.source.readline(wire.MAX_LINE):
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
    if isinstance(error, WeightsError):
        return "adapter", str(error)
    if isinstance(error, MemoryError):
        return "memory", "The model process ran out of memory."
    return "internal", f"The model process failed: {type(error).__name__}: {error}"


@dataclass(frozen=True, slots=True)
class Options:
    """Engine settings: part of what an answer depends on (``reuse`` changes speed only).

    Without ``adapt`` the number of threads is fixed. ``shelf``: MiB for caches set aside.
    """

    weights: str
    window: int
    threads: int
    adapt: bool = True
    gpu_layers: int = 0
    kv_type: KvType = "f16"
    reuse: bool = True
    ordinary: bool = False
    shelf: int = ROOM >> 20
    adapter: str | None = None
    adapter_scale: float = 1.0


def load(options: Options, pipe: Pipe, started: float) -> tuple[Machine, Adapting, Ready]:
    """Map the weights, make a context, add the adapter, and say so."""
    told = -1.0

    def progress(done: float) -> None:
        nonlocal told
        if done - told >= 0.1 or done == 1.0:
            told = done
            pipe.tell(0, {"type": "loading", "progress": round(done, 3)})

    notes = []
    gpu_layers = options.gpu_layers if has_gpu() else 0
    if gpu_layers != options.gpu_layers:
        notes.append(NO_GPU)
    model = Model(options.weights, gpu_layers=gpu_layers, progress=progress)
    window = min(options.window, model.trained) if model.trained else options.window
    if window != options.window:
        notes.append(
            f"This model was trained with a window of {window:,} tokens; that is the window used."
        )
    shape = model.cache_shape
    kv_bytes = shape.check(window, options.kv_type, available()) if shape else None
    pace = Pace(options.threads, adapt=options.adapt and options.kv_type != "q8_0")
    context = Context(model, window=window, pace=pace, batch=BLOCK, kv_type=options.kv_type)
    template = ChatTemplate(
        model.template, bos_token=model.token_text("bos"), eos_token=model.token_text("eos")
    )
    kind = OrdinaryEvaluator if options.ordinary else Evaluator
    machine = Machine(model, template, kind(context, reuse=options.reuse))
    machine.evaluator.shelf.room = options.shelf << 20
    adapting = Adapting(machine.evaluator, options.weights)
    if options.adapter is not None:
        adapting.use(options.adapter, options.adapter_scale)
    ready = Ready(
        model=os.path.basename(options.weights),
        window=window,
        trained=model.trained,
        vocabulary=model.size,
        own_template=template.own,
        threads=options.threads,
        load_seconds=round(time.time() - started, 3),
        pid=os.getpid(),
        kv_type=options.kv_type,
        kv_bytes=kv_bytes,
        gpu_layers=gpu_layers,
        reuse=options.reuse,
        note=" ".join(notes) or None,
        **adapting.said(),
    )
    return machine, adapting, ready


class Engine:
    """Answers requests in their order, on the main thread; counts and cancels at once, on another.

    Between requests it reads the last reply back as prompt blocks, so that the next turn of the
    same conversation starts fast.
    """

    def __init__(
        self, machine: Machine, adapting: Adapting, ready: Ready, pipe: Pipe, weights: str
    ) -> None:
        self._machine = machine
        self._adapting = adapting
        self._ready = ready
        self._pipe = pipe
        self._weights = weights
        self._checked: Checked | None = None
        self._queue: queue.Queue[Request | None] = queue.Queue()
        self._cancelled: set[Any] = set()
        self._waiting: set[Any] = set()
        self._turn: Turn | None = None

    def run(self) -> None:
        """Serve until the input ends; requests already read are answered first."""
        threading.Thread(target=self._listen, daemon=True).start()
        while (request := self._next()) is not None:
            number = request.get("id")
            try:
                self._answer(number, request)
            except BrokenPipeError:
                return
            except Cancelled:
                self._pipe.tell(number, {"type": "result", "cancelled": True})
            except Exception as error:
                self._pipe.fail(number, error)
            finally:
                self._waiting.discard(number)
                self._cancelled.discard(number)

    # ── between requests ────────────────────────────────────────────────────────────────────────

    def _next(self) -> Request | None:
        # A request that follows at once may be for the same prompt, whose end is still computed.
        with contextlib.suppress(queue.Empty):
            return self._queue.get(timeout=_AT_ONCE)
        # The next request stops what is done in between; whole blocks read until then are kept.
        if self._queue.empty():
            with contextlib.suppress(Cancelled):
                self._read_back()
        with contextlib.suppress(queue.Empty):
            return self._queue.get(timeout=_QUIET)
        with contextlib.suppress(Cancelled):
            self._check()
        return self._queue.get()

    def _interrupted(self) -> bool:
        return not self._queue.empty()

    def _read_back(self) -> None:
        turn, self._turn = self._turn, None
        if turn is None:
            return

        follows: bool | None = None

        def useless() -> bool:  # asked a thousand times a block: the answer is kept
            nonlocal follows
            if self._queue.empty():
                return False
            if follows is None:
                request = self._queue.queue[0]  # only this thread takes it away
                follows = request is not None and turn.leads_to(request)
            return not follows

        with contextlib.suppress(ChatappError):
            self._machine.read_back(turn, self._interrupted, useless)

    def _check(self, cancelled: Callable[[], bool] | None = None) -> None:
        """The self-test: once for these weights, when there is nothing else to do."""
        if self._checked is None:
            self._checked = check(self._machine.evaluator, cancelled or self._interrupted)
            self._pipe.tell(0, wire.event_as_dict(self._checked))

    # ── requests ────────────────────────────────────────────────────────────────────────────────

    def _listen(self) -> None:
        for line in self._pipe.lines():
            number: Any = 0
            try:
                request = wire.decode(line)
                number = request.get("id")
                self._take(number, request)
            except BrokenPipeError:
                break
            except Exception as error:
                with contextlib.suppress(OSError):
                    self._pipe.fail(number, error)
        self._queue.put(None)

    def _take(self, number: Any, request: Request) -> None:
        """Answer what needs no model at once; put the rest in the queue."""
        if not isinstance(number, (int, str)) or isinstance(number, bool):
            raise EngineError("A request needs an 'id': a number or a text.", kind="request")
        kind = request.get("type")
        if kind in ("generate", "score", "fingerprint", "adapter"):
            if number in self._waiting:
                raise EngineError("This 'id' is already being answered.", kind="request")
            self._waiting.add(number)
            self._queue.put(request)
        elif kind == "cancel":
            target = request.get("target")
            known = isinstance(target, (int, str)) and target in self._waiting
            if known:
                self._cancelled.add(target)
            self._pipe.tell(number, {"type": "result", "cancelled": known})
        elif kind == "render":
            prompt = self._machine.prompt(
                wire.messages_from(request), answer=request.get("answer", True) is not False
            )
            self._pipe.tell(number, {"type": "result", **wire.prompt_as_dict(prompt)})
        elif kind == "info":
            self._pipe.tell(number, {**wire.event_as_dict(self._ready), "type": "result"})
        else:
            raise EngineError(
                "'type' must be one of generate, score, render, fingerprint, info, adapter, "
                "cancel.",
                kind="request",
            )

    def _answer(self, number: Any, value: Request) -> None:
        answers = {
            "generate": self._generate,
            "score": self._score,
            "fingerprint": self._fingerprint,
            "adapter": self._adapter,
        }
        answers[value["type"]](number, value, lambda: number in self._cancelled)

    def _generate(self, number: Any, value: Request, cancelled: Callable[[], bool]) -> None:
        request = wire.generate_from(value)
        done = self._machine.generate(
            request,
            emit=lambda *events: self._pipe.tell(number, *map(wire.event_as_dict, events)),
            cancelled=cancelled,
        )
        self._pipe.tell(number, wire.event_as_dict(done))
        if done.text and not request.plain and request.reuse and self._machine.evaluator.reuse:
            self._turn = Turn([*request.messages, Message("assistant", done.text)], request.scope)

    def _score(self, number: Any, value: Request, cancelled: Callable[[], bool]) -> None:
        scores = score(self._machine, wire.score_from(value), cancelled)
        self._pipe.tell(number, {"type": "result", **wire.scores_as_dict(scores)})

    def _adapter(self, number: Any, value: Request, _: Callable[[], bool]) -> None:
        path = wire.path_from(value, "path")
        self._adapting.use(path, wire.scale_from(value, "scale"))
        # The self-test was made with other weights.
        self._checked = None
        said = self._adapting.said()
        self._ready = dataclasses.replace(self._ready, **said)
        self._pipe.tell(number, {"type": "result", **said})

    def _fingerprint(self, number: Any, _: Request, cancelled: Callable[[], bool]) -> None:
        self._check(cancelled)
        assert self._checked is not None
        found = Fingerprint(
            sha256=file_hash(self._weights),
            bytes=os.path.getsize(self._weights),
            mapping=mapping_of(self._weights),
            logits=self._checked.logits,
            repeatable=self._checked.repeatable,
            **self._adapting.said(),
        )
        self._pipe.tell(number, {"type": "result", **dataclasses.asdict(found)})
