"""When what comes of a reply is written to the screen."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any

import pytest

from chatapp.tui import turn
from chatapp.tui.turn import TurnOnScreen


class View:
    """Takes what is written, as a message's view would."""

    def __init__(self) -> None:
        self.progress: list[str] = []
        self.written: list[str] = []
        self.tasks: list[asyncio.Future[Any]] = []

    def call_later(self, callback: Callable[[], Awaitable[None]]) -> None:
        self.tasks.append(asyncio.ensure_future(callback()))

    async def write(self, text: str) -> None:
        self.written.append(text)

    async def writes(self, count: int) -> list[str]:
        async with asyncio.timeout(20):
            while len(self.written) < count:
                await asyncio.sleep(0.001)
        return self.written


def begun() -> tuple[TurnOnScreen, View]:
    session: Any = SimpleNamespace(pane=None)
    on_screen, view = TurnOnScreen(session, lambda: None), View()
    on_screen._view = view  # type: ignore[assignment]
    return on_screen, view


async def test_tokens_that_come_together_are_written_together_and_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(turn, "_BETWEEN", 60.0)
    on_screen, view = begun()
    on_screen._written = asyncio.get_running_loop().time() - 61
    for text in ("It ", "is ", "so"):
        on_screen._token(text)
    assert await view.writes(1) == ["It is so"]


async def test_the_next_ones_wait_until_it_is_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turn, "_BETWEEN", 60.0)
    on_screen, view = begun()
    on_screen._written = asyncio.get_running_loop().time()
    on_screen._token("a")
    await asyncio.sleep(0.05)
    assert view.written == []
    await on_screen._flush()  # as at the reply's end
    assert view.written == ["a"]
    monkeypatch.setattr(turn, "_BETWEEN", 0.01)
    on_screen._token("b")
    assert await view.writes(2) == ["a", "b"]
