"""From process start to the first frame, and to a key that is echoed, in a pseudo-terminal.

Both programs run on the same Python at 120 × 40. The first frame is the first output that holds
the input's placeholder; from then on keys are pressed until one is echoed. The pairs alternate.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.driving import EMPTY
from benchmarks.plan import Plan
from benchmarks.quiet import rounds
from benchmarks.result import Aim, Result, paired
from benchmarks.terminal import Terminal, keys

# Without the first letter: the cursor stands on it, in other colours.
_SEEN = "rite a message"


@contextmanager
def home_with(weights: Path) -> Iterator[Path]:
    """A home folder of its own that holds the model, so that nobody's settings matter."""
    with tempfile.TemporaryDirectory() as folder:
        models = Path(folder, "models")
        models.mkdir()
        os.symlink(weights.resolve(), models / weights.name)
        yield Path(folder)


def start(command: Sequence[str]) -> tuple[float, float]:
    """Seconds from process start to the first frame, and to the first echo of a key."""
    with Terminal(command) as terminal:
        frame = terminal.seen(_SEEN) - terminal.started
        for key in keys():
            terminal.type(key)
            echo = terminal.seen(key, within=0.1)
            if echo != float("inf"):
                return frame, echo - terminal.started
        return frame, float("inf")


def measure(plan: Plan) -> Result:
    """Alternate chatapp and the empty app."""
    chatapp = [str(Path(sys.executable).with_name("chatapp"))]
    empty = [sys.executable, str(EMPTY)]
    with home_with(plan.weights) as home:
        command = [*chatapp, "--home", str(home), "-m", plan.weights.name]
        start(command), start(empty)  # the first run of each warms the file caches

        async def pair() -> tuple[tuple[float, float], tuple[float, float]]:
            found = await asyncio.to_thread(start, command), await asyncio.to_thread(start, empty)
            plan.say(f"{found[0][0]:.3f} s against {found[1][0]:.3f} s")
            return found

        pairs = asyncio.run(rounds(plan, plan.some(15, 3), pair))
    result = Result()
    for at, name in ((0, "first frame"), (1, "ready to type")):
        mine, other = [a[at] for a, _ in pairs], [b[at] for _, b in pairs]
        beside = f"chatapp {statistics.median(mine):.3f} s · empty {statistics.median(other):.3f} s"
        result.figures.append(paired(name, mine, other, aim=Aim("≤", 1.5), beside=beside))
    return result
