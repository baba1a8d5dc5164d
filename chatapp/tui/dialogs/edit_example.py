"""Editing an example before it may leave: every text that a trainer would read."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar

from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widget import Widget
from textual.widgets import Static, TextArea

from chatapp.errors import ArchiveError
from chatapp.tui import words
from chatapp.tui.dialogs.base import Action, Dialog
from chatapp.tui.review_rows import names_of

__all__ = ["EditExample"]


class EditExample(Dialog[dict[str, Any] | None]):
    """The result is the edited content. ``check`` raises ``ArchiveError`` if it cannot be used."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "save", "Save", priority=True, show=False)
    ]
    heading = "Edit the example"
    keys = "^S saves · Tab next text · Esc leaves it as it was"
    DEFAULT_CSS = """
    EditExample {
        #texts { height: auto; max-height: 60vh; scrollbar-size-vertical: 1; }
        #texts Static { height: 1; text-style: bold; }
        TextArea { height: auto; min-height: 3; max-height: 10; border: round $foreground 25%; }
        TextArea:focus { border: round $primary; }
    }
    """

    def __init__(self, content: Mapping[str, Any], check: Callable[[dict[str, Any]], None]) -> None:
        super().__init__()
        self._content = copy.deepcopy(dict(content))
        self._check = check
        names = names_of(self._content["kind"])
        self._names = {name: says for name, says in names.items() if content[name] is not None}

    def body(self) -> Iterable[Widget]:
        yield Static(
            "What you write here is exported instead. The transcript stays as it is.",
            classes="lead",
            markup=False,
        )
        with VerticalScroll(id="texts", can_focus=False):
            for number, message in enumerate(self._content["prompt"]):
                yield Static(words.role(message["role"]), markup=False)
                yield TextArea(message["content"], id=f"prompt-{number}", tab_behavior="focus")
            for name, label in self._names.items():
                yield Static(label, markup=False)
                yield TextArea(self._content[name], id=name, tab_behavior="focus")

    def actions(self) -> Iterable[Widget]:
        yield Action("Save", "screen.save", id="save")
        yield Action("Cancel", "screen.leave", id="leave")

    def on_mount(self) -> None:
        self.query_one(f"#{next(iter(self._names))}", TextArea).focus()

    def action_save(self) -> None:
        """Take the texts, if they can stand in for the example's."""
        content = copy.deepcopy(self._content)
        for number, message in enumerate(content["prompt"]):
            message["content"] = self.query_one(f"#prompt-{number}", TextArea).text
        for name in self._names:
            content[name] = self.query_one(f"#{name}", TextArea).text
        try:
            self._check(content)
        except ArchiveError as error:
            self.say(words.one_line(str(error)), wrong=True)
        else:
            self.dismiss(content)
