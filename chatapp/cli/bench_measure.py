"""What ``chatapp bench`` measures: seconds to the first token, and tokens a second."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any, Final

from chatapp.context.messages import Message
from chatapp.engine.client import LocalEngine
from chatapp.engine.protocol import Done, Generate, Prefill, Ready, Sampling, Sent, Token
from chatapp.errors import EngineError

LENGTHS: Final = (64, 256, 512, 1024)
"""Transcripts, in tokens; further ones double up to the window."""
_QUICK: Final = 512
_STEPS: Final = 16
"""Tokens of each reply."""
_ROOM: Final = 2 * _STEPS + 64
"""Tokens that the reply, the next question and its reply need behind a transcript."""
_REPEATED: Final = 512
"""Transcripts up to this length are measured three times."""
_FILLER: Final = "A whale swam past the lighthouse while the keeper counted the waves. "
_TASK: Final = "Tell me a long story about this."
_NEXT: Final = "What happened to the keeper after that? Go on, please."
_PATIENCE: Final = 120.0
"""Seconds to wait for the self-test."""

Tell = Callable[[str, int, int], None]
"""Told what is being done, and how many tokens of how many are read."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer as seen from outside the model process."""

    tokens: int
    reused: int
    first_seconds: float
    reading: float
    """Tokens a second."""
    writing: float | None
    text: str


@dataclass(frozen=True, slots=True)
class Row:
    """One transcript length: read afresh, and the next turn of the same conversation."""

    afresh: Answer
    again: Answer

    def as_dict(self) -> dict[str, Any]:
        return {
            "tokens": self.afresh.tokens,
            "first_token_seconds_afresh": round(self.afresh.first_seconds, 4),
            "reading_tokens_per_second": round(self.afresh.reading, 2),
            "writing_tokens_per_second": _rounded(self.afresh.writing),
            "next_turn_tokens": self.again.tokens,
            "next_turn_tokens_reused": self.again.reused,
            "first_token_seconds_next_turn": round(self.again.first_seconds, 4),
        }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)


@dataclass(slots=True)
class Measured:
    """What is known so far; it stays when the measuring is stopped."""

    ready: Ready | None = None
    repeatable: bool | None = None
    reuse: bool = True
    rows: list[Row] = field(default_factory=list)
    complete: bool = False

    @property
    def reading(self) -> float | None:
        """Tokens a second, over all transcripts: a long one counts more."""
        tokens = sum(row.afresh.tokens - row.afresh.reused for row in self.rows)
        seconds = sum(
            (row.afresh.tokens - row.afresh.reused) / row.afresh.reading for row in self.rows
        )
        return tokens / seconds if seconds else None

    @property
    def writing(self) -> float | None:
        known = [row.afresh.writing for row in self.rows if row.afresh.writing is not None]
        return median(known) if known else None


def lengths_for(window: int, *, quick: bool) -> list[int]:
    """The transcripts to measure, in tokens, up to what the window can hold."""
    most = max(window - _ROOM, LENGTHS[0])
    wanted = list(LENGTHS)
    while wanted[-1] * 2 <= most:
        wanted.append(wanted[-1] * 2)
    fitting = [length for length in wanted if length <= most]
    if quick:
        return [length for length in fitting if length <= _QUICK]
    return fitting if most < fitting[-1] * 1.25 else [*fitting, most]


async def measure(engine: LocalEngine, found: Measured, *, quick: bool, tell: Tell) -> None:
    """Measure into ``found``, row by row. Raises ``EngineError``."""
    tell("Loading the model", 0, 0)
    found.ready = await engine.start()
    assert found.ready.window is not None
    tell("Testing whether answers repeat", 0, 0)
    await _wait_for_check(engine, found)
    number = 0
    for length in lengths_for(found.ready.window, quick=quick):
        words = await _words(engine, length)
        rows = []
        for _ in range(1 if quick or length > _REPEATED else 3):
            number += 1
            rows.append(await _row(engine, number, words, tell))
        found.rows.append(sorted(rows, key=lambda row: row.afresh.first_seconds)[len(rows) // 2])
    found.complete = True


async def _wait_for_check(engine: LocalEngine, found: Measured) -> None:
    """The self-test runs once the model is idle; nothing is measured beside it."""
    done = asyncio.Event()
    engine.on_checked = lambda _: done.set()
    if engine.checked is None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(done.wait(), _PATIENCE)
    if engine.checked is not None:
        found.repeatable, found.reuse = engine.checked.repeatable, engine.checked.reuse


def _transcript(number: int, words: int) -> list[Message]:
    """A conversation of one message that begins like no other, so nothing of it is known yet."""
    text = (_FILLER * (words // 12 + 1)).split(" ")[:words]
    return [Message("user", " ".join([f"Page {number}.", *text, _TASK]))]


async def _words(engine: LocalEngine, length: int) -> int:
    """How many words of filler make a prompt of about so many tokens."""
    sizes = []
    for words in (0, 120):
        prompt = await engine.render(_transcript(1, words))
        sizes.append(len(prompt) if prompt else 0)
    each = max((sizes[1] - sizes[0]) / 120, 0.1)
    return max(int((length - sizes[0]) / each), 0)


async def _row(engine: LocalEngine, number: int, words: int, tell: Tell) -> Row:
    messages = _transcript(number, words)
    afresh = await _answer(engine, messages, "Reading afresh", tell)
    # While idle, the engine reads its reply back: at most a block. A person takes longer to type.
    await asyncio.sleep(0.2 + 1.5 * LENGTHS[0] / afresh.reading)
    messages += [Message("assistant", afresh.text or "."), Message("user", _NEXT)]
    return Row(afresh, await _answer(engine, messages, "The next turn", tell))


async def _answer(
    engine: LocalEngine, messages: Sequence[Message], doing: str, tell: Tell
) -> Answer:
    asked, first, reused, evaluated = time.monotonic(), 0.0, 0, 0
    request = Generate(messages=messages, sampling=Sampling(max_tokens=_STEPS))
    async for event in engine.generate(request):
        now = time.monotonic()
        if isinstance(event, Sent):
            reused, evaluated = event.reused or 0, event.evaluate or 0
            tell(f"{doing}: {reused + evaluated:,} tokens", 0, evaluated)
        elif isinstance(event, Prefill):
            tell(f"{doing}: {reused + event.total:,} tokens", event.done, event.total)
        elif isinstance(event, Token):
            first = first or now
        elif isinstance(event, Done):
            count, seconds = event.reply_tokens or 0, event.decode_seconds or 0.0
            return Answer(
                tokens=reused + evaluated,
                reused=reused,
                first_seconds=(first or now) - asked,
                reading=evaluated / max(event.prefill_seconds or 0.0, 1e-9),
                # The first token of a reply costs no evaluation of its own.
                writing=(count - 1) / seconds if count >= _STEPS // 2 and seconds else None,
                text=event.text,
            )
    raise EngineError("The model process gave no answer.")
