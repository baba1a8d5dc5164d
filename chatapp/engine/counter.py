"""Exact token counts for what would be sent, without waiting for the model where that is possible.

For byte-level BPE models the count is made here, from the weight file's own vocabulary and
template, so it works while the model loads or answers. It is checked against the engine's ids for
every prompt that is sent; one difference, and counts come from the engine from then on.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from pathlib import Path

from chatapp.context.messages import Message
from chatapp.context.prompt import Prompt, build_prompt
from chatapp.context.template import ChatTemplate
from chatapp.context.vocabulary import Vocabulary
from chatapp.engine.interface import Engine
from chatapp.engine.weights.gguf import read_header
from chatapp.engine.weights.header import Header

# Above this many characters a count is made on a thread, so that typing never waits for it.
_SHORT = 20_000
# The same messages are counted several times in a row: as they are written, before they are sent,
# and when they have arrived.
_KEPT = 2


def template_of(header: Header) -> ChatTemplate:
    """The chat template of a weight file, with the names it may use."""

    def name(token: int | None) -> str:
        fits = token is not None and 0 <= token < len(header.tokens)
        return header.tokens[token] if fits and token is not None else ""

    return ChatTemplate(
        header.chat_template, bos_token=name(header.bos_id), eos_token=name(header.eos_id)
    )


class Counter:
    """Counts prompts: from ``weights`` (a GGUF file) if given and understood, else by ``engine``.

    ``source`` tells which: ``"own"`` or ``"engine"``; ``doubt`` says why an own count was given up.
    """

    def __init__(self, engine: Engine, weights: Path | None) -> None:
        self._engine = engine
        self._weights = weights
        self._vocabulary: Vocabulary | None = None
        self._template: ChatTemplate | None = None
        self._own: ChatTemplate | None = None
        self._opened = False
        self._opening = asyncio.Lock()
        self._prompts: deque[tuple[tuple[Message, ...], bool, Prompt]] = deque(maxlen=_KEPT)
        self.doubt: str | None = None

    @property
    def source(self) -> str:
        return "own" if self._vocabulary else "engine"

    async def prompt(self, messages: Sequence[Message], *, answer: bool = True) -> Prompt | None:
        """The prompt for these messages; ``None`` where the engine does not reveal it.

        Raises :class:`~chatapp.errors.TemplateError` if the template refuses them.
        """
        await self.open()
        takes = all(Vocabulary.takes(message.content) for message in messages)
        if self._vocabulary and self._template and takes:
            return await self._own_prompt(tuple(messages), self._template, self._vocabulary, answer)
        return await self._engine.render(messages, answer=answer)

    async def _own_prompt(
        self,
        messages: tuple[Message, ...],
        template: ChatTemplate,
        vocabulary: Vocabulary,
        answer: bool,
    ) -> Prompt:
        for known, answered, prompt in self._prompts:
            if answered == answer and known == messages:
                return prompt
        if sum(len(message.content) for message in messages) <= _SHORT:
            prompt = build_prompt(messages, template, vocabulary, answer=answer)
        else:
            prompt = await asyncio.to_thread(
                build_prompt, messages, template, vocabulary, answer=answer
            )
        self._prompts.append((messages, answer, prompt))
        return prompt

    async def takes_tools(self) -> bool | None:
        """Whether the template has a place for tools; ``None`` if it is not known here."""
        await self.open()
        template = self._own
        return None if template is None else await asyncio.to_thread(lambda: template.takes_tools)

    async def open(self) -> None:
        """Read the vocabulary, once, off the event loop."""
        async with self._opening:
            if not self._opened and self._weights:
                await asyncio.to_thread(self._read, self._weights)
            self._opened = True

    def _read(self, weights: Path) -> None:
        header = read_header(weights, with_vocabulary=True)
        self._own = template_of(header)
        if not Vocabulary.known(header.tokenizer_model, header.tokenizer_pre, header.token_types):
            return
        prefix = [header.bos_id] if header.add_bos and header.bos_id is not None else []
        vocabulary = Vocabulary(
            header.tokens, header.token_types, pre=header.tokenizer_pre or "", prefix=prefix
        )
        vocabulary.encode("ready")  # builds the encoding here, on this thread
        self._template = self._own
        self._vocabulary = vocabulary

    async def check(self, messages: Sequence[Message], sent: Prompt) -> bool:
        """Compare an own count with what the engine read; give it up if they differ."""
        await self.open()
        if not self._vocabulary:
            return True
        own = await self.prompt(messages)
        self.doubt = self._vocabulary.differs(sent.tokens, own.tokens if own else ())
        if self.doubt:
            self._vocabulary = None
        return self.doubt is None
