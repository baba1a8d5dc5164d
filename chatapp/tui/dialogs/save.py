"""Where to save something."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Input, Static

from chatapp.tui.dialogs.base import Action, Dialog

__all__ = ["EVIDENCE", "SaveDialog"]

EVIDENCE = (
    "The report is one HTML page that needs nothing else; the JSON beside it holds the numbers. "
    "What was sent and answered stands in both."
)


class SaveDialog(Dialog[Path | None]):
    """The result is a path that ends with one of ``suffixes`` (else with the first of them).

    ``beside``: the suffix of a file that is written next to it.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+s", "save", show=False)]
    keys = "Enter saves · Esc leaves"
    DEFAULT_CSS = """
    SaveDialog {
        Input { height: 1; background: $foreground 12%; padding: 0 1; }
        Input:ansi { text-style: underline; }
    }
    """

    def __init__(
        self,
        path: Path,
        *,
        heading: str = "Save the evidence",
        says: str = EVIDENCE,
        suffixes: Sequence[str] = (".html", ".htm"),
        beside: str = "",
    ) -> None:
        super().__init__()
        self.heading = heading  # type: ignore[misc]
        self._path, self._says = path, says
        self._suffixes, self._beside = suffixes, beside
        self._asked: Path | None = None

    def body(self) -> Iterable[Widget]:
        yield Static(self._says, classes="lead", markup=False)
        yield Input(str(self._path), "path of the file", id="path", compact=True)

    def actions(self) -> Iterable[Widget]:
        yield Action("Save", "screen.save", id="save")
        yield Action("Cancel", "screen.leave", id="leave")

    def on_mount(self) -> None:
        self.query_one("#path").focus()

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        self.action_save()

    def action_save(self) -> None:
        """Take the path; a file that is there already is asked about first."""
        text = self.query_one("#path", Input).value.strip()
        try:
            path = Path(text).expanduser()
        except RuntimeError:
            self.say(f"“{text}” cannot be resolved.", wrong=True)
            return
        if not text or path.is_dir():
            self.say(f"Name a file, such as {self._path.name}.", wrong=True)
            return
        if path.suffix.lower() not in self._suffixes:
            path = path.with_name(f"{path.name}{self._suffixes[0]}")
        written = [path, *([path.with_suffix(self._beside)] if self._beside else [])]
        there = [one.name for one in written if one.exists()]
        if there and self._asked != path:
            self._asked = path
            self.say(f"{' and '.join(there)} will be replaced. Save again to do it.", wrong=True)
        else:
            self.dismiss(path)
