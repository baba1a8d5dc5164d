"""A chat on a scripted engine, and ways to wait for what should be seen."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from chatapp.context.overflow import Policy
from chatapp.conversation import Conversation, Node
from chatapp.engine.counter import Counter
from chatapp.engine.protocol import Sampling
from chatapp.tui.app import ChatApp
from chatapp.tui.given import Given, Model, Values
from chatapp.tui.screens.chat import ChatScreen
from chatapp.tui.widgets.composer import Composer
from tests.scripted import Reply, ScriptedEngine


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No home of anybody's, no clipboard, no animation, no blinking."""
    for name in ("NO_COLOR", "DISPLAY", "WAYLAND_DISPLAY", "WSL_DISTRO_NAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(Composer, "cursor_blink", False)
    monkeypatch.setattr("textual.constants.TEXTUAL_ANIMATIONS", "none")

    async def soon(*_: float) -> None:
        await asyncio.sleep(0.01)

    # Textual's pilot waits until the process is idle; tests here wait for what should be seen.
    monkeypatch.setattr("textual.pilot.wait_for_idle", soon)


class Chat:
    """A running chat: what a person does, and what a person sees."""

    def __init__(self, pilot: Pilot[Any], engine: ScriptedEngine, kept: list[Any]) -> None:
        self.pilot = pilot
        self.engine = engine
        self.kept = kept

    @property
    def app(self) -> ChatApp:
        app = self.pilot.app
        assert isinstance(app, ChatApp)
        return app

    @property
    def screen(self) -> ChatScreen:
        return self.app.chat

    @property
    def talk(self) -> Conversation:
        assert self.screen.conversation is not None
        return self.screen.conversation

    @property
    def nodes(self) -> list[Node]:
        return self.talk.nodes

    @property
    def draft(self) -> str:
        return self.screen.composer.text

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)

    async def write(self, text: str) -> None:
        """Put text into the input as a paste does."""
        self.screen.composer.insert_text(text)
        await self.pilot.pause()

    async def until(self, condition: Callable[[], Any], what: str = "") -> None:
        """Wait for a condition; fail with what is on the screen."""
        async with asyncio.timeout(8):
            try:
                while not condition():
                    await asyncio.sleep(0.01)
            except asyncio.CancelledError:
                raise AssertionError(f"never: {what}\n{self.text}") from None

    async def ready(self) -> None:
        await self.until(lambda: self.screen.model and self.engine.state == "ready", "ready")

    async def send(self, text: str) -> None:
        """Send a message; the request is on its way when this returns."""
        await self.write(text)
        await self.press("enter")
        await self.until(lambda: self.screen.session.begun or not self.screen.session.busy, "sent")

    async def done(self) -> None:
        """The turn has ended and everything is shown."""
        await self.until(lambda: not self.screen.session.busy, "the end of the turn")
        await self.pilot.pause()

    async def say(self, text: str) -> None:
        await self.send(text)
        await self.done()

    @property
    def lines(self) -> list[str]:
        """What is on the screen, line by line."""
        strips = self.app.screen._compositor.render_strips()
        return [strip.text for strip in strips]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    async def sees(self, *texts: str) -> None:
        """All these texts stand on the screen, sooner or later."""
        for text in texts:
            await self.until(lambda text=text: text in self.text, f"“{text}” on the screen")

    async def sees_not(self, text: str) -> None:
        await self.until(lambda: text not in self.text, f"“{text}” gone")


Open = Callable[..., AbstractAsyncContextManager[Chat]]


@pytest.fixture
def chatting() -> Open:
    """``async with chatting(Reply(…), …, size=(80, 24)) as chat``."""

    @asynccontextmanager
    async def open_it(
        *replies: Reply,
        size: tuple[int, int] = (120, 40),
        engine: ScriptedEngine | None = None,
        system: str = "",
        sampling: Sampling | None = None,
        policy: Policy = "stop",
        ready: bool = True,
        **given: Any,
    ) -> AsyncIterator[Chat]:
        engine = engine or ScriptedEngine()
        engine.replies += replies
        kept: list[Any] = []

        async def open_model(name: str, window: int | None) -> Model:
            return Model(engine, Counter(engine, None), "scripted")

        app = ChatApp(
            Given(
                **{
                    "open_model": open_model,
                    "model": "scripted",
                    "values": lambda: Values(
                        system, sampling or Sampling(max_tokens=100), policy, None
                    ),
                    "keep_values": kept.append,
                    "keep_theme": kept.append,
                    "keep_model": kept.append,
                    **given,
                }
            )
        )
        async with app.run_test(size=size, notifications=True) as pilot:
            chat = Chat(pilot, engine, kept)
            if ready:
                await chat.ready()
            yield chat

    return open_it
