"""An engine that answers from a script, with the real model's template and vocabulary."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from chatapp.context.messages import Message
from chatapp.context.prompt import Prompt
from chatapp.engine import wire
from chatapp.engine.counter import Counter
from chatapp.engine.protocol import Generate
from tests.scripted import Reply, ScriptedEngine

CHUNKS = (" The", " weather", " is", " **mild**", ",", " and", " rain", " is", " near", ".")


class Scripted(ScriptedEngine):
    """Keeps nothing of a request, as the real engine's client does."""

    counter: Counter

    def __post_init__(self) -> None:
        super().__post_init__()
        self.paced = 0

    async def render(self, messages: Sequence[Message], *, answer: bool = True) -> Prompt | None:
        prompt = await self.counter.prompt(messages, answer=answer)
        # A copy of its own, as it would come down the pipe.
        return wire.prompt_from_dict(wire.decode(wire.encode(wire.prompt_as_dict(prompt))))

    def _reused(self, prompt: Prompt | None) -> int | None:
        return 0

    async def generate(self, request: Generate) -> Any:
        long = request.messages[-1].content.startswith("Write")
        self.replies = [Reply(CHUNKS * 40, pace=0.01) if long else Reply(CHUNKS * 4)]
        told = False
        async for event in super().generate(request):
            if long and not told and event.type == "token":
                told = True
                self.tell(event="streaming")
            yield event
        self.requests.clear()
        if long:
            self.tell(event="reply", times=[])

    def tell(self, **values: Any) -> None:
        """Replaced by whoever listens."""


def scripted_engine(weights: Path) -> tuple[Scripted, Counter]:
    """The engine and a counter that reads the weight file's vocabulary."""
    engine = Scripted(window=2048)
    engine.counter = Counter(engine, weights)
    return engine, engine.counter
