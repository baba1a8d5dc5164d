"""What a person sees meanwhile: a line drawn over on a terminal, elsewhere one now and then."""

from __future__ import annotations

import time
from typing import TextIO


class Progress:
    """Lines about the job on ``out``; silent where it is ``None`` (every process but the first)."""

    def __init__(self, out: TextIO | None) -> None:
        self._out = out
        self._live = out is not None and out.isatty()
        self._part, self._drawn, self._length = "", 0.0, 0

    def say(self, line: str) -> None:
        """A line that stays."""
        if self._out is not None:
            self._clear()
            print(line, file=self._out, flush=True)

    def part(self, what: str, done: int, total: int) -> None:
        """How much of a part of the job is done."""
        line = f"{what}: {done} of {total}"
        self._draw(line, new=what != self._part or done == total)
        self._part = what

    def step(self, step: int, most: int, seen: dict[str, float], left: float) -> None:
        """One step of the training."""
        line = (
            f"step {step} of at most {most}   loss {seen['learnt']:.3f}"
            f"   drift {seen['held']:.3f}   {_minutes(left)} left at most"
        )
        self._draw(line, new=step in (1, 2) or step % 5 == 0)
        self._part = "step"

    def _draw(self, line: str, *, new: bool) -> None:
        if self._out is None:
            return
        if not self._live:
            if new:
                print(line, file=self._out, flush=True)
        elif new or time.monotonic() - self._drawn > 0.1:
            print(f"\r{line:<{self._length}}", end="", file=self._out, flush=True)
            self._drawn, self._length = time.monotonic(), len(line)

    def _clear(self) -> None:
        if self._live and self._out is not None:
            print(f"\r{'':<{self._length}}\r", end="", file=self._out, flush=True)


def _minutes(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
