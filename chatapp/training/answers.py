"""What the base says, by the engine that the chat uses: what an adapter must leave as it is.

It depends on the base and the question alone, so it is asked once and kept in a file.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from chatapp.context.messages import Message, as_dicts
from chatapp.training.engines import Engines, Progress, side_by_side
from chatapp.training.prompts import asked

T = TypeVar("T", str, float)


class Answers:
    """Answers of one base, kept in a file below ``folder``. ``engines`` start when one is new."""

    def __init__(self, engines: Engines, sha256: str, folder: Path) -> None:
        self._engines = engines
        self._path = folder / f"answers-{sha256[:16]}.json"
        try:
            kept = json.loads(self._path.read_bytes())
        except (OSError, ValueError):
            kept = None
        self._texts: dict[str, str] = _sound(kept, "texts", str)
        self._nats: dict[str, float] = _sound(kept, "nats", float)

    async def of(self, prompts: Sequence[str], tokens: int, tell: Progress) -> list[str]:
        """One answer for each question, each asked in a session of its own."""
        asks = {
            _key(tokens, prompt): partial(self._engines.answer, asked(prompt), tokens)
            for prompt in prompts
        }
        await _ask(self._texts, asks, tell)
        return [self._texts[_key(tokens, prompt)] for prompt in prompts]

    async def nll(
        self, pairs: Sequence[tuple[Sequence[Message], str]], tell: Progress
    ) -> list[float]:
        """How improbable given answers are (nats a token), for pairs of messages and answer."""
        asks = {
            _key(as_dicts(messages), text): partial(self._engines.nll, messages, text)
            for messages, text in pairs
        }
        await _ask(self._nats, asks, tell)
        return [self._nats[_key(as_dicts(messages), text)] for messages, text in pairs]

    def keep(self) -> None:
        """Write what was asked, for the next time; a disk that is full loses nothing."""
        kept = {"texts": self._texts, "nats": self._nats}
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._path.write_text(json.dumps(kept, ensure_ascii=False) + "\n", "utf-8")
        except OSError:
            pass


async def _ask(
    kept: dict[str, T], asks: Mapping[str, Callable[[], Awaitable[T]]], tell: Progress
) -> None:
    """Put what is new into ``kept``."""
    if not asks:
        return
    new = [key for key in asks if key not in kept]

    def told(done: int) -> None:
        tell("The base's own answers", len(asks) - len(new) + done, len(asks))

    told(0)
    found = await side_by_side([asks[key] for key in new], told)
    kept.update(zip(new, found, strict=True))


def _sound(kept: Any, part: str, kind: type) -> dict[str, Any]:
    """A part of the file, empty if it is not what this version writes."""
    values = kept.get(part) if isinstance(kept, dict) else None
    good = isinstance(values, dict) and all(isinstance(one, kind) for one in values.values())
    return dict(values or {}) if good else {}


def _key(*parts: Any) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
