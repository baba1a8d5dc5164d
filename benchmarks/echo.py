"""From a key to its echo, in a pseudo-terminal: while a model answers, and after 1,000 turns.

Each key is a letter that nothing else paints; its echo is the moment at which the terminal has
received it; the same key is pressed in an empty app beside it, which shows what the machine itself
takes. The long conversation runs on a scripted engine (the real template and vocabulary, a
window of 2,048 tokens, the oldest turns leaving), so that only the screen is measured.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
from functools import partial
from typing import Any

from benchmarks.driving import EMPTY, Driven, echoes
from benchmarks.plan import Plan
from benchmarks.quiet import rounds
from benchmarks.result import Aim, Figure, Result, paired, percentile, spread
from benchmarks.terminal import Terminal
from benchmarks.texts import LONG_ANSWER

_AIM = Aim("≤", 50.0)


Echoes = list[tuple[float, float]]


def measure(plan: Plan) -> Result:
    """Keys beside the real model, then turns and keys beside the scripted one."""
    return asyncio.run(_measure(plan))


async def _measure(plan: Plan) -> Result:
    result = Result()
    turns = plan.some(1000, 60)

    async def keys(chat: Driven, empty: Terminal, text: str, replies: int) -> Echoes:
        found = await rounds(plan, replies, partial(asyncio.to_thread, echoes, chat, empty, text))
        return [echo for each in found for echo in each]

    with Terminal([sys.executable, str(EMPTY)]) as empty:
        empty.seen("rite a message")
        with Driven(plan, "real") as chat:
            found = await keys(chat, empty, LONG_ANSWER, plan.some(6, 1))
        result.figures.append(_percentile("beside the real model", found))
        with Driven(plan, "scripted") as chat:
            early = await keys(chat, empty, "Write.", plan.some(4, 1))
            told = await asyncio.to_thread(_turns, chat, turns, plan)
            late = await keys(chat, empty, "Write.", plan.some(4, 1))
    result.figures.append(_percentile("scripted, first turn", early))
    result.figures.append(_percentile(f"scripted, {turns:,} turns", late))
    result.figures += _growth(told, turns)
    return result


def _percentile(name: str, echoes: Echoes) -> Figure:
    found, empty = ([1000 * echo[at] for echo in echoes] for at in (0, 1))
    beside = ", ".join(f"p{n} {percentile(found, n / 100):.0f}" for n in (50, 90, 95))
    idle = ", ".join(f"p{n} {percentile(empty, n / 100):.0f}" for n in (50, 90, 99))
    return Figure(
        f"{name}, p99",
        percentile(found, 0.99),
        "ms",
        low=min(found),
        high=max(found),
        count=len(found),
        aim=_AIM,
        beside=f"{beside} ms · an empty app beside it {idle} ms",
    )


def _turns(chat: Driven, count: int, plan: Plan) -> list[dict[str, Any]]:
    chat.do("turns", count=count)
    told: list[dict[str, Any]] = []
    while (one := chat.next())["event"] != "turned":
        if one["event"] != "turn":
            continue
        told.append(one)
        if len(told) % 100 == 0:
            plan.say(f"turn {len(told)}: {one['used']:.3f} s, {one['memory'] >> 20} MiB")
    return told


def _growth(told: list[dict[str, Any]], turns: int) -> list[Figure]:
    """Cost and memory at the end against a tenth of the way, fifty turns each."""
    early, span = turns // 10, min(50, turns // 10)
    first = [one["used"] for one in told[early : early + span]]
    last = [one["used"] for one in told[-span:]]
    grown = (told[-1]["memory"] - told[early]["memory"]) / (turns - early)
    beside = f"{statistics.median(first):.3f} s at turn {early} · {statistics.median(last):.3f} s"
    return [
        paired(f"CPU per turn, {turns:,} / {early}", last, first, aim=Aim("≤", 1.2), beside=beside),
        spread(
            "memory kept per turn",
            [grown / 1024],
            "KiB",
            aim=Aim("≤", 8.0),
            beside=f"{told[early]['memory'] >> 20} MiB at turn {early} · "
            f"{told[-1]['memory'] >> 20} MiB at turn {turns:,}",
        ),
    ]
