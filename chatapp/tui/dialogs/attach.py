"""Choose a file to attach: by its path, or in the tree of folders."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import DirectoryTree, Input, Static

from chatapp.tui.dialogs.base import Action, Dialog

__all__ = ["FileDialog"]


class FileDialog(Dialog["Path | None"]):
    """The result is a path. ``folder``: a folder is meant, not a file."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+s", "give", show=False)]
    keys = "Enter takes it · Tab path, tree · Esc leave"
    DEFAULT_CSS = """
    FileDialog {
        Input { height: 1; border: none; background: $primary 25%; padding: 0 1; }
        DirectoryTree { height: 14; max-height: 50vh; background: transparent; margin-top: 1; }
        &.-short DirectoryTree { margin: 0; }
    }
    """

    def __init__(self, heading: str, says: str, start: Path, *, folder: bool = False) -> None:
        super().__init__()
        self.heading = heading  # type: ignore[misc]
        self._says, self._start, self._folder = says, start, folder

    def body(self) -> Iterable[Widget]:
        yield Static(self._says, classes="lead", markup=False)
        yield Input("", "a path, or choose below", id="path", compact=True)
        yield DirectoryTree(self._start)

    def actions(self) -> Iterable[Widget]:
        yield Action("Take it", "screen.give", id="give")
        yield Action("Cancel", "screen.leave", id="leave")

    def on_mount(self) -> None:
        self.query_one(Input).focus()

    @on(DirectoryTree.FileSelected)
    def _file(self, event: DirectoryTree.FileSelected) -> None:
        event.stop()
        if not self._folder:
            self.dismiss(event.path)

    @on(DirectoryTree.DirectorySelected)
    def _dir(self, event: DirectoryTree.DirectorySelected) -> None:
        event.stop()
        if self._folder:
            self.query_one(Input).value = str(event.path)

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        self.action_give()

    def action_give(self) -> None:
        """Hand over the path that is filled in."""
        text = self.query_one(Input).value.strip()
        if text:
            self.dismiss(Path(text))
        else:
            self.say("Fill in a path, or choose in the tree.")
