"""What is known of one turn: every number that the screen shows about it."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field

from chatapp.context.messages import Message
from chatapp.context.prompt import Prompt
from chatapp.conversation.steps import Steps
from chatapp.engine.protocol import Generate, Ready, Sampling


@dataclass(frozen=True, slots=True)
class Answering:
    """Which weights answered, as the engine said of itself. Without an adapter all but ``model``
    are ``None``; ``adapter_sha256`` is of its file as it was loaded.
    """

    model: str
    adapter: str | None = None
    adapter_sha256: str | None = None
    adapter_scale: float | None = None

    @classmethod
    def of(cls, ready: Ready) -> Answering:
        return cls(ready.model, ready.adapter, ready.adapter_sha256, ready.adapter_scale)


@dataclass(slots=True)
class TurnFacts:
    """One request and its answer. Counts are tokens, times seconds, ``None`` means not revealed.

    ``arrived``: the request has reached the model. ``new`` holds the indices of the messages that
    no earlier request contained; a token counts with the message it travels with
    (:meth:`~chatapp.context.prompt.Prompt.travels_with`). ``tokens`` are those of the reply and
    the one that ended it, if the model did (it is not among ``reply_tokens``); ``vocabulary`` is
    how many the model chose each from. ``first_logits`` is the SHA-256 of the distribution that
    the first of them came from. ``weights`` are those that answered.
    ``prompt`` is kept for the latest request alone, as it is as long as the whole window;
    :meth:`Counter.prompt` makes that of an earlier turn again from its ``messages``, the same.
    ``prompt_sha256`` is the hash of its token ids, as 32-bit integers, little-endian.
    """

    number: int
    request: Generate
    arrived: bool = False
    new: frozenset[int] = frozenset()
    prompt: Prompt | None = None
    prompt_sha256: str | None = None
    seed: int | None = None
    tokens_sent: int | None = None
    tokens_again: int | None = None
    tokens_new: int | None = None
    reused: int | None = None
    computed: int | None = None
    reply_tokens: int | None = None
    first_token_seconds: float | None = None
    prefill_seconds: float | None = None
    decode_seconds: float | None = None
    total_sent: int | None = None
    engine_start: int = 0
    vocabulary: int | None = None
    first_logits: str | None = None
    weights: Answering | None = None
    tokens: Steps = field(default_factory=Steps)

    @property
    def messages(self) -> Sequence[Message]:
        return self.request.messages

    @property
    def sampling(self) -> Sampling:
        return self.request.sampling

    @property
    def tokens_per_second(self) -> float | None:
        """Decoding speed: the first token comes from prefill and is not counted."""
        if not self.decode_seconds or not self.reply_tokens or self.reply_tokens < 2:
            return None
        return (self.reply_tokens - 1) / self.decode_seconds

    def count(self, prompt: Prompt) -> None:
        """Fill in what was sent, and how much of it had been sent before."""
        self.prompt = prompt
        ids = prompt.tokens
        self.prompt_sha256 = hashlib.sha256(struct.pack(f"<{len(ids)}i", *ids)).hexdigest()
        travels = prompt.travels_with()
        self.tokens_sent = len(prompt)
        self.tokens_new = sum(owner in self.new for owner in travels)
        self.tokens_again = len(prompt) - self.tokens_new
