"""The passages found for a question: shown before anything is pasted, each may be left out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from chatapp.tui import words
from chatapp.tui.dialogs.base import Action, Cards, Dialog, card, one_line

if TYPE_CHECKING:
    from chatapp.sources.index import Found

__all__ = ["PassagesDialog"]

_SHOWN = 240


class PassagesDialog(Dialog["list[Found] | None"]):
    """The result are those that stay ticked, in order; an empty list asks for another folder."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "take", show=False, priority=True),
        Binding("space", "tick", show=False),
        Binding("ctrl+o", "folder", show=False, priority=True),
    ]
    heading = "Passages found"
    keys = "Space ticks · Enter takes the ticked · ^O another folder · Esc leave"
    DEFAULT_CSS = """
    PassagesDialog {
        #found { height: auto; text-style: bold; }
    }
    """

    def __init__(self, question: str, where: str, found: Sequence[Found], skipped: int) -> None:
        super().__init__()
        self._question, self._where = question, where
        self._found, self._skipped = found, skipped
        self._ticked = set(range(len(found)))

    def body(self) -> Iterable[Widget]:
        yield Static(
            "Search, not learning: the ticked passages are pasted into your message, where you "
            "see them. A new session lacks them.",
            classes="lead",
            markup=False,
        )
        skipped = (
            f" ({words.many(self._skipped, 'file')} could not be read)" if self._skipped else ""
        )
        count = words.many(len(self._found), "passage")
        about = (
            f"{count} for “{one_line(self._question, 60)}” in {one_line(self._where, 60)}{skipped}"
        )
        yield Static(about, id="found", markup=False)
        yield Cards(((str(n), self._card(n), True) for n in range(len(self._found))), id="rows")

    def _card(self, number: int) -> Content:
        one = self._found[number]
        tick = "[x]" if number in self._ticked else "[ ]"
        title = f"{tick} {one_line(one.file, 60)}, {one.place}"
        return card(title, one_line(one.text, _SHOWN), mark=f"score {one.score:.2f}")

    def on_option_list_option_selected(self, event: Cards.OptionSelected) -> None:
        """A click ticks, as Space does."""
        event.stop()
        self.action_tick()

    def actions(self) -> Iterable[Widget]:
        yield Action("Take the ticked", "screen.take", id="take")
        yield Action("Another folder", "screen.folder", id="folder")
        yield Action("Leave", "screen.leave", id="leave")

    def on_mount(self) -> None:
        rows = self.query_one(Cards)
        rows.display = bool(self._found)
        if self._found:
            rows.highlighted = 0
            rows.focus()
        else:
            self.say("No passage holds a word of the question.")

    def action_take(self) -> None:
        """Enter: what has the focus, a button or the list."""
        if isinstance(self.focused, Action) and self.focused.id != "take":
            self.focused.press()
            return
        if self._ticked:
            self.dismiss([self._found[n] for n in sorted(self._ticked)])
        else:
            self.say("Nothing is ticked. Esc leaves; Space ticks.")

    def action_tick(self) -> None:
        """Take the highlighted passage, or leave it out."""
        rows = self.query_one(Cards)
        if (at := rows.highlighted) is None:
            return
        self._ticked ^= {at}
        rows.replace_option_prompt_at_index(at, self._card(at))

    def action_folder(self) -> None:
        """Search in another folder."""
        self.dismiss([])
