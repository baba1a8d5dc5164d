"""A session's messages. Of a long conversation only the end is on the screen until asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.geometry import Region
from textual.scrollbar import ScrollBar
from textual.style import Style
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Static

from chatapp.tui import source_words, words
from chatapp.tui.widgets.bar import QuickBar
from chatapp.tui.widgets.message import MessageView
from chatapp.tui.widgets.still import Still, StillVertical

if TYPE_CHECKING:
    from chatapp.conversation import Conversation, Node

__all__ = ["ConversationPane"]

_FIRST: Final = 24
"""Messages that are put on the screen at first: some screenfuls."""
_MORE: Final = 40
_MOST: Final = 40
"""Beyond this many, the oldest leave the screen again (while the end is in sight): each that is
there makes every layout of the screen dearer."""
_SWEEP: Final = 0.6
"""Seconds that the sweep over a sent transcript may take."""

EMPTY: Final = (
    "Nothing has been said here. Besides its frozen weights the model has what stands before the "
    "first message: a system prompt and saved notes, if there are any.\n\n"
    "Write a message and press Enter. With every message the whole conversation is sent again: "
    "F2 shows it."
)


class _Pending(Vertical):
    """A message that has not been sent yet, and what it waits for."""

    def __init__(self, text: str, waiting: str) -> None:
        super().__init__(classes="-user")
        self._text, self._waiting = text, waiting

    def compose(self) -> ComposeResult:
        if self._text:
            yield Static(Content.styled("you", "bold"), markup=False)
            shown = words.visible(source_words.folded(self._text))
            yield Static(shown[:2_000] + ("…" if len(shown) > 2_000 else ""), markup=False)
        yield Static(f"… {self._waiting}", classes="waiting", markup=False)

    def wait_for(self, what: str) -> None:
        if what != self._waiting:
            self._waiting = what
            self.query_one(".waiting", Static).update(f"… {what}")


class ConversationPane(Still, VerticalScroll, can_focus=True):
    """One session on the screen; it shows what its conversation holds and changes nothing in it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "screen.select_earlier", show=False),
        Binding("down", "screen.select_later", show=False),
        Binding("left", "screen.earlier_answer", show=False),
        Binding("right", "screen.later_answer", show=False),
        Binding("c", "screen.copy", show=False),
        Binding("e", "screen.edit", show=False),
        Binding("r", "screen.regenerate", show=False),
        Binding("k", "screen.correct", show=False),
        Binding("t", "screen.choice", show=False),
        Binding("plus", "screen.mark_good", show=False),
        Binding("minus", "screen.mark_bad", show=False),
        Binding("enter", "screen.write", show=False),
    ]

    def __init__(self, number: int) -> None:
        super().__init__(id=f"session-{number}", classes="pane")
        self.conversation: Conversation | None = None
        self.selected: Node | None = None
        self._first = 0
        self._looking_back = False
        self._views: dict[Node, MessageView] = {}
        self._begun = self._left = self._notice = self._trouble = ""
        self._marks: Mapping[Node, str] = {}
        self._pending: _Pending | None = None
        # Where the line stands at which the model's view begins, and the summary with it.
        self._placed: tuple[MessageView, str] | None = None
        self._sweep: Timer | None = None
        self._swept: list[MessageView] = []

    @property
    def vertical_scrollbar(self) -> ScrollBar:
        if self._vertical_scrollbar is None:
            self._vertical_scrollbar = bar = QuickBar(name="vertical")
            bar.display = False
            self.app._start_widget(self, bar)
        return self._vertical_scrollbar

    def compose(self) -> ComposeResult:
        # Never shorter than the pane: a view anchored at its end would else hang at the bottom.
        with StillVertical(id="talk"):
            yield Static("", id="older", markup=False)
            yield Static("", id="begun", markup=False)
            yield Static("", id="left", markup=False)
            yield Static("", id="notices", markup=False)
            yield Static("", id="trouble", markup=False)
            yield Static(EMPTY, id="empty", markup=False)
            yield Static("", id="end", markup=False)

    def on_mount(self) -> None:
        self.anchor()
        self._refresh_extras([])

    # ── what is on the screen ───────────────────────────────────────────────────────────────────

    def view_of(self, node: Node | None) -> MessageView | None:
        """The view of a message, if it is on the screen."""
        return self._views.get(node) if node else None

    def refresh_messages(self) -> None:
        """Show every message anew: how they look has changed."""
        for view in self._views.values():
            view.refresh_node()

    def node_by_id(self, number: int) -> Node | None:
        """The message that a click on the screen named."""
        return next((node for node in self._views if id(node) == number), None)

    def notice(self, text: str) -> None:
        """A line of the screen's own below the messages; an empty one takes it away."""
        self._notice = text
        self._refresh_extras(self._said())

    def trouble(self, text: str) -> None:
        """What is wrong with the store; it stays until an empty one takes it away."""
        self._trouble = text
        self._refresh_extras(self._said())

    def show_marks(self, marks: Mapping[Node, str]) -> None:
        """What stands on the messages that somebody marked."""
        self._marks = marks
        for node, view in self._views.items():
            view.show_mark(marks.get(node, ""))

    def begun_with(self, text: str) -> None:
        """What was pasted into this session's system prompt; on top of all."""
        self._begun = text
        if self.is_mounted:
            self._refresh_extras(self._said())

    def left_behind(self, text: str) -> None:
        """What another session kept when this one began (or a reopened one is); on top."""
        self._left = text
        self._refresh_extras(self._said())

    @property
    def _talk(self) -> Vertical:
        return self.query_one("#talk", Vertical)

    def _said(self) -> list[Node]:
        return self.conversation.nodes if self.conversation else []

    async def sync(self) -> None:
        """Show the chosen branch as it is now."""
        nodes = self._said()
        self._choose_first(nodes)
        shown = nodes[self._first :]
        keep = set(shown)
        with self.app.batch_update():
            gone = [view for node, view in self._views.items() if node not in keep]
            self._views = {node: view for node, view in self._views.items() if node in keep}
            if gone:
                self._stop_sweep()
                await self._talk.remove_children(gone)
            await self._mount_missing(shown)
            await self._place_rule(nodes)
        if self.selected not in keep:
            self.selected = None
        self._refresh_extras(nodes)
        for node, view in self._views.items():
            view.latest = node in nodes[-2:]
            view.refresh_node()

    def _choose_first(self, nodes: list[Node]) -> None:
        shown = len(nodes) - self._first
        many = shown > _MOST and not self._looking_back
        if not self._views or (many and self.is_vertical_scroll_end):
            self._first = max(len(nodes) - _FIRST, 0)

    async def _mount_missing(self, shown: list[Node]) -> None:
        missing: list[MessageView] = []
        views: dict[Node, MessageView] = {}
        for node in shown:
            view = self._views.get(node)
            if view is None:
                view = MessageView(node)
                view.mark = self._marks.get(node, "")
                missing.append(view)
            elif missing:
                await self._take_rule_away()  # it would stand above them
                await self._talk.mount_all(missing, before=view)
                missing = []
            views[node] = view
        self._views = views
        if missing:
            await self._talk.mount_all(missing, before=self._pending or self.query_one("#notices"))

    async def _place_rule(self, nodes: list[Node]) -> None:
        """The line where the model's view begins, with the summary that stands for the rest."""
        view = self.conversation.view if self.conversation else None
        out = len(nodes) - len(view.visible(nodes)) if view else 0
        for at, shown in enumerate(self._views.values(), self._first):
            shown.set_outside(at < out)
        at_view = self._views.get(nodes[out]) if out else None
        placed = (at_view, view.summary) if view and at_view else None
        if placed == self._placed:
            return
        await self._take_rule_away()
        self._placed = placed
        if view is None or at_view is None:
            return
        rule = [Static(f"── {words.view_begins(out)} ──", classes="view-rule", markup=False)]
        if view.summary:
            text = Content.assemble(
                ("summary, written by the model and sent as text in their place\n", "bold"),
                words.visible(view.summary),
            )
            rule.append(Static(text, classes="view-rule -summary", markup=False))
        await self._talk.mount_all(rule, before=at_view)

    async def _take_rule_away(self) -> None:
        self._placed = None
        await self._talk.query_children(".view-rule").remove()

    def _refresh_extras(self, nodes: list[Node]) -> None:
        older = self.query_one("#older", Static)
        older.display = self._first > 0
        if self._first:
            count = min(self._first, _MORE)
            text = f"↑ show {words.many(count, 'earlier message')} ({self._first:,} in all)"
            click = Style.from_meta({"@click": "screen.show_earlier"})
            older.update(Content(text).stylize(click))
        for name, text in self._extras:
            line = self.query_one(name, Static)
            line.display = bool(text)
            line.update(text)
        self.query_one("#empty").display = not nodes and self._pending is None

    @property
    def _extras(self) -> tuple[tuple[str, str], ...]:
        return (
            ("#begun", self._begun),
            ("#left", self._left),
            ("#notices", self._notice),
            ("#trouble", self._trouble),
        )

    async def show_earlier(self) -> None:
        """Put older messages on the screen."""
        if self._first:
            self.release_anchor()
            self._looking_back = True
            self._first = max(self._first - _MORE, 0)
            await self.sync()

    # ── a message that waits ────────────────────────────────────────────────────────────────────

    async def show_pending(self, text: str, waiting: str) -> None:
        """Show a message that is not sent yet."""
        await self.clear_pending()
        self._pending = _Pending(text, waiting)
        self._looking_back = False
        await self._talk.mount(self._pending, before=self.query_one("#notices"))
        self._refresh_extras(self._said())
        self.anchor()

    def wait_for(self, what: str) -> None:
        """What the pending message waits for now."""
        if self._pending is not None:
            self._pending.wait_for(what)

    async def clear_pending(self) -> None:
        """The pending message was sent or taken back."""
        pending, self._pending = self._pending, None
        if pending is not None:
            await pending.remove()
            self._refresh_extras(self._said())

    # ── selection ───────────────────────────────────────────────────────────────────────────────

    def select(self, node: Node | None) -> None:
        """Select a message (or none) and bring it into sight."""
        if view := self.view_of(self.selected):
            view.selected = False
        self.selected = node
        if view := self.view_of(node):
            view.selected = True
            self.call_after_refresh(view.scroll_visible, animate=False)

    async def select_step(self, step: int) -> None:
        """Select the message above (-1) or below (1); below the last one, none."""
        nodes = list(self._views)
        if not nodes:
            return
        at = nodes.index(self.selected) + step if self.selected in nodes else len(nodes) - 1
        if self.selected not in nodes and step > 0:
            return
        if at < 0:
            await self.show_earlier()
            more = list(self._views)
            at = more.index(nodes[0]) - 1
            nodes = more
        if at >= len(nodes):
            self.select(None)
            self.anchor()
        else:
            self.select(nodes[max(at, 0)])

    # ── the transcript goes ─────────────────────────────────────────────────────────────────────

    def sweep(self, nodes: list[Node]) -> None:
        """Let one see every message go, top to bottom. Called when the request has arrived."""
        views = [view for node in nodes if (view := self._views.get(node))]
        self._stop_sweep()
        seen = [view for view in views if self._in_sight(view)]
        if self.app.animation_level == "none" or not self.display or not seen:
            for view in views:
                view.refresh_node()
            return
        for view in views:
            if view in seen:
                view.begin_sweep()
            else:
                view.refresh_node()
        steps = iter(seen)
        before: list[MessageView] = []

        def step() -> None:
            if before:
                before.pop().sweep(False)
            if (view := next(steps, None)) is None:
                self._stop_sweep()
            else:
                view.sweep(True)
                before.append(view)

        self._swept = seen
        self._sweep = self.set_interval(_SWEEP / (len(seen) + 1), step)
        step()

    def _stop_sweep(self) -> None:
        if self._sweep is not None:
            self._sweep.stop()
            self._sweep = None
        for view in self._swept:
            view.sweep(False)
        self._swept = []

    def _in_sight(self, view: Widget) -> bool:
        seen = Region(0, round(self.scroll_y), self.size.width, self.size.height)
        return view.virtual_region.overlaps(seen)
