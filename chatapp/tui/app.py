"""The application: one main screen, themes, the command palette."""

from __future__ import annotations

import contextlib
import sys
import traceback
from collections.abc import Iterable
from functools import partial
from typing import Any

from rich.console import RenderableType
from rich.text import Text
from textual import events
from textual.app import App, SystemCommand
from textual.css.query import NoMatches
from textual.screen import Screen
from textual.theme import Theme

from chatapp.tui.commands import COMMANDS, key_name
from chatapp.tui.contrast import CONTRAST
from chatapp.tui.garbage import GarbageTimes
from chatapp.tui.given import Given
from chatapp.tui.hangup import end_with_the_terminal
from chatapp.tui.screens.chat import ChatScreen

__all__ = ["ChatApp", "run"]


def crash(error: BaseException | None) -> str:
    """Where an unexpected error came about, without anything that was said."""
    lines = ["chatapp ended because of an error of its own. What was said is not shown here.\n"]
    while error is not None:
        lines += traceback.format_list(traceback.extract_tb(error.__traceback__))
        lines.append(f"{type(error).__module__}.{type(error).__qualname__}\n")
        error = error.__cause__ or error.__context__
    return "".join(lines)


class ChatApp(App[None]):
    """chatapp on a terminal. The constructor reads nothing and starts nothing."""

    TITLE = "chatapp"
    CSS_PATH = ["styles.tcss", "presenter.tcss", "lesson.tcss"]  # noqa: RUF012 (as in Textual)

    def __init__(self, given: Given, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.given = given
        self.garbage = GarbageTimes()
        self.chat = ChatScreen(given)
        self._theme_kept = given.theme
        for theme in CONTRAST:
            self.register_theme(theme)

    def _fatal_error(self) -> None:
        # Textual would print the values of all variables, and what was said is among them. An
        # error's own words can hold some of it as well; its kind and place are enough to find it.
        self.bell()
        self._exit_renderables.append(Text(crash(sys.exception())))
        self._close_messages_no_wait()

    def _handle_exception(self, error: Exception) -> None:
        # A screen that is being opened while the app ends is given no widgets: it finds none.
        if self.is_running or not isinstance(error, NoMatches):
            super()._handle_exception(error)

    def get_default_screen(self) -> Screen[Any]:
        return self.chat

    def on_mount(self) -> None:
        if self.given.theme in self.available_themes:
            self.theme = str(self.given.theme)
        self.theme_changed_signal.subscribe(self, self._theme_changed)

    def on_ready(self) -> None:
        if not self.is_headless:
            self.garbage.begin()

    def _display(self, screen: Screen[Any], renderable: RenderableType | None) -> None:
        super()._display(screen, renderable)
        self.chat.drawn += 1

    async def on_event(self, event: events.Event) -> None:
        if isinstance(event, events.Key):
            self.garbage.busy()
        await super().on_event(event)

    def _theme_changed(self, theme: Theme) -> None:
        if theme.name == self._theme_kept or (self.chat.presenting and theme in CONTRAST):
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
        yield SystemCommand("Quit (^Q)", "What is not kept is gone then", self.action_quit)

    async def on_unmount(self) -> None:
        """End the model's process with the screen; what is kept is written first."""
        await self.chat.close_archive()
        await self.chat.close_audience()
        self.garbage.end()
        if self.chat.model is not None:
            with contextlib.suppress(Exception):
                await self.chat.model.engine.close()


def run(given: Given) -> int:
    """Show the screen until the person quits; the exit status."""
    end_with_the_terminal()
    app = ChatApp(given)
    app.run()
    return app.return_code or 0
