"""A bare app to open a dialog in, and what the dialogs answered."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest
from textual.app import App
from textual.pilot import Pilot
from textual.screen import ModalScreen


class Host(App[None]):
    """Nothing but the dialog."""

    def __init__(self) -> None:
        super().__init__()
        self.answers: list[Any] = []


Open = Callable[..., AbstractAsyncContextManager[Pilot[None]]]


@pytest.fixture
def opened() -> Open:
    """``async with opened(dialog) as pilot``; the answers are in ``pilot.app.answers``."""

    @asynccontextmanager
    async def open_it(
        dialog: ModalScreen[Any], size: tuple[int, int] = (80, 24)
    ) -> AsyncIterator[Pilot[None]]:
        app = Host()
        async with app.run_test(size=size) as pilot:
            await app.push_screen(dialog, app.answers.append)
            await pilot.pause()
            yield pilot

    return open_it


@pytest.fixture
def shown() -> Callable[[Pilot[None]], str]:
    """All text on the screen, words joined by single spaces, frames left out."""

    def read(pilot: Pilot[None]) -> str:
        lines = [strip.text for strip in pilot.app.screen._compositor.render_strips()]
        return " ".join(" ".join(lines).replace("│", " ").split())

    return read


@pytest.fixture
def eventually() -> Callable[[Pilot[None], Callable[[], bool]], Awaitable[bool]]:
    """Wait until a layout has settled; on a busy machine that takes more than one pause."""

    async def wait(pilot: Pilot[None], condition: Callable[[], bool]) -> bool:
        for _ in range(100):
            if condition():
                return True
            await pilot.pause(0.05)
        return False

    return wait
