"""The real chat in a terminal, that also takes commands and tells times over a socket.

``python -m benchmarks.apps.chat FD MODEL KIND TOKENS`` with KIND ``real`` (the engine in its
process) or ``scripted`` (an engine that answers at once); replies have at most so many tokens.
Commands are JSON lines: ``send`` a text (in a ``new`` session, on the screen), take ``turns``,
``quit``.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import os
import socket
import sys
import time
from contextlib import aclosing
from pathlib import Path
from typing import Any

from benchmarks.apps.scripted import scripted_engine
from chatapp.engine.client import EngineOptions, LocalEngine
from chatapp.engine.counter import Counter
from chatapp.engine.protocol import Sampling, Token
from chatapp.tui.app import ChatApp
from chatapp.tui.given import Given, Model, Values
from chatapp.tui.hangup import end_with_the_terminal
from chatapp.tui.widgets.composer import Draft


class TimedEngine(LocalEngine):
    """Notes when each token was handed to the screen."""

    tell: Any = None

    async def generate(self, request):
        times = []
        async with aclosing(super().generate(request)) as events:
            async for event in events:
                if isinstance(event, Token) and not event.ends:
                    times.append(time.perf_counter())
                    if len(times) == 1:
                        self.tell(event="streaming")
                yield event
        self.tell(event="reply", times=times)


def memory() -> int:
    """Bytes of this process that are in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


class Benched(ChatApp):
    """The chat, driven from outside. What it shows and does is unchanged."""

    CSS_PATH = [Path(inspect.getfile(ChatApp)).with_name(name) for name in ChatApp.CSS_PATH]  # noqa: RUF012

    def __init__(self, given: Given, link: socket.socket) -> None:
        super().__init__(given)
        self.link = link

    def tell(self, **values: Any) -> None:
        self.link.sendall(json.dumps(values).encode() + b"\n")

    def on_ready(self) -> None:
        self._commands = asyncio.create_task(self._obey())

    async def _obey(self) -> None:
        await self.chat.opened.wait()
        assert self.chat.model is not None
        engine: Any = self.chat.model.engine
        engine.tell = self.tell
        await engine.start()
        if isinstance(engine, TimedEngine):
            await engine.fingerprint()  # waits for the self-test
        reader, _ = await asyncio.open_connection(sock=self.link.dup())
        self.tell(event="ready")
        while line := await reader.readline():
            command = json.loads(line)
            if command["do"] == "send":
                if command.get("new"):
                    await self.chat.action_new_session()
                self._send(command["text"])
            elif command["do"] == "turns":
                await self._turns(command["count"])

    def _send(self, text: str) -> None:
        self.chat.turns.send(self.chat.session, Draft(text))

    async def _turns(self, count: int) -> None:
        """Take turns one after the other; tell of each what it cost."""
        for number in range(count):
            wall, used = time.perf_counter(), time.process_time()
            self._send(f"Question {number}: what is the weather like in town {number * 37}?")
            assert self.chat.session.turn is not None
            await self.chat.session.turn.wait()
            self.tell(
                event="turn",
                wall=time.perf_counter() - wall,
                used=time.process_time() - used,
                memory=memory(),
            )
        self.tell(event="turned")


def main() -> None:
    """Run it until Ctrl+Q, or until the benchmark is gone."""
    end_with_the_terminal()
    link = socket.socket(fileno=int(sys.argv[1]))
    weights, kind, tokens = Path(sys.argv[2]), sys.argv[3], int(sys.argv[4])

    async def open_model(name: str, window: int | None) -> Model:
        if kind == "scripted":
            engine, counter = await asyncio.to_thread(scripted_engine, weights)
            return Model(engine, counter, "scripted")
        real = TimedEngine(weights, EngineOptions(window=window))
        return Model(real, Counter(real, weights), weights.stem)

    def values() -> Values:
        return Values("", Sampling(max_tokens=tokens), "drop-oldest", 2048)

    Benched(Given(open_model=open_model, model="benchmark", values=values), link).run()


if __name__ == "__main__":
    main()
