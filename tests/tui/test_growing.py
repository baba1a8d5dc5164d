"""A reply that grows piece by piece shows what it would if it had come at once."""

from __future__ import annotations

import random
from types import SimpleNamespace

import pytest
from textual.app import App, ComposeResult
from textual.containers import VerticalScroll
from textual.screen import Screen

from chatapp.tui.widgets import growing
from chatapp.tui.widgets.growing import GrowingParagraph
from chatapp.tui.widgets.markdown import ReplyMarkdown

REPLIES = {
    "paragraphs": "One **bold** and _other_ word.\nStill the first.\n\nThe `second`, longer " * 4,
    "lists": "Some:\n\n- one\n- two, which\n  goes on\n  - deeper\n  - still\n- three\n\n"
    "1. first\n2. second\n\n   with a paragraph\n10. tenth\n\nEnd.",
    "loose": "- one\n\n- two\n\n- three\n",
    "code": "Look:\n\n```python\ndef f(x):\n\n    return x\n```\n\nand ~~~ none\n\n    indented\n",
    "table": "| a | b |\n| - | - |\n| 1 | 2 |\n| 3 | 4 |\n\nafter",
    "headings": "# One\n\ntext\n\nTwo\n===\n\n> quoted\n> more\n>\n> - item\n\n---\n\nend",
    "late link": "See [this] and that.\n\nMore.\n\n[this]: http://example.org\n",
    "line ends": "one\r\ntwo\r\n\r\nthree\rfour\x0bfive\u2028six",
    "becomes a heading": "A line\n\nAnother line\n-",
    "nothing": "\n\n",
}


class Shown(App[None]):
    def __init__(self, text: str = "") -> None:
        super().__init__()
        self.reply = ReplyMarkdown(text)

    def compose(self) -> ComposeResult:
        with VerticalScroll():
            yield self.reply

    def lines(self) -> list[str]:
        return [
            "".join(segment.text for segment in strip).rstrip()
            for strip in self.screen._compositor.render_strips()
        ]


async def at_once(text: str) -> list[str]:
    app = Shown(text)
    async with app.run_test(size=(40, 60)) as pilot:
        await pilot.pause()
        return app.lines()


@pytest.mark.parametrize("name", REPLIES)
@pytest.mark.parametrize("seed", range(3))
async def test_in_the_end_all_is_shown_as_if_it_had_come_at_once(name: str, seed: int) -> None:
    text, source = REPLIES[name], random.Random(seed)
    app = Shown()
    async with app.run_test(size=(40, 60)) as pilot:
        at = 0
        while at < len(text):
            size = source.choice((1, 2, 5, 17))
            await app.reply.grow(text[at : at + size])
            await pilot.pause()
            at += size
        assert app.reply.source == text
        await app.reply.settle(text)
        await pilot.pause()
        assert app.lines() == await at_once(text)


async def test_what_is_shown_stays_when_the_reply_ends() -> None:
    text = REPLIES["paragraphs"] + "\n\n" + REPLIES["lists"]
    app = Shown()
    async with app.run_test(size=(40, 60)) as pilot:
        for at in range(0, len(text), 9):
            await app.reply.grow(text[at : at + 9])
        await pilot.pause()
        before = list(app.reply.walk_children())
        await app.reply.settle(text)
        assert list(app.reply.walk_children()) == before


async def test_words_that_fit_need_no_layout(monkeypatch: pytest.MonkeyPatch) -> None:
    app = Shown()
    async with app.run_test(size=(80, 24)) as pilot:
        await app.reply.grow("The first words")
        await pilot.pause(0.2)
        laid_out = []
        once = Screen._refresh_layout
        monkeypatch.setattr(
            Screen, "_refresh_layout", lambda *a, **k: (laid_out.append(1), once(*a, **k))
        )
        for word in (" of", " a", " line", " that", " **fits**"):
            await app.reply.grow(word)
            await pilot.pause()
        assert laid_out == []
        assert app.lines()[0].lstrip().startswith("The first words of a line that fits")
        await app.reply.grow(" until it does not fit any more" * 3)
        await pilot.pause()
        assert laid_out


async def test_reserved_lines_are_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1.0]
    monkeypatch.setattr(growing, "time", SimpleNamespace(monotonic=lambda: now[0]))
    app = Shown()
    async with app.run_test(size=(20, 30)) as pilot:

        async def add(text: str) -> tuple[int, int]:
            """The paragraph's height, and how many lines of it are used."""
            now[0] += 0.1
            await app.reply.grow(text)
            await pilot.pause(0.1)
            first = app.reply.query(GrowingParagraph).first()
            return first.size.height, first.visual.get_height(first.styles, first.size.width)

        await add("words")
        height, used = await add(" that wrap and wrap and wrap")
        assert height > used > 1
        height, used = await add("\n\nnext")
        assert height == used
        await add(" line that wraps and wraps and wraps")
        await app.reply.settle(app.reply.source)
        await pilot.pause(0.1)
        for each in app.reply.query(GrowingParagraph):
            assert each.size.height == each.visual.get_height(each.styles, each.size.width)
