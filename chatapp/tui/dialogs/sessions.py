"""The sessions open in this run, to go from one to another."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widget import Widget
from textual.widgets import OptionList, Static

from chatapp.tui.dialogs.base import Action, Cards, Dialog, card, one_line

__all__ = ["SessionRow", "SessionsDialog"]

_APART = "Nothing passes from one to another. They all use the same frozen weights."


@dataclass(frozen=True)
class SessionRow:
    """One open session. ``tokens``: its transcript's length, None where it is not revealed."""

    number: int
    title: str
    messages: int
    tokens: int | None


class SessionsDialog(Dialog[int | None]):
    """Choose a session; the result is its number, or 0 for those that are stored."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f5", "stored", "Stored sessions", show=False),
        *(Binding(str(n), f"number({n})", show=False) for n in range(1, 10)),
    ]
    heading = "Sessions open in this run"
    keys = "Enter go there · F5 stored sessions · Esc leave"

    def __init__(self, rows: Sequence[SessionRow], current: int) -> None:
        super().__init__()
        self._rows = rows
        self._current = current

    def body(self) -> Iterable[Widget]:
        yield Static(_APART, classes="lead", markup=False)
        yield Cards(((str(row.number), self._card(row), True) for row in self._rows), id="rows")

    def actions(self) -> Iterable[Widget]:
        yield Action("Go there", "screen.choose", id="choose")
        yield Action("Stored sessions", "screen.stored", id="stored")
        yield Action("Leave", "screen.leave", id="leave")

    def on_mount(self) -> None:
        numbers = [row.number for row in self._rows]
        if self._current in numbers:
            self.query_one(Cards).highlighted = numbers.index(self._current)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.dismiss(int(event.option.id or self._current))

    def action_stored(self) -> None:
        """Go on to the stored sessions."""
        self.dismiss(0)

    def action_choose(self) -> None:
        """Go to the highlighted session."""
        self.query_one(Cards).action_select()

    def action_number(self, number: int) -> None:
        """Go to the session with this number, if it is open."""
        if any(row.number == number for row in self._rows):
            self.dismiss(number)

    def _card(self, row: SessionRow) -> Content:
        here = "you are here" if row.number == self._current else ""
        title = one_line(row.title) or "(nothing said yet)"
        return card(f"{row.number}. {title}", self._length(row), mark=here)

    @staticmethod
    def _length(row: SessionRow) -> str:
        if not row.messages:
            return "empty: its first message will be the first the model receives"
        messages = "1 message" if row.messages == 1 else f"{row.messages:,} messages"
        if row.tokens is None:
            return f"{messages}, sent again on every turn; how many tokens is not known"
        tokens = "1 token" if row.tokens == 1 else f"{row.tokens:,} tokens"
        return f"{messages}, {tokens}, sent again on every turn"
