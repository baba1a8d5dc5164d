"""Decoding beside two busy processes, against decoding alone; ``--sweep`` compares settings.

The busy processes are endless loops in Python. The sweep runs the bare loop with every number of
threads and several ways of waiting, each alone, beside one busy process and beside two.
"""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from benchmarks.bare import Bare
from benchmarks.plan import Plan
from benchmarks.quiet import rounds
from benchmarks.result import Aim, Result, paired
from benchmarks.talking import hear, running
from benchmarks.texts import LONG_ANSWER, user
from chatapp.engine.protocol import Generate, Sampling
from chatapp.engine.threads import thread_count

TOKENS = 100
WAITING: dict[str, dict[str, str]] = {
    "spin 0": {"GOMP_SPINCOUNT": "0"},
    "spin 1000": {"GOMP_SPINCOUNT": "1000"},
    "spin 10000": {"GOMP_SPINCOUNT": "10000"},
    "passive": {"OMP_WAIT_POLICY": "passive"},
    "default": {},
}


@contextmanager
def company(count: int) -> Iterator[None]:
    """This many busy processes beside us."""
    loop = [sys.executable, "-c", "while True: pass"]
    processes = [subprocess.Popen(loop) for _ in range(count)]
    try:
        time.sleep(0.3)
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


def measure(plan: Plan) -> Result:
    """The engine as it is by default, alone and in company by turns."""
    result = asyncio.run(_measure(plan))
    if plan.sweep:
        result.notes += _sweep(plan)
    return result


async def _measure(plan: Plan) -> Result:
    request = Generate(messages=user(LONG_ANSWER), sampling=Sampling(max_tokens=TOKENS))
    async with running(plan.weights) as engine:
        await hear(engine, request)

        async def pair() -> tuple[float, float]:
            alone = (await hear(engine, request)).speed
            with company(2):
                beside = (await hear(engine, request)).speed
            plan.say(f"alone {alone:.1f}, beside two {beside:.1f} tok/s")
            return alone, beside

        found = await rounds(plan, plan.some(7, 2), pair)
    alone, beside = [a for a, _ in found], [b for _, b in found]
    text = f"{statistics.median(beside):.0f} tok/s · alone {statistics.median(alone):.0f}"
    return Result([paired("beside two / alone", beside, alone, aim=Aim("≥", 0.4), beside=text)])


def _sweep(plan: Plan) -> list[str]:
    prompt = list(range(1000, 1064))
    speeds: dict[tuple[str, int, int], list[float]] = {}
    with ExitStack() as stack:
        loops = {
            name: stack.enter_context(Bare(plan.weights, waiting=waiting))
            for name, waiting in WAITING.items()
        }
        for others in (0, 1, 2):
            for name, loop in loops.items():
                for threads in range(1, thread_count() + 1):

                    async def one(
                        others: int = others, loop: Bare = loop, threads: int = threads
                    ) -> float:
                        with company(others):
                            count = plan.some(48, 16)
                            return await asyncio.to_thread(loop.decode, prompt, count, threads)

                    found = asyncio.run(rounds(plan, plan.some(3, 1), one))
                    speeds[name, threads, others] = found
    notes = [f"{'bare loop, tok/s':<24} alone  beside 1  beside 2"]
    for name in WAITING:
        for threads in range(1, thread_count() + 1):
            one, two, three = (statistics.median(speeds[name, threads, n]) for n in (0, 1, 2))
            label = f"{name}, {threads} thread{'s' * (threads > 1)}"
            notes.append(f"{label:<24} {one:>5.0f}  {two:>8.0f}  {three:>8.0f}")
    return notes
