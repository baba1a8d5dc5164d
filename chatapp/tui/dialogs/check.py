"""A box that is ticked or not."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

__all__ = ["Check"]


class Check(Static, can_focus=True):
    """A box that is ticked or not, with its name and its meaning."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("space,enter", "tick", show=False)]
    DEFAULT_CSS = """
    Check {
        height: auto; margin: 1 0 0 0; padding: 0 2; pointer: pointer;
        &:focus { background: $primary-muted; color: $text; }
        &:focus:nocolor { background: $foreground; color: $background; }
        &:focus:ansi { background: $block-cursor-background; color: $block-cursor-foreground; }
    }
    """

    class Changed(Message):
        """Somebody ticked the box, or took the mark away."""

        def __init__(self, ticked: bool) -> None:
            super().__init__()
            self.ticked = ticked

    def __init__(self, label: str, meaning: str, ticked: bool, *, id: str = "check") -> None:
        super().__init__(markup=False, id=id)
        self._label, self._meaning = label, meaning
        self.ticked = ticked

    @property
    def ticked(self) -> bool:
        """Whether the box is ticked."""
        return self._ticked

    @ticked.setter
    def ticked(self, ticked: bool) -> None:
        self._ticked = ticked
        mark = "[x] " if ticked else "[ ] "
        bold = "bold" if ticked else ""
        self.update(Content.assemble((mark + self._label, bold), f": {self._meaning}"))

    def action_tick(self) -> None:
        """Tick the box, or take the mark away."""
        self.ticked = not self.ticked
        self.post_message(self.Changed(self.ticked))

    def on_click(self) -> None:
        self.action_tick()
