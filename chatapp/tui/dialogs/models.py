"""Choosing a model: what each one is, and when it learned what it knows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import PurePath
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widget import Widget
from textual.widgets import OptionList, Static

from chatapp.tui.dialogs.base import Action, Cards, Dialog, card, one_line
from chatapp.tui.dialogs.model_rows import NOT_PUBLISHED, ModelRow, size_text

__all__ = ["ModelsDialog"]

_LEAD = (
    "A model is a file of frozen weights. It learned while it was trained; answering adds nothing."
)
_KINDS = {
    "instruct": "instruct model: taught to converse",
    "base": "base model: continues text",
    "": "",
}


class ModelsDialog(Dialog[str | None]):
    """Choose a model; the result is its row's ``path``, or None if nothing is to change.

    ``current`` is the model in use: its row's ``path``, its name, or its file's name.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("f3", "leave", "Leave", show=False)]
    heading = "Models"
    keys = "Enter use it · Esc leave"

    def __init__(self, entries: Sequence[ModelRow], current: str) -> None:
        super().__init__()
        self._rows = entries
        self._current = current

    def body(self) -> Iterable[Widget]:
        yield Static(_LEAD, classes="lead", markup=False)
        if not self._rows:
            yield Static("No model is here, and none can be had.", markup=False)
        cards = ((str(n), self._card(row), not row.error) for n, row in enumerate(self._rows))
        yield Cards(cards, id="rows")

    def actions(self) -> Iterable[Widget]:
        yield Action("Use it", "screen.choose", id="choose")
        yield Action("Leave", "screen.leave", id="leave")

    def on_mount(self) -> None:
        for number, row in enumerate(self._rows):
            if self._in_use(row):
                self.query_one(Cards).highlighted = number

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        row = self._rows[int(event.option.id or 0)]
        if not row.installed:
            self.say(
                f"{one_line(row.name)} is not on this machine. In another terminal: "
                f"{self._command(row)} ({size_text(row.size)}). Then open this list again."
            )
        else:
            self.dismiss(None if self._in_use(row) else row.path)

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()
        self.say("")

    def action_choose(self) -> None:
        """Use the highlighted model."""
        self.query_one(Cards).action_select()

    def _in_use(self, row: ModelRow) -> bool:
        if row.error or not row.installed:
            return False
        path = PurePath(row.path)
        names = {name.casefold() for name in (row.name, path.name, path.stem)}
        return self._current == row.path or self._current.casefold() in names

    @staticmethod
    def _command(row: ModelRow) -> str:
        return f"chatapp models pull {one_line(row.name)}"

    def _card(self, row: ModelRow) -> Content:
        name = row.name or PurePath(row.path).stem
        if row.error:
            return card(name, one_line(row.error, 400), mark="cannot be used")
        mark = "in use" if self._in_use(row) else "" if row.installed else "not here yet"
        licence = one_line(row.licence) if row.licence else "licence not stated"
        lines = [
            " · ".join(filter(None, (_KINDS[row.kind], size_text(row.size), licence))),
            _training(row),
        ]
        if row.note:
            lines.append(one_line(row.note))
        if not row.installed:
            lines.append(f"To fetch it: {self._command(row)}")
        return card(name, *lines, mark=mark)


def _training(row: ModelRow) -> str:
    if row.trained_on == NOT_PUBLISHED:
        return f"learned in training; how much is not published · cut-off: {row.cutoff}"
    return f"learned in training, from {row.trained_on} · cut-off: {row.cutoff}"
