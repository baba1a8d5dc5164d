"""An engine that answers from a script: for tests of everything above engines."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from chatapp.context.messages import Message
from chatapp.context.prompt import Prompt, build_prompt
from chatapp.context.template import ChatTemplate
from chatapp.engine.interface import State
from chatapp.engine.protocol import Done, Event, Generate, Prefill, Ready, Reason, Sent, Token

TEMPLATE = (
    "{% for message in messages %}{% if loop.first and message['role'] != 'system' %}"
    "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n{% endif %}"
    "<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
_WORDS = re.compile(r" ?[^\s]{1,6}|\s")


class ToyTokenizer:
    """Short runs of letters as tokens; ids are given out as pieces are met."""

    prefix: Sequence[int] = ()

    def __init__(self) -> None:
        self.control = {"<|im_start|>": 1, "<|im_end|>": 2}
        self._ids = dict(self.control)
        self._pieces = {number: text for text, number in self._ids.items()}

    def encode(self, text: str) -> list[int]:
        return [self._id(piece) for piece in _WORDS.findall(text)]

    def _id(self, piece: str) -> int:
        known = self._ids.setdefault("t" + piece, len(self._ids) + 100)
        self._pieces[known] = piece
        return known

    def piece(self, token: int) -> bytes:
        return self._pieces[token].encode()


@dataclass
class Reply:
    """One scripted reply: its chunks, or an exception, and what may hold it up.

    A chunk is a text, or all that is told of a token.
    ``arrive`` holds back the request's arrival, ``go`` the first chunk, ``each`` every chunk
    (one step of the semaphore lets one chunk through).
    """

    chunks: Sequence[str | Token] = ("Hello", " there", ".")
    error: Exception | None = None
    fail_after: int = 0
    prefill: int = 0
    reason: Reason = "stop"
    pace: float = 0.0
    arrive: asyncio.Event | None = None
    go: asyncio.Event | None = None
    each: asyncio.Semaphore | None = None


@dataclass
class ScriptedEngine:
    """Answers with ``replies`` in turn, then with "ok"; keeps each request for a test to read."""

    replies: list[Reply] = field(default_factory=list)
    window: int | None = 2048
    revealing: bool = True
    load: asyncio.Event | None = None
    load_error: Exception | None = None
    kind: Literal["local", "server"] = "local"
    vocabulary: int | None = None

    def __post_init__(self) -> None:
        self.info: Ready | None = None
        self.starts = 0
        self.requests: list[Generate] = []
        self.rendered = 0
        self.closed = False
        self.tokenizer = ToyTokenizer()
        self.template = ChatTemplate(TEMPLATE)
        self._state: State = "stopped"
        self._cancel = asyncio.Event()
        self._seen: set[int] = set()

    @property
    def state(self) -> State:
        return self._state

    async def start(self) -> Ready:
        if self.info is not None and self._state == "ready":
            return self.info
        self._state = "loading"
        if self.load is not None:
            await self.load.wait()
        if self.load_error is not None:
            self._state = "failed"
            raise self.load_error
        self._state = "ready"
        self.starts += 1
        self.info = Ready(model="scripted", window=self.window, vocabulary=self.vocabulary)
        return self.info

    def die(self) -> None:
        """As if the process had been killed."""
        self._state = "stopped"

    async def render(self, messages: Sequence[Message], *, answer: bool = True) -> Prompt | None:
        self.rendered += 1
        if not self.revealing:
            return None
        return build_prompt(messages, self.template, self.tokenizer, answer=answer)

    async def cancel(self, request: Generate | None = None) -> None:
        self._cancel.set()

    async def close(self) -> None:
        self.closed = True
        self._state = "stopped"

    async def _held(self, gate: asyncio.Event | asyncio.Semaphore | None) -> bool:
        """Wait for a gate; False if the person stopped the reply meanwhile."""
        if gate is None:
            return not self._cancel.is_set()
        waiting = asyncio.ensure_future(
            gate.wait() if isinstance(gate, asyncio.Event) else gate.acquire()
        )
        stopped = asyncio.ensure_future(self._cancel.wait())
        try:
            await asyncio.wait({waiting, stopped}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiting.cancel()
            stopped.cancel()
        return not self._cancel.is_set()

    async def generate(self, request: Generate) -> AsyncGenerator[Event, None]:
        await self.start()
        self._cancel.clear()
        self.requests.append(request)
        script = self.replies.pop(0) if self.replies else Reply(("ok",))
        await self._held(script.arrive)
        prompt = await self.render(request.messages)
        tokens = len(prompt) if prompt else None
        known = self._reused(prompt)
        if known is not None and not request.reuse:
            known = 0
        yield Sent(
            prompt=prompt,
            reused=known,
            evaluate=tokens - known if tokens is not None and known is not None else None,
            seed=request.sampling.seed,
        )
        for done in range(0, script.prefill + 1, 40) if script.prefill else ():
            yield Prefill(done=done, total=script.prefill)
        text, sent = "", 0
        reason: Reason = script.reason
        going = await self._held(script.go)
        for chunk in script.chunks if going else ():
            if script.error is not None and sent >= script.fail_after:
                break
            if script.pace:
                await asyncio.sleep(script.pace)
            if not await self._held(script.each):
                break
            token = chunk if isinstance(chunk, Token) else Token(text=chunk)
            text += token.text
            sent += 1
            yield token
        if script.error is not None:
            self.die()
            raise script.error
        if self._cancel.is_set():
            reason = "cancelled"
        yield Done(
            reason=reason,
            text=text,
            prompt_tokens=tokens,
            reply_tokens=sent,
            prefill_seconds=0.1,
            decode_seconds=max(sent, 1) / 40,
        )

    def _reused(self, prompt: Prompt | None) -> int | None:
        """As a cache of whole blocks would: what was read before, in steps of 16 tokens."""
        if prompt is None:
            return None
        known = block = 0
        for end in range(16, len(prompt) + 1, 16):
            block = hash((block, prompt.tokens[end - 16 : end]))
            known = end if block in self._seen and known == end - 16 else known
            self._seen.add(block)
        return known
