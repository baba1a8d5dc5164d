"""The right side: one request as messages, as prompt or as tokens; or how a token was chosen.

Rows are made and drawn on demand, so a request of any length costs little; nothing is made while
the view is hidden.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import ClassVar, Final

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.style import Style
from textual.timer import Timer
from textual.widget import Widget

from chatapp.tui import words
from chatapp.tui.request import DEPTHS, Depth, Request, Row, rows, size_of
from chatapp.tui.widgets.choice_view import ChoiceView

__all__ = ["ContextView"]

_SLICE: Final = 0.006
"""Seconds of making rows in one go; typing is served in between."""
_OWNER: Final = 9
_TAG: Final = 6
_NARROW: Final = 50
_SHORT: Final = 18


class _Depths(Widget):
    """The three depths, and the choice; the one shown is underlined and written large."""

    ALLOW_SELECT = False
    depth: str = "prompt"

    def show(self, depth: str) -> None:
        if depth != self.depth:
            self.depth = depth
            self.refresh()

    def render(self) -> Content:
        names = []
        for depth in (*DEPTHS, "choice"):
            here = depth == self.depth
            name = Content.styled(
                depth.upper() if here else depth, "bold underline" if here else "$foreground 60%"
            )
            click = Style.from_meta({"@click": f"screen.show_depth('{depth}')"})
            names.append(name.stylize(click))
        tabs = Content.styled(" │ ", "$foreground 60%").join(names)
        if self.depth == "choice":
            legend = Content.styled("←→ token by token", "$foreground 60%")
        else:
            legend = Content.assemble(("= ", "$foreground 60%"), "again  ", ("+ ", "bold"), "NEW")
        gap = self.size.width - tabs.cell_length - legend.cell_length
        return tabs + Content(" " * gap) + legend if gap > 0 else tabs


class _Rows(ScrollView, can_focus=True):
    """The rows of a request, drawn a line at a time."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "rows--text",
        "rows--control",
        "rows--template",
        "rows--quiet",
        "rows--new",
        "rows--again",
        "rows--owner",
    }

    def __init__(self) -> None:
        super().__init__()
        self._request: Request | None = None
        self._depth: Depth = "messages"
        self._rows: list[Row] = []
        self._coming: Iterator[Row] | None = None
        self._timer: Timer | None = None
        self._made_for = 0
        self._to_end = False

    @property
    def _text_width(self) -> int:
        tag = 0 if self.size.width < _NARROW else _TAG
        # The scrollbar's place is kept free, so that its coming changes no line.
        return self.size.width - 2 - _OWNER - tag - (0 if self.show_vertical_scrollbar else 1)

    def show(self, request: Request | None, depth: Depth) -> None:
        """Show a request at a depth."""
        if request is self._request and depth == self._depth and self._made_for == self.size.width:
            return
        # What was not there before is at the end.
        self._to_end = request is not self._request
        self._request, self._depth = request, depth
        self._make()

    def _make(self) -> None:
        self._made_for = self.size.width
        self._rows = []
        self._coming = None
        if self._request is not None and self.size.width:
            self._coming = rows(self._request, self._depth, self._text_width)
        self._pull()

    def _pull(self) -> None:
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
        until = time.perf_counter() + _SLICE
        while self._coming is not None:
            if (row := next(self._coming, None)) is None:
                self._coming = None
            else:
                self._rows.append(row)
                if len(self._rows) % 32 == 0 and time.perf_counter() > until:
                    self._timer = self.set_timer(0.012, self._pull)
                    break
        self.virtual_size = Size(self.size.width, len(self._rows))
        self.refresh()
        if self._to_end:
            self.scroll_end(animate=False)
            self._to_end = self._coming is not None

    def on_resize(self, event: events.Resize) -> None:
        if event.size.width != self._made_for:
            self._make()

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self.refresh()

    def render_line(self, y: int) -> Strip:
        at = y + self.scroll_offset.y
        base = self.rich_style
        if at >= len(self._rows):
            return Strip.blank(self.size.width, base)
        row = self._rows[at]
        style = self.get_component_rich_style
        fresh = style("rows--new" if row.new else "rows--again")
        mark = {True: "+ ", False: "= ", None: "  "}[row.new]
        segments = [
            Segment(mark, fresh),
            Segment(set_cell_size(row.owner, _OWNER), style("rows--owner")),
        ]
        segments += [Segment(text, style(f"rows--{kind}")) for text, kind in row.parts]
        if row.owner and row.new is not None:
            used = sum(cell_len(segment.text) for segment in segments)
            for tag in self._tags(row):
                gap = self.size.width - used - len(tag) - 1
                if gap > 0:
                    segments += [Segment(" " * gap, base), Segment(tag, fresh)]
                    break
        strip = Strip(segments).adjust_cell_length(self.size.width, base)
        return strip.apply_style(base).apply_offsets(0, at)

    def _tags(self, row: Row) -> list[str]:
        """What may stand at the right of a part's first row, the fullest first."""
        tags = [("NEW" if row.new else "again")] if self.size.width >= _NARROW else []
        if row.tokens is None:
            return tags
        count = words.many(row.tokens, "token")
        return [*(f"{count} · {tag}" for tag in tags), count, *tags]


