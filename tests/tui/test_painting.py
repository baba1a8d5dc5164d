"""What reaches the terminal is what Textual would have painted, and no more of it than changed."""

from __future__ import annotations

import random
import re
from collections import Counter
from typing import Any

import pytest
from rich.cells import cell_len
from textual.app import App, ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.geometry import Region
from textual.screen import Screen
from textual.scrollbar import ScrollBar
from textual.widget import Widget
from textual.widgets import Static

from chatapp.tui.app import ChatApp
from chatapp.tui.painting import Painter
from chatapp.tui.widgets.bar import QuickBar
from chatapp.tui.widgets.header import Header
from chatapp.tui.widgets.still import Still, StillVertical
from tests.scripted import Reply
from tests.tui.conftest import Chat, Open
from tests.tui.test_growing import REPLIES

_PARTS = re.compile(r"\x1b\[(\d+);(\d+)H|\x1b\[([\d;]*)m|\x1b\]8;.*?\x1b\\|(\n)|(.)", re.S)
_INK = re.compile(r"(?:^|;)(?:3[0-7]|9[0-7]|38;5;\d+|38;2;\d+;\d+;\d+)(?=;|$)")
"""The colour of letters, which a space does not show."""


class Grid:
    """A terminal: what stands in each cell, and how it looks."""

    def __init__(self) -> None:
        self.cells: dict[tuple[int, int], tuple[str, str]] = {}

    def write(self, data: str, x: int = 0, y: int = 0) -> None:
        look = ""
        for line, column, style, newline, text in _PARTS.findall(data):
            if line:
                x, y = int(column) - 1, int(line) - 1
            elif text:
                self.cells[x, y] = (text, _INK.sub("", look).strip(";") if text == " " else look)
                x += cell_len(text)
            elif not newline:
                look = "" if style == "0" else style


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Grid:
    """What the app has painted so far."""
    grid = Grid()

    def display(app: ChatApp, screen: Screen[Any], update: Any) -> None:
        if update is not None:
            grid.write(update.render_segments(app.console))

    monkeypatch.setattr(ChatApp, "_display", display)
    return grid


def waiting(screen: Screen[Any]) -> bool:
    """Whether something of it is still to be laid out or painted."""
    asked = screen._layout_required or screen._dirty_widgets or screen._callbacks
    return bool(asked) or any(
        one._repaint_required or one._refresh_styles_required or one._recompose_required
        for one in (screen, *screen.walk_children(Widget))
    )


async def same(chat: Chat, terminal: Grid) -> None:
    """The terminal shows what Textual makes of the whole screen, once all is painted."""
    await chat.pilot.pause(0.05)
    await chat.until(lambda: not waiting(chat.app.screen), "painted")
    for widget in chat.app.screen.walk_children(Widget):
        widget._styles_cache.clear()  # nothing that was drawn before
        widget._dirty_regions.add(widget.size.region)
    whole = Grid()
    for y, strip in enumerate(chat.app.screen._compositor.render_strips()):
        whole.write(strip.render(chat.app.console), y=y)
    differ = [at for at, cell in whole.cells.items() if terminal.cells.get(at) != cell]
    assert not differ, [(at, terminal.cells.get(at), whole.cells[at]) for at in differ[:5]]


@pytest.mark.parametrize("size", [(120, 40), (60, 16)])
async def test_the_terminal_shows_the_whole_screen_at_any_time(
    chatting: Open, terminal: Grid, size: tuple[int, int]
) -> None:
    text = "\n\n".join([*REPLIES.values(), "界 wide ⇥ and **bold** words " * 30, "The end."])
    async with chatting(size=size) as chat:
        assert isinstance(chat.screen._compositor, Painter)
        await chat.say("A question\nof two lines")
        await same(chat, terminal)
        view = chat.screen.session.pane.view_of(chat.nodes[-1])
        assert view is not None
        source, at = random.Random(1), 0
        while at < len(text):
            length = source.choice((3, 20, 90))
            chat.nodes[-1].content += text[at : at + length]
            await view.write(text[at : at + length])
            at += length
            if source.random() < 0.5:
                await same(chat, terminal)
        await view.finish()
        await same(chat, terminal)
        for key in ("f2", "pageup", "pagedown", "x", "f2", "ctrl+n"):
            await chat.press(key)
            await same(chat, terminal)
        chat.app.theme = "textual-light"
        await same(chat, terminal)


