"""The strip of a lesson, between the conversation and the input."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from chatapp.lessons.player import Player
from chatapp.tui import words
from chatapp.tui.lesson.rows import place, rows

__all__ = ["LessonPanel"]


class LessonPanel(VerticalScroll, can_focus=True):
    """Shows the player's state; its keys are actions of the screen."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,space", "screen.lesson_next", show=False),
        Binding("left,backspace", "screen.lesson_back", show=False),
        Binding("escape", "screen.lesson_over", show=False),
        *(Binding(str(n), f"screen.lesson_guess({n})", show=False) for n in range(1, 5)),
    ]

    class Typed(Message):
        """A person began to write: the lesson waits."""

        def __init__(self, character: str) -> None:
            super().__init__()
            self.character = character

    def compose(self) -> ComposeResult:
        yield Static("", id="lesson-text", markup=False)

    def show(self, player: Player, *, progress: str = "", error: str = "") -> None:
        """Show where the lesson is."""
        self.border_title = Content(words.one_line(player.lesson.title))
        self.border_subtitle = Content(place(player))
        self.query_one("#lesson-text", Static).update(rows(player, progress=progress, error=error))
        self.scroll_home(animate=False)

    def on_key(self, event: events.Key) -> None:
        if event.is_printable and event.character and event.character.isalpha():
            event.stop()
            event.prevent_default()
            self.post_message(self.Typed(event.character))
