"""The chat in a pseudo-terminal, driven: texts are sent, keys pressed, and echoes timed."""

from __future__ import annotations

import json
import queue
import random
import socket
import sys
import threading
import time
from itertools import cycle
from typing import Any

from benchmarks.plan import ROOT, Plan
from benchmarks.terminal import Terminal, keys

EMPTY = ROOT / "benchmarks" / "apps" / "empty.py"
LOST = 5.0
"""Seconds after which an echo is not waited for any longer."""


class Driven:
    """``kind`` is ``real`` or ``scripted``; replies have at most ``tokens`` tokens."""

    def __init__(self, plan: Plan, kind: str, tokens: int = 400) -> None:
        self._link, theirs = socket.socketpair()
        number = str(theirs.fileno())
        command = [sys.executable, "-m", "benchmarks.apps.chat", number, str(plan.weights), kind]
        command.append(str(tokens))
        self.terminal = Terminal(command, env={"PYTHONPATH": str(ROOT)}, fds=[theirs.fileno()])
        theirs.close()
        self._told: queue.Queue[dict[str, Any]] = queue.Queue()
        threading.Thread(target=self._listen, daemon=True).start()
        self.wait("ready")

    def _listen(self) -> None:
        with self._link.makefile("rb") as lines:
            for line in lines:
                self._told.put(json.loads(line))
        self._told.put({"event": "ended"})

    def do(self, what: str, **values: Any) -> None:
        self._link.sendall(json.dumps({"do": what, **values}).encode() + b"\n")

    def next(self, within: float = 120.0) -> dict[str, Any]:
        told = self._told.get(timeout=within)
        if told["event"] == "ended":
            raise RuntimeError(f"The chat ended: {self.terminal.painted[-2000:]}")
        return told

    def wait(self, event: str) -> dict[str, Any]:
        """The next telling of this kind."""
        while True:
            told = self.next()
            if told["event"] == event:
                return told

    def told(self) -> dict[str, Any] | None:
        """Something that was told meanwhile."""
        try:
            return self.next(within=0.0001)
        except queue.Empty:
            return None

    def close(self) -> None:
        self.terminal.close()
        self._link.close()

    def __enter__(self) -> Driven:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def press(terminal: Terminal, key: str) -> float:
    """Press a key: seconds until it is painted (:data:`LOST` at most)."""
    terminal.forget()
    started = time.perf_counter()
    terminal.type(key)
    return min(terminal.seen(key, within=LOST) - started, LOST)


def echoes(driven: Driven, empty: Terminal, text: str) -> list[tuple[float, float]]:
    """Press keys at a person's pace while a reply to ``text`` streams: seconds to each echo.

    Each key is pressed in an empty app beside as well: what the machine itself takes.
    """
    source = random.Random(1)
    found: list[tuple[float, float]] = []
    fresh = cycle(keys())
    driven.do("send", text=text)
    driven.wait("streaming")
    while (told := driven.told()) is None or told["event"] != "reply":
        key = next(fresh)
        found.append((press(driven.terminal, key), press(empty, key)))
        time.sleep(source.uniform(0.03, 0.09))
    time.sleep(0.5)
    return found