async def test_a_growing_reply_is_counted_once_a_second(
    chatting: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with chatting() as chat:
        await chat.say("Hi")
        counted: list[int] = []
        monkeypatch.setattr(chat.screen.count, "changed", lambda: counted.append(1))
        chat.screen.session.begun, chat.screen._ticks = True, 0
        for _ in range(12):  # three seconds
            chat.screen._tick()
        assert len(counted) == 3


async def test_the_same_request_is_not_painted_again(chatting: Open) -> None:
    async with chatting() as chat:
        await chat.say("Hi")
        view = chat.screen.context_view
        await chat.sees("what the model receives")
        await chat.pilot.pause(0.1)
        view.show(view.shown)
        assert not any(widget._repaint_regions for widget in view.walk_children(Widget))
        assert not view._repaint_regions
        view.show_depth("tokens")
        assert view._repaint_regions or any(w._repaint_regions for w in view.walk_children(Widget))


class Stack(Screen[None]):
    """Lines one above the other, in three frames."""

    def __init__(self) -> None:
        super().__init__()
        self._compositor = Painter()

    def compose(self) -> ComposeResult:
        with Vertical(), Vertical(), Vertical():
            for n in range(20):
                yield Static(f"line {n}")


async def test_only_what_changed_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    app: App[None] = App()
    async with app.run_test(size=(40, 20)) as pilot:
        await app.push_screen(Stack())
        await pilot.pause()
        drawn: Counter[str] = Counter()
        once = Widget.render_lines

        def render_lines(widget: Widget, crop: Region) -> Any:
            drawn[str(widget.render())] += crop.height
            return once(widget, crop)

        monkeypatch.setattr(Widget, "render_lines", render_lines)
        lines = list(app.screen.query(Static))
        lines[0].update("first", layout=False)
        lines[19].update("last", layout=False)
        await pilot.pause(0.1)
        assert drawn == {"first": 1, "last": 1}


async def test_what_is_out_of_sight_can_change_without_finding_all_places_anew() -> None:
    app: App[None] = App()
    async with app.run_test(size=(40, 20)) as pilot:
        screen = Stack()
        await app.push_screen(screen)
        await pilot.pause(0.1)
        painter, far = screen._compositor, list(screen.query(Static))[-1]
        painter.full_map  # noqa: B018 (found on demand)
        screen.query(Vertical).last().styles.height = 1
        await pilot.pause(0.1)
        assert far not in painter.visible_widgets
        far.update("changed", layout=False)
        await pilot.pause(0.1)
        assert not painter._full_map_invalidated
        screen.query(Vertical).last().styles.height = "1fr"
        await pilot.pause(0.1)
        assert "changed" in "".join(line.text for line in painter.render_strips())
        painter.update_widgets({Static("new")})
        assert painter._full_map_invalidated


async def test_a_key_is_painted_at_once_where_it_has_room(
    chatting: Open, terminal: Grid, monkeypatch: pytest.MonkeyPatch
) -> None:
    def painted(letter: str) -> bool:
        return any(cell == letter for cell, _ in terminal.cells.values())

    async with chatting() as chat:
        await chat.sees("Nothing has been said here")
        await chat.pilot.pause(0.1)
        monkeypatch.setattr(chat.screen._update_timer, "_callback", lambda: None)
        monkeypatch.setattr(chat.screen, "_on_timer_update", lambda: None)
        await chat.press("ж")
        await chat.until(lambda: painted("ж"), "painted, though no frame was due")
        # A line for which room has to be made comes with the next layout.
        await chat.press("ctrl+j", "я")
        await chat.until(lambda: chat.draft == "ж\nя")
        await chat.pilot.pause(0.1)
        assert not painted("я")


async def test_part_of_a_line_is_painted(chatting: Open, terminal: Grid) -> None:
    async with chatting(Reply(("some words " * 9,)), size=(60, 20)) as chat:
        await chat.say("Hi")
        await same(chat, terminal)
        for part in (Region(0, 0, 4, 1), Region(5, 0, 7, 1), Region(50, 0, 9, 1)):
            region = chat.screen.query_one(Header).region
            before = dict(terminal.cells)
            for x in range(part.x, part.right):
                terminal.cells.pop((region.x + x, region.y))
            chat.screen.query_one(Header).refresh(part)
            await chat.pilot.pause(0.1)
            assert terminal.cells == before


class Tall(Still, Static):
    """Text of which not all may be seen."""


class Texts(App[None]):
    CSS = "Tall { height: 1fr; }"

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Tall("one\ntwo\nthree")


async def test_text_that_gets_more_room_is_drawn_anew() -> None:
    app = Texts()
    async with app.run_test(size=(20, 6)) as pilot:
        around = app.query_one(Vertical)
        for height in (1, 3):
            around.styles.height = height
            await pilot.pause(0.1)
        lines = app.screen._compositor.render_strips()
        assert [line.text.strip() for line in lines[:3]] == ["one", "two", "three"]


class Framed(App[None]):
    CSS = "StillVertical { height: auto; border: round red; } Static { height: 1; }"

    def compose(self) -> ComposeResult:
        with StillVertical():
            yield Static("one\ntwo\nthree")


async def test_the_frame_of_what_grows_grows_with_it() -> None:
    app = Framed()
    async with app.run_test(size=(20, 8)) as pilot:
        await pilot.pause()
        app.query_one(Static).styles.height = 3
        await pilot.pause(0.1)
        lines = [line.text for line in app.screen._compositor.render_strips()]
        assert [line[:4] for line in lines[:5]] == ["╭───", "│one", "│two", "│thr", "╰───"]


class Bars(App[None]):
    CSS = "VerticalScroll { height: 11; scrollbar-size-vertical: 1; } Static { height: 67; }"

    def compose(self) -> ComposeResult:
        yield VerticalScroll(Static())


async def test_a_scrollbar_looks_as_textuals() -> None:
    app = Bars()
    async with app.run_test(size=(30, 12)) as pilot:
        pane = app.query_one(VerticalScroll)
        theirs = pane.vertical_scrollbar
        seen = set()
        for y in range(57):
            pane.scroll_to(y=y, animate=False)
            await pilot.pause()
            lines = ScrollBar.render_lines(theirs, theirs.size.region)
            assert QuickBar.render_lines(theirs, theirs.size.region) == lines  # type: ignore[arg-type]
            assert QuickBar.render_lines(theirs, Region(0, 3, 1, 4)) == lines[3:7]  # type: ignore[arg-type]
            seen.add("".join(line.text for line in lines))
        assert len(seen) > 5


async def test_a_conversation_has_such_a_scrollbar(chatting: Open) -> None:
    async with chatting(Reply(("a long answer " * 200,)), size=(80, 24)) as chat:
        await chat.say("Hi")
        pane = chat.screen.session.pane
        assert pane.show_vertical_scrollbar
        assert isinstance(pane.vertical_scrollbar, QuickBar)
