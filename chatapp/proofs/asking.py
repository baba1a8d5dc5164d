"""Asking an engine, and keeping everything that the answer's bits are known by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from chatapp.context.messages import Message
from chatapp.context.prompt import Prompt
from chatapp.engine.interface import Engine
from chatapp.engine.protocol import Done, Generate, Sampling, Sent, Token
from chatapp.errors import EngineError

GREEDY = Sampling(max_tokens=40)


@dataclass(frozen=True, slots=True)
class Answer:
    """A reply, token by token. ``hashes`` are of all logits at each step."""

    prompt: Prompt
    tokens: tuple[Token, ...]
    text: str
    done: Done

    @property
    def ids(self) -> list[int]:
        return [token.token for token in self.tokens if token.token is not None]

    @property
    def hashes(self) -> list[str | None]:
        return [token.logits for token in self.tokens]

    @property
    def bits(self) -> list[tuple[int | None, str | None]]:
        """Token ids with the hashes of their distributions: equal only if every bit is."""
        return [(token.token, token.logits) for token in self.tokens]

    @property
    def first(self) -> str | None:
        """The hash of the distribution that the first token came from."""
        return self.tokens[0].logits if self.tokens else None

    @property
    def message(self) -> Message:
        return Message("assistant", self.text)


async def ask(engine: Engine, request: Generate) -> Answer:
    """The whole answer to a request. Raises ``EngineError``."""
    prompt, done, tokens = None, None, []
    async for event in engine.generate(request):
        if isinstance(event, Sent):
            prompt = event.prompt
        elif isinstance(event, Token) and event.token is not None:
            tokens.append(event)
        elif isinstance(event, Done):
            done = event
    if prompt is None or done is None:
        raise EngineError("The engine did not say what it received.")
    return Answer(prompt, tuple(tokens), done.text, done)


def user(text: str) -> Message:
    return Message("user", text)


@dataclass(slots=True)
class Talk:
    """A transcript that grows by turns. Each turn sends all of it; nothing else is kept."""

    engine: Engine
    sampling: Sampling = GREEDY
    messages: list[Message] = field(default_factory=list)

    async def say(self, text: str) -> Answer:
        """One turn: everything so far and ``text`` is sent; the reply joins the transcript."""
        self.messages.append(user(text))
        answer = await ask(self.engine, self.next())
        self.messages.append(answer.message)
        return answer

    def next(self, more: Sequence[Message] = ()) -> Generate:
        """The request that sends the transcript as it stands, and ``more``."""
        return Generate(messages=[*self.messages, *more], sampling=self.sampling, hashes=True)
