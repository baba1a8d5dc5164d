"""Help: the keys, what stands on the screen, and the words for it. Typing searches."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.widget import Widget
from textual.widgets import Input

from chatapp.tui.dialogs.base import Action, Dialog, one_line
from chatapp.tui.dialogs.help_page import HelpPage
from chatapp.tui.dialogs.help_text import SECTIONS, Section

__all__ = ["HelpScreen"]


class HelpScreen(Dialog[None]):
    """The help. ``topic``: a section (``keys``, ``seen``, ``words``) or a word to look up."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f1", "leave", "Leave", show=False),
        Binding("down", "move('down')", show=False),
        Binding("up", "move('up')", show=False),
        Binding("pagedown", "move('page_down')", show=False),
        Binding("pageup", "move('page_up')", show=False),
        Binding("ctrl+home", "move('home')", show=False),
        Binding("ctrl+end", "move('end')", show=False),
    ]
    heading = "Help"
    keys = "type to search · Esc leave"
    DEFAULT_CSS = """
    HelpScreen {
        #panel { height: 100%; max-height: 44; }
        #search { height: 1; border: none; background: $primary 25%; padding: 0 1; }
        #jumps { height: 1; margin: 1 0; }
        &.-short #jumps { margin: 0; }
        #scroll { height: 1fr; scrollbar-size-vertical: 1; scrollbar-background: $surface; }
    }
    """

    def __init__(self, topic: str | None = None) -> None:
        super().__init__()
        self._goal: Section | None = next((name for name in SECTIONS if name == topic), None)
        self._search = one_line(topic or "") if self._goal is None else ""

    def body(self) -> Iterable[Widget]:
        yield Input(self._search, "search: a key, a word …", id="search", compact=True)
        with Horizontal(id="jumps"):
            for section, title in SECTIONS.items():
                yield Action(title, f"screen.jump('{section}')", id=f"jump-{section}")
        with VerticalScroll(id="scroll", can_focus=False):
            page = HelpPage()
            page.query_text = self._search
            yield page

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        page = self.query_one(HelpPage)
        if event.value != page.query_text:
            self._goal = None
            page.search(event.value)
            self.query_one("#scroll").scroll_home(animate=False)

    @on(HelpPage.Laid)
    def _laid(self, event: HelpPage.Laid) -> None:
        # A changed width moves every line: keep to the section that was asked for.
        if self._goal is not None:
            self.call_after_refresh(self._to_goal)

    def _to_goal(self) -> None:
        begins = self.query_one(HelpPage).begins
        if self._goal in begins:
            self.query_one("#scroll").scroll_to(y=begins[self._goal], animate=False)

    def action_jump(self, section: Section) -> None:
        """Go to the beginning of a section; a search ends."""
        page = self.query_one(HelpPage)
        # Said to the page first, so that the changed input is no news.
        page.search("")
        self.query_one("#search", Input).value = ""
        self._goal = section

    def action_move(self, where: str) -> None:
        """Scroll, wherever the focus is."""
        self._goal = None
        scroll = self.query_one("#scroll")
        {
            "down": scroll.scroll_down,
            "up": scroll.scroll_up,
            "page_down": scroll.scroll_page_down,
            "page_up": scroll.scroll_page_up,
            "home": scroll.scroll_home,
            "end": scroll.scroll_end,
        }[where](animate=False)
