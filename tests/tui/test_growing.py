"""A reply that grows piece by piece shows what it would if it had come at once."""

from __future__ import annotations

import random
from types import SimpleNamespace

import pytest
from textual.app import App, ComposeResult
from textual.containers import VerticalScroll
from textual.css.stylesheet import Stylesheet
from textual.screen import Screen
from textual.widgets import Markdown

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


def count_layouts(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """From now on: an item for each layout of the screen."""
    laid_out: list[int] = []
    once = Screen._refresh_layout
    monkeypatch.setattr(
        Screen, "_refresh_layout", lambda *a, **k: (laid_out.append(1), once(*a, **k))
    )
    return laid_out


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
        laid_out = count_layouts(monkeypatch)
        for word in (" of", " a", " line", " that", " **fits**"):
            await app.reply.grow(word)
            await pilot.pause()
        assert laid_out == []
        assert app.lines()[0].lstrip().startswith("The first words of a line that fits")
        await app.reply.grow(" until it does not fit any more" * 3)
        await pilot.pause()
        assert laid_out


PARAGRAPHS = " ".join(f"word{n}" for n in range(30)), "and some more words here " * 7


async def test_a_reply_is_laid_out_a_few_times_only(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1.0]
    monkeypatch.setattr(growing, "time", SimpleNamespace(monotonic=lambda: now[0]))
    app = Shown()
    async with app.run_test(size=(60, 40)) as pilot:
        await app.reply.grow("Begun.")
        await pilot.pause(0.1)
        laid_out = count_layouts(monkeypatch)
        text = "\n\n" + "\n\n".join(PARAGRAPHS * 3)
        for at in range(0, len(text), 50):
            now[0] += 0.1
            await app.reply.grow(text[at : at + 50])
            await pilot.pause(0.05)
        assert len(app.reply.children) == 7
        lines = sum(child.size.height for child in app.reply.children)
        assert lines > 20
        # Once for each paragraph, and once more where it is longer than what was reserved.
        assert len(laid_out) <= 12


@pytest.mark.parametrize("begun", ["", "Some words that were seen. " * 3])
async def test_a_reply_out_of_sight_needs_no_layout(
    begun: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = Shown()
    async with app.run_test(size=(40, 60)) as pilot:
        await app.reply.grow(begun)
        await pilot.pause()
        app.query_one(VerticalScroll).display = False
        await pilot.pause()
        await app.reply.grow("More.")
        await pilot.pause(0.1)
        laid_out = count_layouts(monkeypatch)
        for word in (f" word{n}" for n in range(40)):
            await app.reply.grow(word)
            await pilot.pause(0.01)
        assert len(laid_out) <= (8 if begun else 0)
        await app.reply.grow("\n\n- one\n- two")
        app.query_one(VerticalScroll).display = True
        await pilot.pause(0.1)
        await app.reply.settle(app.reply.source)
        await pilot.pause()
        assert app.lines() == await at_once(app.reply.source)


async def test_what_stands_is_not_drawn_or_styled_again(monkeypatch: pytest.MonkeyPatch) -> None:
    app = Shown()
    async with app.run_test(size=(60, 40)) as pilot:
        await app.reply.grow("\n\n".join(PARAGRAPHS) + " and words that make a second line " * 3)
        await pilot.pause(0.1)
        last = app.reply.query(GrowingParagraph).last()
        height = last.visual.get_height(last.styles, last.size.width)
        drawn: list[tuple[object, int]] = []
        once = GrowingParagraph.render_line
        monkeypatch.setattr(
            GrowingParagraph,
            "render_line",
            lambda self, y: (drawn.append((self, y)), once(self, y))[1],
        )
        await app.reply.grow(" x")
        await pilot.pause(0.1)
        assert drawn == [(last, height - 1)]
        styled: list[object] = []
        apply = Stylesheet.apply
        monkeypatch.setattr(
            Stylesheet, "apply", lambda *a, **k: (styled.append(a[1]), apply(*a, **k))
        )
        drawn.clear()
        await app.reply.grow("\n\nnew")
        await pilot.pause(0.1)
        new = app.reply.query(GrowingParagraph).last()
        assert styled == [new]
        assert {widget for widget, _ in drawn} == {new}


@pytest.mark.parametrize("text", ["one", "one\n\ntwo", "one\n\n# heading", "- item"])
async def test_below_the_last_block_there_is_no_space(text: str) -> None:
    app = Shown(text)
    async with app.run_test(size=(40, 30)) as pilot:
        await pilot.pause()
        last = app.reply.children[-1]
        assert last.styles.margin.bottom == 1
        assert app.reply.region.bottom == last.region.bottom


async def test_emphasis_and_code_look_as_in_other_markdown() -> None:
    text = "plain **strong** _em_ ~~gone~~ `code`"
    looks = []
    for kind in (ReplyMarkdown, Markdown):
        app = Shown()
        app.reply = kind(text)  # type: ignore[assignment]
        async with app.run_test(size=(60, 10)) as pilot:
            await pilot.pause(0.1)
            paragraph = app.screen.query("MarkdownParagraph").first()
            looks.append([(part.text, part.style) for part in paragraph.render_line(0)])
    assert looks[0] == looks[1]
    assert len({str(style) for _, style in looks[0]}) == 5


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
