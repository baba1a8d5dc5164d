"""The engine that is a server's client.

Like the local engine's process it is sent the whole transcript on every turn. What a server does
not reveal (its prompt, its tokens, its cache) is ``None`` here, never an estimate.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from typing import Any, Literal
from urllib.parse import urlsplit

from chatapp.context.messages import Message
from chatapp.context.prompt import Prompt
from chatapp.engine.interface import State
from chatapp.engine.protocol import Done, Event, Generate, Ready, Sent
from chatapp.engine.server.body import EXTRAS, left_out, refusal, wanted, without
from chatapp.engine.server.errors import StatusError
from chatapp.engine.server.link import Link, LinkError
from chatapp.engine.server.models import Served, find_model
from chatapp.engine.server.reply import Reply
from chatapp.errors import ServerError

_NO_TOOLS = (
    "This conversation holds tools, which are for models that run here: what a server does with "
    "them cannot be seen from here. Nothing was sent."
)
_AFTER_END = 5.0  # seconds to wait for the counts once the reply itself has ended


def key_from(env: Mapping[str, str], url: str) -> str | None:
    """The key for a server: ``CHATAPP_API_KEY``, or ``None``.

    ``OPENAI_API_KEY`` is taken for OpenAI's own address only: it is nobody else's to see.
    """
    host = urlsplit(url).hostname or ""
    own = host == "openai.com" or host.endswith(".openai.com")
    return (
        env.get("CHATAPP_API_KEY", "").strip()
        or (env.get("OPENAI_API_KEY", "").strip() if own else "")
        or None
    )


class ServerEngine:
    """A client of one server. ``url`` may end with ``/v1`` or not; ``model`` None takes the first.

    Seconds: ``connect`` to reach the server, ``first`` until its first token (it may load a model
    or read a long transcript), ``idle`` between two tokens. Every failure is a
    :class:`~chatapp.errors.ServerError`, the constructor's included. A request is repeated only
    where the server did not answer it because it does not know a field, so that nothing is
    computed, or paid for, twice.
    """

    def __init__(
        self,
        url: str,
        *,
        model: str | None = None,
        key: str | None = None,
        connect: float = 10.0,
        first: float = 600.0,
        idle: float = 120.0,
    ) -> None:
        self._link = Link(url, key=key, connect=connect)
        self._model = model
        self._connect, self._first, self._idle = connect, first, idle
        self._served: Served | None = None
        self._state: State = "stopped"
        self._starts = 0
        self._starting = asyncio.Lock()
        self._running: dict[asyncio.Task[None], Generate] = {}
        self._refused: frozenset[str] = frozenset()
        self._left_out: tuple[str, ...] = ()
        self._latest: Reply | None = None

    @property
    def kind(self) -> Literal["server"]:
        return "server"

    @property
    def address(self) -> str:
        """Where the server is, fit to be shown."""
        return self._link.address

    @property
    def state(self) -> State:
        return self._state

    @property
    def info(self) -> Ready | None:
        return self._served.ready if self._served else None

    @property
    def starts(self) -> int:
        """How often the server was found ready: once, and once more after each failure."""
        return self._starts

    @property
    def left_out(self) -> tuple[str, ...]:
        """What the latest request asked for that this server does not take (``top_k`` …)."""
        return self._left_out

    @property
    def reasoning(self) -> str:
        """What the server sent as reasoning beside the latest reply; it is never sent back."""
        return self._latest.reasoning if self._latest else ""

    async def start(self) -> Ready:
        """See that the server answers and has the model; nothing is generated.

        Looks again only after a failure. Raises ``ServerError``.
        """
        return (await self._ready()).ready

    async def generate(self, request: Generate) -> AsyncGenerator[Event, None]:
        """Answer: ``Sent`` once the server has taken the transcript, ``Token``…, ``Done``.

        Raises ``ServerError``, in the middle of a reply as well. Several may run at once.
        """
        if any(message.role in ("tools", "tool") for message in request.messages):
            raise ServerError(_NO_TOOLS)
        events: asyncio.Queue[Event | None] = asyncio.Queue()
        replies: list[Reply] = []
        # A task of its own, so that cancel() ends it wherever it is, connecting included.
        task = asyncio.create_task(self._exchange(request, replies, events.put_nowait))
        task.add_done_callback(lambda _: events.put_nowait(None))
        self._running[task] = request
        try:
            while (event := await events.get()) is not None:
                yield event
            if not task.cancelled():
                task.result()
            elif replies:
                # Its text may have ended already, and only the counts were still to come.
                yield replies[-1].done(None if replies[-1].ended else "cancelled")
            else:
                yield Done(reason="cancelled", text="")
        finally:
            del self._running[task]
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def cancel(self, request: Generate | None = None) -> None:
        """Close the connection of ``request``, or all of them; the server then stops as well."""
        tasks = [t for t, running in self._running.items() if request is None or running is request]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def render(self, messages: Sequence[Message], *, answer: bool = True) -> Prompt | None:
        """``None``: a server does not reveal its prompt."""
        return None

    async def close(self) -> None:
        """Stop what runs and close the connections."""
        await self.cancel()
        self._state = "stopped"
        await self._link.close()

    # ── inside ──────────────────────────────────────────────────────────────────────────────────

    async def _ready(self) -> Served:
        async with self._starting:
            if self._served and self._state == "ready":
                return self._served
            self._state = "loading"
            try:
                found = await find_model(self._link, self._model, seconds=3 * self._connect)
            except BaseException:
                self._state = "failed"
                raise
            # Ollama reads these only on its own kind of request, and ignores them on this one.
            self._refused = frozenset(EXTRAS if found.family == "ollama" else ())
            self._served, self._state = found, "ready"
            self._starts += 1
            return found

    async def _exchange(
        self, request: Generate, replies: list[Reply], emit: Callable[[Event], None]
    ) -> None:
        served = await self._ready()
        # Chosen here so that the turn can be repeated; 31 bits, which every server can hold.
        seed = request.sampling.seed
        seed = secrets.randbelow(1 << 31) if seed is None else seed
        full = wanted(request, model=served.ready.model, family=served.family, seed=seed)
        sent = False

        def taken() -> None:
            nonlocal sent
            if not sent:
                sent = True
                emit(Sent(prompt=None, seed=seed))

        while True:
            body = without(full, self._refused)
            self._left_out = left_out(full, self._refused)
            reply = self._latest = Reply(request, served.ready.window)
            replies.append(reply)
            try:
                await self._receive(served, body, reply, taken, emit)
                break
            except StatusError as error:
                names = frozenset[str]()
                if error.status in (400, 422, 500, 501):
                    names = refusal(error.said, body)
                if not names:
                    raise
                self._refused |= names
            except LinkError:
                if sent and "logprobs" in body and served.late_errors and not reply.chunks:
                    self._refused |= {"logprobs", "top_logprobs"}
                    continue
                self._state = "failed"
                raise
        emit(reply.done())

    async def _receive(
        self,
        served: Served,
        body: dict[str, Any],
        reply: Reply,
        taken: Callable[[], None],
        emit: Callable[[Event], None],
    ) -> None:
        def patience() -> float:
            if reply.ended:
                return min(_AFTER_END, self._idle)
            return self._idle if reply.begun else self._first

        chunks = self._link.post(
            f"{served.base}/chat/completions", body, taken=taken, patience=patience
        )
        try:
            async with aclosing(chunks):
                async for chunk in chunks:
                    for token in reply.read(chunk):
                        emit(token)
        except LinkError:
            if not reply.ended:
                raise
        if reply.ended == "content_filter":
            raise ServerError(f"The server at {self.address} ended the reply by its filter.")
        if not reply.ended:
            raise LinkError(
                f"The server at {self.address} broke off in the middle of the reply."
                if reply.begun
                else f"The server at {self.address} closed the connection without an answer; its "
                "log may say why."
            )
