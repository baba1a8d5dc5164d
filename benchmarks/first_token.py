"""Time to the first token at a transcript of 2,000 tokens, the window being 4,096.

Every pair is a new conversation: a long text, a real reply of 200 tokens, one idle second (the
engine reads the reply back meanwhile), then a message of 20 tokens. It is compared, at the same
depth, with a bare evaluation of 20 tokens and one block behind a transcript that is already in the
cache, and with a bare evaluation of everything.
"""

from __future__ import annotations

import asyncio
import random
import statistics
from itertools import count

from benchmarks.bare import Bare
from benchmarks.plan import Plan
from benchmarks.quiet import rounds
from benchmarks.result import Aim, Result, paired
from benchmarks.talking import Heard, hear, running
from benchmarks.texts import words
from chatapp.context.messages import Message
from chatapp.engine.client import EngineOptions, LocalEngine
from chatapp.engine.evaluation import BLOCK
from chatapp.engine.protocol import Generate, Sampling

TRANSCRIPT, REPLY, MESSAGE, WINDOW = 2000, 200, 20, 4096


def measure(plan: Plan) -> Result:
    """Alternate: a turn, its bare part, everything bare."""
    return asyncio.run(_measure(plan))


async def _measure(plan: Plan) -> Result:
    with Bare(plan.weights, window=WINDOW) as bare:
        async with running(plan.weights, EngineOptions(window=WINDOW)) as engine:
            numbers = count()

            async def turn() -> tuple[Heard, float, float]:
                number = next(numbers)
                messages = await _said(engine, number)
                messages.append(await _message(engine, number))
                # One idle second per 200 tokens of the reply.
                await asyncio.sleep(1.0)
                heard = await hear(engine, _asked(messages, 8))
                end = len(heard.prompt) - MESSAGE - BLOCK
                before, rest = heard.prompt[:end], heard.prompt[end:]
                part = await asyncio.to_thread(bare.read, before, rest)
                whole = await asyncio.to_thread(bare.read, (), heard.prompt)
                plan.say(
                    f"{len(heard.prompt)} tokens, {heard.reused} from the cache: "
                    f"{heard.first:.3f} s against {part:.3f} and {whole:.2f} s"
                )
                return heard, part, whole

            found = await rounds(plan, plan.some(9, 2), turn)
    turns, parts, wholes = ([one[at] for one in found] for at in range(3))
    ours = [turn.first for turn in turns]
    computed = statistics.median(len(turn.prompt) - (turn.reused or 0) for turn in turns)
    beside = (
        f"{statistics.median(ours):.3f} s, {computed:.0f} tokens computed"
        f" · bare {statistics.median(parts):.3f} s for {MESSAGE + BLOCK} tokens"
        f" · bare {statistics.median(wholes):.2f} s for everything"
    )
    return Result(
        [
            paired("first token / bare part", ours, parts, aim=Aim("≤", 1.3)),
            paired("everything / first token", wholes, ours, aim=Aim(">", 20), beside=beside),
        ]
    )


def _asked(messages: list[Message], tokens: int) -> Generate:
    return Generate(messages=messages, sampling=Sampling(max_tokens=tokens))


async def _said(engine: LocalEngine, seed: int) -> list[Message]:
    """A conversation of some 2,000 tokens, of which the engine has just written the last 200."""
    source = random.Random(seed)
    size = 300
    while True:
        text = "Continue this list of words for as long as you can: " + words(source, size)
        prompt = await engine.render([Message("user", text)])
        assert prompt is not None
        missing = TRANSCRIPT - REPLY - len(prompt)
        if abs(missing) < 30:
            break
        size += round(missing * size / len(prompt))
    heard = await hear(engine, _asked([Message("user", text)], REPLY))
    return [Message("user", text), Message("assistant", heard.text)]


async def _message(engine: LocalEngine, seed: int) -> Message:
    """A message of exactly 20 tokens."""
    text = f"Now something else, number {seed}: name"
    while True:
        prompt = await engine.render([Message("user", text)])
        assert prompt is not None
        if prompt.tokens_of(0) >= MESSAGE:
            return Message("user", text)
        text += " a"
