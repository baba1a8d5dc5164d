"""The application: one main screen, themes, the command palette."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from functools import partial
from typing import Any

from textual import events
from textual.app import App, SystemCommand
from textual.screen import Screen
from textual.theme import Theme

from chatapp.tui.commands import COMMANDS, key_name
from chatapp.tui.garbage import GarbageTimes
from chatapp.tui.given import Given
from chatapp.tui.screens.chat import ChatScreen

__all__ = ["ChatApp", "run"]


class ChatApp(App[None]):
    """chatapp on a terminal. The constructor reads nothing and starts nothing."""

    TITLE = "chatapp"
    CSS_PATH = "styles.tcss"

    def __init__(self, given: Given, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.given = given
        self.garbage = GarbageTimes()
        self.chat = ChatScreen(given)
        self._theme_kept = given.theme

    def get_default_screen(self) -> Screen[Any]:
        return self.chat

    def on_mount(self) -> None:
        if self.given.theme in self.available_themes:
            self.theme = str(self.given.theme)
        self.theme_changed_signal.subscribe(self, self._theme_changed)

    def on_ready(self) -> None:
        if not self.is_headless:
            self.garbage.begin()

    async def on_event(self, event: events.Event) -> None:
        if isinstance(event, events.Key):
            self.garbage.busy()
        await super().on_event(event)

    def _theme_changed(self, theme: Theme) -> None:
        if theme.name == self._theme_kept:
            return
        self._theme_kept = theme.name
        self.chat.kept(self.given.keep_theme, theme.name)

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        if screen is self.chat:
            for command in COMMANDS:
                key = f" ({key_name(command.keys)})" if command.keys else ""
                yield SystemCommand(
                    f"{command.title}{key}",
                    command.meaning,
                    partial(screen.run_action, f"screen.{command.action}"),
                )
        yield SystemCommand("Theme", "Light, dark and others", self.action_change_theme)
        yield SystemCommand("Quit (^Q)", "Nothing is kept", self.action_quit)

    async def on_unmount(self) -> None:
        """End the model's process with the screen."""
        self.garbage.end()
        if self.chat.model is not None:
            with contextlib.suppress(Exception):
                await self.chat.model.engine.close()


def run(given: Given) -> int:
    """Show the screen until the person quits; the exit status."""
    app = ChatApp(given)
    app.run()
    return app.return_code or 0
