"""The link of the audience's view, and what the audience is not to see."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import ClassVar, Final

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from chatapp.tui.dialogs.base import Action, Dialog
from chatapp.tui.dialogs.check import Check
from chatapp.tui.words import many

__all__ = ["AudienceDialog"]

_SAYS: Final = (
    "Open this link in a browser on this machine, and drag its window to the projector: it shows "
    "this screen as large as the window, to look at only. The link is new for every run; whoever "
    "has it and sits at this machine can look."
)


class AudienceDialog(Dialog[str | None]):
    """Closes with ``copy``, ``stop`` or nothing; ``hide_typing`` says what was chosen."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+s", "leave", show=False)]
    heading = "The audience's view"
    DEFAULT_CSS = """
    AudienceDialog {
        #link { height: auto; text-style: bold; margin-bottom: 1; }
        #looking { height: auto; margin-top: 1; }
    }
    """

    def __init__(self, link: str, viewers: Callable[[], int], *, hide_typing: bool) -> None:
        super().__init__()
        self._link = link
        self._viewers = viewers
        self._was_hidden = hide_typing

    @property
    def hide_typing(self) -> bool:
        """Whether what is typed is to be left out."""
        checks = self.query(Check)
        return checks.first().ticked if checks else self._was_hidden

    def body(self) -> Iterable[Widget]:
        yield Static(_SAYS, classes="lead", markup=False)
        yield Static(Content(self._link), id="link", markup=False)
        yield Check(
            "Hide what I type",
            "until it is sent, and what stands in the fields of dialogs.",
            self._was_hidden,
        )
        yield Static("", id="looking", markup=False)

    def actions(self) -> Iterable[Widget]:
        yield Action("Back", "screen.leave", id="leave")
        yield Action("Copy the link", "screen.end('copy')", id="copy")
        yield Action("Close the view", "screen.end('stop')", id="stop")

    def on_mount(self) -> None:
        self.query_one("#leave").focus()
        self._count()
        self.set_interval(1.0, self._count)

    def _count(self) -> None:
        count = self._viewers()
        text = many(count, "browser") + " looking now" if count else "Nobody is looking yet."
        self.query_one("#looking", Static).update(text)

    def on_check_changed(self, event: Check.Changed) -> None:
        self._was_hidden = event.ticked

    def action_end(self, result: str) -> None:
        """Close, and say what is to be done."""
        self.dismiss(result)
