"""From process start to a model that can answer: chatapp's engine against a bare ``Llama()``.

Both start a fresh Python process; the clock stops when its line "ready" arrives here.
"""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import sys
import time

from benchmarks.plan import Plan
from benchmarks.quiet import rounds
from benchmarks.result import Result, paired
from chatapp.engine.client import EngineOptions, LocalEngine
from chatapp.engine.threads import thread_count

_BARE = """
import os, sys
from llama_cpp import Llama
Llama(sys.argv[1], n_ctx=2048, n_threads=int(sys.argv[2]), verbose=False)
print("ready", flush=True)
os._exit(0)
"""


async def ours(plan: Plan) -> float:
    """Seconds for ``LocalEngine.start()``."""
    engine = LocalEngine(plan.weights, EngineOptions(window=2048))
    started = time.perf_counter()
    await engine.start()
    seconds = time.perf_counter() - started
    await engine.close()
    return seconds


def theirs(plan: Plan) -> float:
    """Seconds for a process that makes a ``Llama``."""
    started = time.perf_counter()
    with subprocess.Popen(
        [sys.executable, "-c", _BARE, str(plan.weights), str(thread_count())],
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        return time.perf_counter() - started


def measure(plan: Plan) -> Result:
    """Alternate the two."""
    asyncio.run(ours(plan)), theirs(plan)  # warms the file caches

    async def pair() -> tuple[float, float]:
        return await ours(plan), await asyncio.to_thread(theirs, plan)

    pairs = asyncio.run(rounds(plan, plan.some(11, 2), pair))
    mine, bare = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    beside = f"engine {statistics.median(mine):.2f} s · Llama() {statistics.median(bare):.2f} s"
    return Result([paired("model ready", mine, bare, beside=beside)])
