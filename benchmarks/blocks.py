"""What a block size costs: reading speed, and the time to the first token of a next turn.

Large blocks read faster; small ones leave less to compute again. Measured on the engine's own
context, all sizes by turns: a prompt of 1,024 tokens, and at its end 32 new tokens (a message and
its template) behind what is left of a half-read block.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import time

from benchmarks.plan import Plan
from benchmarks.quiet import rounds
from benchmarks.result import Result, paired
from chatapp.engine.pace import Pace
from chatapp.engine.threads import set_waiting, thread_count

SIZES = (16, 32, 64, 128, 256)
PROMPT, NEW = 1024, 32


def measure(plan: Plan) -> Result:
    """All sizes against 64, by turns."""
    set_waiting(os.environ)  # before the library is loaded
    from chatapp.engine.llama import Context, Model, quiet

    quiet()
    model = Model(str(plan.weights))
    contexts = {
        size: Context(model, window=2048, pace=Pace(thread_count()), batch=size) for size in SIZES
    }
    tokens = [(17 + n * 7919) % model.size for n in range(PROMPT + 512)]

    async def one() -> dict[int, tuple[float, float]]:
        return {size: _both(context, tokens, size, plan) for size, context in contexts.items()}

    found = asyncio.run(rounds(plan, plan.some(5, 1), one))
    reading = {size: [each[size][0] for each in found] for size in SIZES}
    first = {size: [each[size][1] for each in found] for size in SIZES}
    for context in contexts.values():
        context.close()
    model.close()
    result = Result()
    for size in SIZES:
        speed = PROMPT / statistics.median(reading[size])
        seconds = statistics.median(first[size])
        result.figures += [
            paired(f"read {PROMPT} tokens by {size} / 64", reading[size], reading[64]),
            paired(f"next turn by {size} / 64", first[size], first[64],
                   beside=f"reading {speed:.0f} tok/s · next turn {1000 * seconds:.0f} ms"),
        ]  # fmt: skip
    return result


def _both(context, tokens: list[int], size: int, plan: Plan) -> tuple[float, float]:
    """Seconds for the whole prompt, and on average for a next turn."""
    context.cut(0)
    whole = _read(context, tokens[:PROMPT], size)
    # The block that the transcript ends in is on average half full.
    steps = plan.some(4, 1)
    rest = [(2 * step + 1) * size // (2 * steps) for step in range(steps)]
    following = statistics.mean(_next(context, tokens, left, size) for left in rest)
    plan.say(f"blocks of {size}: {whole:.2f} s, next turn {following:.3f} s")
    return whole, following


def _read(context, tokens: list[int], size: int) -> float:
    started = time.perf_counter()
    for at in range(0, len(tokens), size):
        context.evaluate(tokens[at : at + size])
    context.logits()
    return time.perf_counter() - started


def _next(context, tokens: list[int], left: int, size: int) -> float:
    """Evaluate ``left`` tokens of a half-read block and the new ones."""
    seconds = _read(context, tokens[PROMPT : PROMPT + left + NEW], size)
    context.cut(PROMPT)
    return seconds
