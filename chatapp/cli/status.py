"""One line about what is being done, for commands that take a while."""

from __future__ import annotations

import time
from typing import TextIO

__all__ = ["Status"]


class Status:
    """What is being done: one line drawn over on a terminal, elsewhere a line for each step."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._live = out.isatty()
        self._step, self._drawn, self._length = "", 0.0, 0

    def __enter__(self) -> Status:
        return self

    def __exit__(self, *_: object) -> None:
        self.clear()

    def clear(self) -> None:
        """Make room for other lines."""
        if self._live:
            print(f"\r{'':<{self._length}}\r", end="", file=self._out, flush=True)

    def __call__(self, step: str, done: int, total: int) -> None:
        new = step != self._step
        self._step = step
        if not self._live:
            if new:
                print(f"{step}…", file=self._out, flush=True)
        elif new or time.monotonic() - self._drawn >= 0.1:
            line = f"{step}… {100 * done // total}%" if total else f"{step}…"
            print(f"\r{line:<{self._length}}", end="", file=self._out, flush=True)
            self._drawn, self._length = time.monotonic(), len(line)
