"""Nothing that people or models write is obeyed by the screen."""

from __future__ import annotations

import pytest

from chatapp.errors import EngineError
from tests.scripted import Reply, ScriptedEngine
from tests.tui.conftest import Open

MARKUP = "[bold]x[/bold] [/nope] [@click=app.quit]q[/] [$x]"


async def test_markup_is_text_everywhere(chatting: Open) -> None:
    failed = Reply(error=EngineError(MARKUP))
    async with chatting(Reply((MARKUP,)), failed, size=(160, 60), system=MARKUP) as chat:
        await chat.say(MARKUP)
        await chat.say("again")
        assert chat.text.count("[@click=app.quit]q[/]") >= 3
        await chat.press("ctrl+n")
        await chat.write(MARKUP)
        chat.screen.say(MARKUP)
        await chat.sees("[@click=app.quit]q[/]")


async def test_escape_sequences_never_reach_the_terminal(chatting: Open) -> None:
    evil = "a\x1b[2Jb\x1b]0;title\x07c\x9bd\x00e"
    async with chatting(Reply((evil, "\n\n```\n" + evil + "\n```\n"))) as chat:
        await chat.say("show " + evil)
        for depth in ("messages", "prompt", "tokens"):
            chat.screen.action_show_depth(depth)  # type: ignore[arg-type]
            await chat.pilot.pause()
            assert not set(chat.text) & {"\x1b", "\x07", "\x9b", "\x00"}
        await chat.sees("a␛[2Jb")
        # It is shown otherwise than it was said, but sent as it was said.
        await chat.say("next")
        assert evil in chat.engine.requests[-1].messages[1].content


HARD = {
    "html": ("<div>hidden?</div>\n\n<b>bold</b> & <script>alert(1)</script>", "<div>hidden?</div>"),
    "link": ("[bank](https://evil.example)", "bank (https://evil.example)"),
    "image": ("![cat](http://x.example/cat.png)", "http://x.example/cat.png"),
    "table": ("| a | b |\n|---|---|\n| [/x] | [b |\n", "[/x]"),
    "fence": ("```nosuchlanguage\n[/x]\n```", "[/x]"),
    "open fence": ("```python\nprint('[/x]')", "print('[/x]')"),
    "nested": ("> > > - 1. *a* **b** ~~c~~ `d[/]`", "d[/]"),
    "heading": ("# [h]\n\ntext", "[h]"),
    "emoji": ("👩‍👩‍👧‍👦 漢字 🇹🇷", "漢字"),
}


@pytest.mark.parametrize("name", HARD)
async def test_hard_markdown_is_shown(chatting: Open, name: str) -> None:
    text, expected = HARD[name]
    # A character at a time, as the worst stream does.
    async with chatting(Reply(tuple(text), pace=0.001)) as chat:
        await chat.say("go")
        await chat.sees(expected)
        assert chat.nodes[-1].content == text


async def test_a_table_cell_has_no_tooltip_that_reads_markup(chatting: Open) -> None:
    async with chatting(Reply(("| a |\n|---|\n| [/x] |\n",))) as chat:
        await chat.say("go")
        cells = chat.screen.query("MarkdownTableCellContents")
        assert cells
        assert all(cell.tooltip is None for cell in cells)


async def test_clicking_a_link_opens_nothing(
    chatting: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with chatting(Reply(("[bank](https://evil.example)",))) as chat:
        opened: list[str] = []
        monkeypatch.setattr(chat.app, "open_url", opened.append)
        await chat.say("go")
        await chat.pilot.click("ReplyMarkdown MarkdownParagraph", offset=(1, 0))
        await chat.sees("Links are not opened from here: https://evil.example")
        assert opened == []


async def test_a_failing_markdown_parser_loses_no_text(
    chatting: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RecursionError("too deep")

    monkeypatch.setattr("markdown_it.MarkdownIt.parse", broken)
    async with chatting(Reply(("a *b* ", "c"))) as chat:
        await chat.say("go")
        await chat.sees("a *b* c")


async def test_a_hostile_error_is_one_line(chatting: Open) -> None:
    error = EngineError("first\nsecond\x1b[2J")
    async with chatting(engine=ScriptedEngine(load_error=error), ready=False) as chat:
        await chat.sees("first second␛[2J")


async def test_a_reply_whose_growing_fails_is_shown_as_plain_text_to_its_end(
    chatting: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object) -> None:
        raise RecursionError("too deep")

    monkeypatch.setattr("chatapp.tui.widgets.markdown.ReplyMarkdown.grow", broken)
    async with chatting(Reply(("One", " two", " three"), pace=0.15)) as chat:
        await chat.say("Count")
        await chat.sees("One two three")