class ContextView(Vertical):
    """The frame around a request: its depth, its turn, its size.

    ``choosing``: how a token was chosen is shown in its place.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("m", "screen.show_depth('messages')", show=False),
        Binding("p", "screen.show_depth('prompt')", show=False),
        Binding("t", "screen.show_depth('tokens')", show=False),
        Binding("c", "screen.show_depth('choice')", show=False),
        Binding("left", "screen.next_depth(-1)", show=False),
        Binding("right", "screen.next_depth(1)", show=False),
    ]

    def __init__(self) -> None:
        super().__init__(id="context")
        self.depth: Depth = "prompt"
        self.choosing = False
        self._request: Request | None = None
        self._bytes = 0
        self._shown_titles = ("", "")

    def compose(self) -> ComposeResult:
        yield _Depths()
        yield _Rows()
        yield ChoiceView()

    def on_mount(self) -> None:
        self.query_one(ChoiceView).display = False
        self.show(None)

    @property
    def shown(self) -> Request | None:
        """The request that is shown."""
        return self._request

    def show(self, request: Request | None) -> None:
        """Show a request: at once if the view is visible, else when it becomes so."""
        if request is not self._request or request is None:
            self._request = request
            self._bytes = 0
        self._refresh()

    def show_depth(self, depth: Depth) -> None:
        """Show the same request at another depth."""
        self.depth = depth
        self._turn_to(choosing=False)

    def show_choice(self) -> None:
        """Show how a token was chosen."""
        self._turn_to(choosing=True)

    def _turn_to(self, *, choosing: bool) -> None:
        had_focus = self.has_focus_within
        self.choosing = choosing
        self.set_class(choosing, "-choosing")
        rows, choice = self.query_one(_Rows), self.query_one(ChoiceView)
        rows.display, choice.display = not choosing, choosing
        if had_focus:
            (choice if choosing else rows).focus()
        self._refresh()

    def on_choice_view_moved(self, event: ChoiceView.Moved) -> None:
        event.stop()
        self._refresh()

    @property
    def on_screen(self) -> bool:
        """Whether anybody can see it."""
        return self.is_mounted and self.display and self.size.width > 0

    def on_show(self) -> None:
        self._refresh()

    def on_resize(self) -> None:
        self.set_class(self.size.height < _SHORT, "-short")
        self._refresh()

    def _refresh(self) -> None:
        if not self.is_mounted:
            return
        if not self.on_screen:
            return
        if (titles := self._titles()) != self._shown_titles:
            self._shown_titles = titles
            self.border_title, self.border_subtitle = map(Content, titles)
        self.query_one(_Depths).show("choice" if self.choosing else self.depth)
        if not self.choosing:
            self.query_one(_Rows).show(self._request, self.depth)

    def _titles(self) -> tuple[str, str]:
        """What stands in the frame: above, what this is; below, its turn and size."""
        if self.choosing:
            return "how this token was chosen", self.query_one(ChoiceView).place
        request = self._request
        if request is None:
            return "what the model receives", ""
        self._bytes = self._bytes or size_of(request)
        tokens = "" if request.prompt is None else f" · {len(request.prompt):,} tokens"
        of = "" if request.pipe else " of messages"
        size = f"{words.many(self._bytes, 'byte')}{of}{tokens}"
        title = "what the model receives" if request.turn else "what the model would receive"
        turn = f"turn {request.turn}" if request.turn else "next turn"
        whole = f"{turn}, {'as sent' if request.turn else 'not sent yet'} · {size}"
        # The numbers stay whole where the frame is short.
        return title, whole if len(whole) <= self.size.width - 6 else f"{turn} · {size}"
