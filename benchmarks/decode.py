"""Tokens a second as seen by the screen, against a bare llama.cpp loop.

Three ways, alternating on the same prompt with the same threads and the same waiting: events
arriving at the client's event loop; the real chat in a pseudo-terminal, which also paints them;
and a bare greedy loop in C calls. The bare loop runs with chatapp's number of threads, and with
the number that suits it best (found first). All that behind a short question, and behind a thousand
tokens: the bare loop's flash attention, which chatapp leaves off, is faster for the one and, on
some processors, much slower for the other.
"""

from __future__ import annotations

import asyncio
import statistics
import time

from benchmarks.bare import Bare
from benchmarks.driving import Driven
from benchmarks.plan import Plan
from benchmarks.quiet import rounds
from benchmarks.result import Aim, Figure, Result, paired
from benchmarks.talking import hear, running
from benchmarks.texts import LONG_ANSWER, long_request, user
from chatapp.engine.protocol import Generate, Sampling
from chatapp.engine.threads import thread_count

TOKENS = 200
_READ_BACK = 3.0
"""Seconds after a reply in which the engine reads it back: nothing else is measured meanwhile."""
Round = tuple[float, float, float]
"""Tokens a second: chatapp, bare with the same threads, bare with the best number of threads."""


def measure(plan: Plan) -> Result:
    """First the client alone, then the whole screen, each against the bare loop."""
    return asyncio.run(_measure(plan))


async def _measure(plan: Plan) -> Result:
    result = Result()
    for text in (LONG_ANSWER, long_request()):
        result.figures += await _behind(plan, text)
    return result


async def _behind(plan: Plan, text: str) -> list[Figure]:
    pairs = plan.some(9, 5)
    request = Generate(messages=user(text), sampling=Sampling(max_tokens=TOKENS))
    async with running(plan.weights) as engine:
        prompt = (await hear(engine, request)).prompt
        with Bare(plan.weights) as bare:
            best = await asyncio.to_thread(_best, bare, prompt, plan)
            where = f"behind {len(prompt):,} tokens"

            async def at_client() -> Round:
                speed = (await hear(engine, request)).speed
                await asyncio.sleep(_READ_BACK)
                return await _round(plan, bare, prompt, best, speed)

            found = await rounds(plan, pairs, at_client)
            figures = _figures(f"{where}, at the client", found, best)
    with Bare(plan.weights) as bare, Driven(plan, "real", TOKENS) as chat:

        async def on_screen() -> Round:
            speed = await asyncio.to_thread(_on_screen, chat, text)
            return await _round(plan, bare, prompt, best, speed)

        found = await rounds(plan, pairs, on_screen)
        return figures + _figures(f"{where}, on the screen", found, best)


async def _round(plan: Plan, bare: Bare, prompt: tuple[int, ...], best: int, ours: float) -> Round:
    same = await asyncio.to_thread(bare.decode, prompt, TOKENS)
    suited = await asyncio.to_thread(bare.decode, prompt, TOKENS, best)
    plan.say(f"{ours:.1f} against {same:.1f}, and {suited:.1f} with {best} threads")
    return ours, same, suited


def _best(bare: Bare, prompt: tuple[int, ...], plan: Plan) -> int:
    """The number of threads with which the bare loop is fastest here and now."""
    speeds: dict[int, list[float]] = {n: [] for n in range(1, thread_count() + 1)}
    for _ in range(plan.some(5, 1)):
        for count, found in speeds.items():
            found.append(bare.decode(prompt, 64, count))
    return max(speeds, key=lambda count: statistics.median(speeds[count]))


def _on_screen(chat: Driven, text: str) -> float:
    """Let the chat answer in a new session: tokens a second as handed to the screen.

    Of a whole reply: tokens come in bunches, and only the last of a bunch comes when it is made.
    """
    chat.do("send", text=text, new=True)
    times = chat.wait("reply")["times"]
    assert len(times) == TOKENS
    time.sleep(_READ_BACK)
    return float((len(times) - 1) / (times[-1] - times[0]))


def _figures(where: str, found: list[Round], best: int) -> list[Figure]:
    ours, same, suited = ([one[at] for one in found] for at in range(3))
    beside = (
        f"{statistics.median(ours):.0f} tok/s · bare {statistics.median(same):.0f}"
        f" · bare with {best} thread{'s' * (best > 1)} {statistics.median(suited):.0f}"
    )
    return [
        paired(f"{where} / bare", ours, same, aim=Aim("≥", 0.9)),
        paired(f"{where} / best threads", ours, suited, aim=Aim("≥", 0.95), beside=beside),
    ]
