"""What it costs, on one page: this chat so far beside the pre-training, and the formulas."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Horizontal, VerticalScroll
from textual.screen import Screen

from chatapp.proofs.evidence import Block
from chatapp.tui.dialogs.base import Action
from chatapp.tui.screens.evidence import shown

__all__ = ["CostsScreen"]

TITLE: Final = "What it costs: training once, use on every turn"


class CostsScreen(Screen[None]):
    """Shows blocks that were put together elsewhere."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,enter", "leave", "Leave")]
    DEFAULT_CSS = """
    CostsScreen {
        background: $background;
        #costs {
            height: 1fr; border: round $primary; padding: 0 1;
            border-title-style: bold; border-title-color: $text;
            border-subtitle-color: $text-muted;
        }
        #page { height: 1fr; scrollbar-size-vertical: 1; background: $background; }
        #page Static { height: auto; }
        .block { margin-bottom: 1; }
        .actions { height: 1; }
    }
    """

    def __init__(self, blocks: Sequence[Block], title: str = TITLE, keys: str = "Esc back") -> None:
        super().__init__()
        self._blocks, self._title, self._keys = blocks, title, keys

    def compose(self) -> ComposeResult:
        with Container(id="costs") as frame:
            frame.border_title = self._title
            frame.border_subtitle = f"{self._keys} · ↑ ↓ scroll"
            with VerticalScroll(id="page"):
                for block in self._blocks:
                    if (widget := shown(block)) is not None:
                        yield widget
            with Horizontal(classes="actions"):
                yield Action("Back", "screen.leave", id="leave")

    def on_mount(self) -> None:
        self.query_one("#page").focus()

    def action_leave(self) -> None:
        self.dismiss(None)
