"""Saved notes: see them, add one, delete one, and the switch."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import ClassVar, Final

from textual import on
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Input, Static
from textual.widgets.option_list import Option

from chatapp.errors import SourceError
from chatapp.sources.notes import PASTED, Notes, load_notes, save_notes
from chatapp.tui import words
from chatapp.tui.dialogs.base import Action, Cards, Dialog, one_line

__all__ = ["NotesDialog"]

LEAD: Final = f"{PASTED} Nothing is added here but by you."
_KEPT: Final = "A session that is kept (^L) is stored as it was sent, with its notes."


class NotesDialog(Dialog[None]):
    """``changed`` is told the notes each time they have been written."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+d", "delete", show=False, priority=True),
        Binding("ctrl+t", "switch", show=False, priority=True),
        Binding("down", "move('cursor_down')", show=False, priority=True),
        Binding("up", "move('cursor_up')", show=False, priority=True),
    ]
    heading = "Saved notes"
    keys = "Enter adds · ^T on or off · ^D delete · Esc leave"
    DEFAULT_CSS = """
    NotesDialog {
        Input { height: 1; border: none; background: $primary 25%; padding: 0 1; }
        #switch { height: auto; margin-bottom: 1; text-style: bold; }
        Cards { margin-top: 1; max-height: 40vh; }
        &.-short Cards, &.-short #switch { margin: 0; }
    }
    """

    def __init__(self, path: Path, changed: Callable[[Notes], None]) -> None:
        super().__init__()
        self._path, self._changed = path, changed
        self._notes = Notes()

    def body(self) -> Iterable[Widget]:
        yield Static(f"{LEAD} {_KEPT}", classes="lead", markup=False)
        yield Static("", id="switch", markup=False)
        yield Input("", "a fact to save, such as: My dog is called Biscuit.", compact=True)
        yield Cards((), id="rows")

    def actions(self) -> Iterable[Widget]:
        yield Action("Switch on", "screen.switch", id="turn")
        yield Action("Delete the note", "screen.delete", id="delete")
        yield Action("Close", "screen.leave", id="leave")

    def on_mount(self) -> None:
        self.query_one(Input).focus()
        try:
            self._notes = load_notes(self._path)
        except SourceError as error:
            # A file that cannot be read is not written over.
            self.say(one_line(str(error)), wrong=True)
            for widget in self.query("Input, #turn, #delete"):
                widget.disabled = True
        self._show()

    def _show(self, at: int = 0) -> None:
        notes = self._notes
        count = words.many(len(notes.texts), "note")
        state = f"● ON: {count} pasted" if notes.on else f"○ OFF: {count} saved, nothing is pasted"
        self.query_one("#switch", Static).update(Content(state))
        self.query_one("#turn", Action).label = Content(
            "[Switch off]" if notes.on else "[Switch on]"
        )
        rows = self.query_one(Cards)
        rows.clear_options()
        rows.add_options([Option(Content(words.visible(text))) for text in notes.texts])
        rows.display = bool(notes.texts)
        if notes.texts:
            rows.highlighted = min(at, len(notes.texts) - 1)

    def _keep(self, change: Callable[[Notes], Notes], at: int = 0) -> bool:
        try:
            # As the file is now: it may have been edited by hand meanwhile.
            notes = change(load_notes(self._path))
            save_notes(self._path, notes)
        except SourceError as error:
            self.say(one_line(str(error)), wrong=True)
            return False
        self._notes = notes
        self.say("")
        self._show(at)
        self._changed(notes)
        return True

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        if event.value.strip() and self._keep(
            lambda notes: notes.with_note(event.value), len(self._notes.texts)
        ):
            event.input.value = ""

    def action_move(self, where: str) -> None:
        """Move in the list, wherever the focus is."""
        getattr(self.query_one(Cards), f"action_{where}")()

    def action_switch(self) -> None:
        """Paste them into new sessions, or stop doing so."""
        self._keep(lambda notes: replace(notes, on=not self._notes.on))

    def action_delete(self) -> None:
        """Delete the highlighted note."""
        at = self.query_one(Cards).highlighted
        if at is None or at >= len(self._notes.texts):
            self.say("There is no note to delete.")
            return
        text = self._notes.texts[at]

        def without(notes: Notes) -> Notes:
            return notes.without(notes.texts.index(text) + 1) if text in notes.texts else notes

        self._keep(without, at)
