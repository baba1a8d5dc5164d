"""The base's own answers, by the engine that the chat uses: what an adapter must leave as it is."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path

from chatapp.context.messages import Message
from chatapp.engine.client import LocalEngine
from chatapp.engine.protocol import Done, Generate, Sampling

Progress = Callable[[str, int, int], None]


async def answer(engine: LocalEngine, messages: Sequence[Message], tokens: int) -> str:
    """The most probable reply, up to so many tokens."""
    request = Generate(messages=messages, sampling=Sampling(max_tokens=tokens))
    text = ""
    async for event in engine.generate(request):
        if isinstance(event, Done):
            text = event.text
    return text


class Answers:
    """Answers of one base, kept in a file below ``folder``: they depend on nothing else."""

    def __init__(self, engine: LocalEngine, sha256: str, folder: Path) -> None:
        self._engine = engine
        self._path = folder / f"answers-{sha256[:16]}.json"
        try:
            kept = json.loads(self._path.read_bytes())
        except (OSError, ValueError):
            kept = {}
        good = isinstance(kept, dict) and all(isinstance(one, str) for one in kept.values())
        self._kept: dict[str, str] = kept if good else {}

    async def of(self, prompts: Sequence[str], tokens: int, tell: Progress) -> list[str]:
        """One answer for each question, each asked in a session of its own."""
        found = []
        for number, prompt in enumerate(prompts):
            key = hashlib.sha256(f"{tokens}:{prompt}".encode()).hexdigest()
            if key not in self._kept:
                self._kept[key] = await answer(self._engine, [Message("user", prompt)], tokens)
            found.append(self._kept[key])
            tell("The base's own answers", number + 1, len(prompts))
        return found

    def keep(self) -> None:
        """Write what was asked, for the next time; a disk that is full loses nothing."""
        try:
            self._path.write_text(json.dumps(self._kept, ensure_ascii=False) + "\n", "utf-8")
        except OSError:
            pass
