"""Ask for a line of text, or for a yes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Input, Static

from chatapp.tui.dialogs.base import Action, Dialog, one_line

__all__ = ["AskDialog", "ConfirmDialog"]


class AskDialog(Dialog["str | None"]):
    """The result is what was filled in, maybe nothing; ``None`` if a person left."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+s", "give", show=False)]
    DEFAULT_CSS = """
    AskDialog {
        Input { height: 1; background: $foreground 12%; padding: 0 1; }
        Input:ansi { text-style: underline; }
    }
    """

    def __init__(self, heading: str, says: str, *, value: str = "", does: str = "OK") -> None:
        super().__init__()
        self.heading = heading  # type: ignore[misc]
        self.keys = f"Enter {does.lower()} · Esc leave"  # type: ignore[misc]
        self._says, self._value, self._does = says, value, does

    def body(self) -> Iterable[Widget]:
        yield Static(self._says, classes="lead", markup=False)
        yield Input(one_line(self._value), id="line", compact=True)

    def actions(self) -> Iterable[Widget]:
        yield Action(self._does, "screen.give", id="give")
        yield Action("Cancel", "screen.leave", id="leave")

    def on_mount(self) -> None:
        self.query_one(Input).focus()

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        self.action_give()

    def action_give(self) -> None:
        """Hand over what is filled in."""
        self.dismiss(" ".join(self.query_one(Input).value.split()))


class ConfirmDialog(Dialog["bool | None"]):
    """Asks once; the result is true only if a person said so. Enter alone says no."""

    keys = "Tab, Enter choose · Esc leave"

    def __init__(self, heading: str, *says: str, does: str, stays: str) -> None:
        super().__init__()
        self.heading = heading  # type: ignore[misc]
        self._says, self._does, self._stays = says, does, stays

    def body(self) -> Iterable[Widget]:
        for sentence in self._says:
            yield Static(sentence, classes="lead", markup=False)

    def actions(self) -> Iterable[Widget]:
        yield Action(self._stays, "screen.leave", id="leave")
        yield Action(self._does, "screen.agree", id="agree")

    def on_mount(self) -> None:
        self.query_one("#leave").focus()

    def action_agree(self) -> None:
        """Do it."""
        self.dismiss(True)
