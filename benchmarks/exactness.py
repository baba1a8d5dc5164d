"""Same in, same out: random conversations replayed under four histories, compared bit by bit.

Each of 200 conversations (2 to 4 turns, half greedy, half sampled) is held (a) in one long process
that reuses what it computed, (b) with a fresh process per turn, (c) in a long process with
unrelated sessions in between, (d) after aborted prefills and in a process that is killed now and
then. Token ids and the SHA-256 of all logits of every step must be identical. Everything runs
with one thread per engine, two engines at a time; every tenth conversation is held once more with
all cores, since bits must not depend on that either. With ``--adapter`` all of it is done twice: on
the base, and with the adapter added.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

from benchmarks.conversations import Broken, Fresh, Replay, Script, Turn, Visited
from benchmarks.plan import Plan
from benchmarks.result import Aim, Figure, Result
from chatapp.engine.client import EngineOptions, LocalEngine
from chatapp.engine.threads import thread_count
from chatapp.engine.weights.adapters import name_of

WINDOW = 1024
_KINDS: dict[str, Callable[[LocalEngine], Replay]] = {
    "a fresh process per turn": Fresh,
    "unrelated sessions in between": Visited,
    "aborts and kills": Broken,
}


def measure(plan: Plan) -> Result:
    """All conversations under all histories; with an adapter, all of them once more."""
    result = asyncio.run(_measure(plan, None))
    if plan.adapter is not None:
        added = asyncio.run(_measure(plan, plan.adapter))
        result.figures += [
            replace(figure, name=f"+ {name_of(plan.adapter)}: {figure.name}")
            for figure in added.figures
        ]
    return result


async def _measure(plan: Plan, adapter: Path | None) -> Result:
    scripts = [Script.of(number) for number in range(plan.some(200, 10))]
    some = scripts[::10]
    two = asyncio.Semaphore(thread_count())
    async with AsyncExitStack() as stack:

        def engine(threads: int) -> LocalEngine:
            made = LocalEngine(
                plan.weights, EngineOptions(window=WINDOW, threads=threads, adapter=adapter)
            )
            stack.push_async_callback(made.close)
            return made

        async def all_of(
            name: str, replay: Replay, wanted: Sequence[Script]
        ) -> dict[int, list[Turn]]:
            found = {}
            async with two:
                for script in wanted:
                    found[script.number] = await replay.hold(script)
                    if len(found) % 20 == 0:
                        plan.say(f"{name}: {len(found)}")
                # An idle engine would test itself meanwhile.
                await replay.engine.close()
            return found

        # The longest first, so that none is left over at the end.
        *others, reused = await asyncio.gather(
            *(all_of(name, kind(engine(1)), scripts) for name, kind in _KINDS.items()),
            all_of("one long process", Replay(engine(1)), scripts),
        )
        name = f"{thread_count()} threads"
        cores = await all_of(name, Replay(engine(thread_count())), some)
    result = Result()
    for label, found, wanted in (
        *((name, found, scripts) for name, found in zip(_KINDS, others, strict=True)),
        (name, cores, some),
    ):
        result.figures.append(_same(label, found, reused, wanted))
    everywhere = [
        script
        for script in scripts
        if all(f[script.number] == reused[script.number] for f in others)
    ]
    turns = sum(len(found) for found in reused.values())
    steps = sum(len(tokens) for found in reused.values() for tokens, _ in found)
    sampled = sum(script.number % 2 for script in everywhere)
    result.figures.append(
        Figure(
            "identical under all histories",
            len(everywhere),
            f"of {len(scripts)}",
            aim=Aim("=", len(scripts)),
            beside=f"{len(everywhere) - sampled} greedy, {sampled} sampled · {turns:,} turns and "
            f"{steps:,} distributions in each",
        )
    )
    return result


def _same(
    name: str, found: dict[int, list[Turn]], reused: dict[int, list[Turn]], wanted: Sequence[Script]
) -> Figure:
    count = sum(found[script.number] == reused[script.number] for script in wanted)
    return Figure(name, count, f"of {len(wanted)}", aim=Aim("=", len(wanted)))
