"""How a token of a reply was chosen: the reply as its tokens, and the numbers of one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from rich.cells import cell_len
from rich.segment import Segment
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.geometry import Region, Size
from textual.message import Message as Event
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widgets import Static

from chatapp.tui import words
from chatapp.tui.choice_rows import reply_lines, rows

if TYPE_CHECKING:
    from chatapp.conversation import Node

__all__ = ["ChoiceView"]

_STYLES: Final = {
    "text": "",
    "strong": "bold",
    "quiet": "$foreground 60%",
    "bar": "$text-primary",
}
EMPTY: Final = (
    "No reply yet. When the model answers, each of its tokens stands here, and how it was chosen: "
    "the probabilities, the cuts, the draw."
)


class _Reply(ScrollView, can_focus=False):
    """The reply as its tokens; the one looked at stands between ▐ and ▌."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"reply--token", "reply--edge", "reply--here"}

    class Picked(Event):
        """A token was clicked."""

        def __init__(self, index: int) -> None:
            super().__init__()
            self.index = index

    def __init__(self) -> None:
        super().__init__()
        self._lines: list[list[tuple[int, str]]] = [[]]
        self._made_for: tuple[object, int, int] = (None, 0, 0)
        self._at = 0
        self.high = 1
        """Lines that it takes on the screen."""

    def show(self, node: Node | None, at: int) -> None:
        """Show the tokens of ``node``, the one at ``at`` as the one looked at."""
        tokens = node.facts.tokens if node is not None and node.facts else None
        # The scrollbar's place is kept free, so that its coming changes no line.
        width = self.outer_size.width - 1
        key = (node, len(tokens) if tokens else 0, width)
        if key != self._made_for:
            self._made_for = key
            self._lines = reply_lines(tokens.texts, width, tokens.ending) if tokens else [[]]
            self.virtual_size = Size(width, len(self._lines))
            self.high = max(min(len(self._lines), self._most()), 1)
            self.styles.height = self.high
        self._at = at
        line = self._line_of(at)
        self.refresh()
        self.scroll_to_region(Region(0, line, 1, 1), animate=False)

    def _most(self) -> int:
        """Lines that the reply may take; the rest of the place belongs to the numbers."""
        high = self.parent.size.height if isinstance(self.parent, ChoiceView) else 0
        return max(min(high // 6, 6), 2)

    def _line_of(self, at: int) -> int:
        for number, line in enumerate(self._lines):
            if line and line[-1][0] >= at:
                return number
        return max(len(self._lines) - 1, 0)

    def render_line(self, y: int) -> Strip:
        number = y + self.scroll_offset.y
        base = self.rich_style
        if number >= len(self._lines):
            return Strip.blank(self.size.width, base)
        style = self.get_component_rich_style
        edge, here = style("reply--edge"), style("reply--here")
        segments = []
        before = None
        for index, text in self._lines[number]:
            mark = "▐" if index == self._at else "▌" if before == self._at else "│"
            segments.append(Segment(mark, edge))
            segments.append(Segment(text, here if index == self._at else style("reply--token")))
            before = index
        if before is not None:
            lit = before == self._at
            segments.append(Segment("▌" if lit else "│", edge))
        return Strip(segments).adjust_cell_length(self.size.width, base).apply_style(base)

    def on_click(self, event: events.Click) -> None:
        event.stop()
        number = event.y + self.scroll_offset.y
        x = 0
        for index, text in self._lines[number] if number < len(self._lines) else ():
            x += cell_len(text) + 1
            if event.x < x:
                self.post_message(self.Picked(index))
                return


class ChoiceView(Vertical, can_focus=True):
    """Follows the latest token until a person picks one; End follows again."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "step(-1)", show=False),
        Binding("right", "step(1)", show=False),
        Binding("home", "first", show=False),
        Binding("end", "latest", show=False),
        Binding("up", "scroll(-1)", show=False),
        Binding("down", "scroll(1)", show=False),
    ]

    class Moved(Event):
        """Another token is looked at."""

    def __init__(self) -> None:
        super().__init__(id="choice")
        self._node: Node | None = None
        self._picked: int | None = None
        self._shown: tuple[object, ...] = ()

    def compose(self) -> ComposeResult:
        yield _Reply()
        with VerticalScroll(id="choice-rows", can_focus=False):
            yield Static("", id="choice-text", markup=False)

    @property
    def node(self) -> Node | None:
        """The reply that is looked at."""
        return self._node

    @property
    def count(self) -> int:
        """How many tokens it has."""
        facts = self._node.facts if self._node else None
        return len(facts.tokens) if facts else 0

    @property
    def at(self) -> int:
        """The token that is looked at; the latest if none was picked."""
        last = max(self.count - 1, 0)
        return last if self._picked is None else min(self._picked, last)

    @property
    def place(self) -> str:
        """Which turn and which token this is, in words."""
        if self._node is None or self._node.facts is None or not self.count:
            return ""
        return f"turn {self._node.facts.number} · step {self.at + 1:,} of {self.count:,}"

    def show(self, node: Node | None) -> None:
        """Look at a reply; another one than before is followed from its latest token."""
        if node is not self._node:
            self._node, self._picked = node, None
        self.refresh_choice()

    def refresh_choice(self) -> None:
        """Show the token looked at as things are now."""
        if not self.is_mounted or not self.display or not self.size.width:
            return
        now = (self._node, self.count, self.at, self.size, self.app.theme)
        if now == self._shown:
            return
        self._shown = now
        reply = self.query_one(_Reply)
        reply.show(self._node, self.at)
        reply.display = bool(self.count)
        room = self.size.height - reply.high - reply.styles.margin.bottom
        lines = self._lines(room) if self.count else None
        text = Content("\n").join(lines) if lines is not None else Content(self._nothing())
        self.query_one("#choice-text", Static).update(text)
        self.post_message(self.Moved())

    def _lines(self, room: int) -> list[Content]:
        assert self._node is not None
        assert self._node.facts is not None
        # One column stays free for the scrollbar.
        found = rows(self._node.facts, self.at, self.size.width - 1, room)
        return [
            Content.assemble(*[(text, _STYLES[style]) for text, style in line]) for line in found
        ]

    def _nothing(self) -> str:
        if self._node is None:
            return EMPTY
        if self._node.status == "streaming":
            return "The model reads. Its first token will stand here."
        return f"This reply has no tokens. {words.ending(self._node)}".strip()

    def on_show(self) -> None:
        self.refresh_choice()

    def on_resize(self) -> None:
        self.refresh_choice()

    def on__reply_picked(self, event: _Reply.Picked) -> None:
        event.stop()
        self.pick(event.index)
        self.focus()

    def pick(self, index: int | None) -> None:
        """Look at a token; None follows the latest."""
        self._picked = index
        self.refresh_choice()

    def action_step(self, step: int) -> None:
        """Go to the token before or after."""
        at = self.at + step
        self.pick(None if at >= self.count else max(at, 0))

    def action_first(self) -> None:
        """Go to the first token."""
        self.pick(0)

    def action_latest(self) -> None:
        """Go to the latest token, and follow it while the reply grows."""
        self.pick(None)

    def action_scroll(self, step: int) -> None:
        """Scroll the numbers, where they do not fit."""
        self.query_one("#choice-rows").scroll_relative(y=step, animate=False)
