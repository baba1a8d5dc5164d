"""The screen at its sizes, without colour, in its themes; the view of what is sent; the meter."""

from __future__ import annotations

import asyncio

import pytest

from chatapp.context.budget import Budget
from chatapp.engine.wire import encode
from chatapp.tui.commands import COMMANDS, key_name
from chatapp.tui.widgets.meter import Meter
from tests.scripted import Reply, ScriptedEngine
from tests.tui.conftest import Chat, Open

SIZES = [(40, 20), (80, 24), (120, 40)]


def nothing_overlaps(chat: Chat) -> None:
    """The parts lie one under another and inside the screen."""
    parts = [
        chat.screen.query_one(name).region
        for name in ("Header", "#main", "Meter", "Composer", "KeyBar")
    ]
    bottoms = [region.bottom for region in parts]
    assert [region.y for region in parts] == [0, *bottoms[:-1]]
    assert bottoms[-1] == chat.app.size.height
    assert all(region.height > 0 for region in parts)


@pytest.mark.parametrize("size", SIZES)
async def test_everything_needed_is_in_sight(chatting: Open, size: tuple[int, int]) -> None:
    async with chatting(size=size) as chat:
        await chat.say("hello")
        nothing_overlaps(chat)
        await chat.sees("ready", "log: off", "sent", "your message", "F2", "F1 help", "^N")
        await chat.sees("template", "draft", "free")
        assert all(len(line) <= size[0] for line in chat.lines)


async def test_side_by_side_from_100_columns(chatting: Open) -> None:
    async with chatting(size=(100, 30)) as chat:
        await chat.say("hello")
        await chat.sees("conversation", "what the model receives")
        await chat.press("f2")
        await chat.sees_not("what the model receives")
        await chat.press("f2")
        await chat.sees("what the model receives")


async def test_one_key_apart_at_80_columns(chatting: Open) -> None:
    async with chatting(size=(80, 24)) as chat:
        await chat.say("hello")
        assert "what the model receives" not in chat.text
        await chat.press("f2")
        await chat.sees("what the model receives", "<|im_start|>", "You are a helpful assistant.")
        nothing_overlaps(chat)
        await chat.press("escape")
        await chat.sees_not("what the model receives")


async def test_three_depths_of_the_same_request(chatting: Open) -> None:
    async with chatting() as chat:
        await chat.say("hello")
        shown = chat.screen.context_view.shown
        assert shown is not None
        assert shown.prompt is not None
        await chat.sees("PROMPT", "<|im_start|>system↵")
        await chat.press("f6")
        await chat.sees("TOKENS", f"<|im_start|> {shown.prompt.tokens[0]}")
        await chat.press("f6")
        await chat.sees("MESSAGES", '{"type":"generate","messages":[', '"content":"hello"')
        assert chat.screen.context_view.shown is shown


async def test_new_and_again_are_told_in_words(chatting: Open) -> None:
    async with chatting() as chat:
        await chat.say("first words")
        await chat.say("second words")
        shown = [line for line in chat.lines if "words" in line]
        right = [line[60:] for line in shown]
        assert any("= you" in line and "again" in line and "first" in line for line in right)
        assert any("+ you" in line and "NEW" in line and "second" in line for line in right)


async def test_the_title_tells_turn_bytes_and_tokens(chatting: Open) -> None:
    async with chatting() as chat:
        await chat.say("hello")
        shown = chat.screen.context_view.shown
        assert shown is not None
        facts = chat.talk.turns[-1]
        size = len(encode(facts.request.as_dict())) - 1
        await chat.sees(f"turn 1, as sent · {size} bytes · {facts.tokens_sent} tokens")
        assert shown.prompt is facts.prompt


async def test_before_the_first_turn_it_shows_what_would_be_sent(chatting: Open) -> None:
    async with chatting(system="Be brief.") as chat:
        await chat.sees("would receive", "Be brief.")
        await chat.write("my draft")
        await chat.sees("not sent yet")
        await chat.until(lambda: any("my draft" in line[60:] for line in chat.lines), "the draft")
        assert not chat.engine.requests


async def test_the_view_makes_nothing_while_it_is_hidden(chatting: Open) -> None:
    async with chatting(size=(80, 24)) as chat:
        await chat.say("hello")
        rows = chat.screen.query_one("_Rows")
        assert rows._rows == []  # type: ignore[attr-defined]
        await chat.press("f2")
        await chat.until(lambda: rows._rows, "rows")  # type: ignore[attr-defined]


async def test_resizing_in_the_middle_of_a_reply(chatting: Open) -> None:
    each = asyncio.Semaphore(2)
    async with chatting(Reply(tuple("abcdefgh"), each=each), size=(120, 40)) as chat:
        await chat.send("hello")
        for size in [(40, 20), (80, 24), (200, 60), (40, 20), (120, 40)]:
            await chat.pilot.resize_terminal(*size)
            each.release()
            await chat.pilot.pause()
            nothing_overlaps(chat)
        for _ in range(8):
            each.release()
        await chat.done()
        await chat.sees("abcdefgh")


async def test_without_colour_all_is_told(chatting: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with chatting() as chat:
        assert chat.app.no_color
        await chat.say("one")
        await chat.say("two")
        await chat.press("ctrl+up")
        await chat.sees("▸ model", "again", "NEW", "= you", "+ you", "█ template", "▓ earlier")


async def test_themes_are_kept(chatting: Open) -> None:
    async with chatting(theme="textual-light") as chat:
        assert chat.app.theme == "textual-light"
        assert chat.kept == []
        chat.app.theme = "nord"
        await chat.until(lambda: chat.kept == ["nord"], "the theme kept")


async def test_the_meter_follows_the_keys_with_exact_numbers(chatting: Open) -> None:
    async with chatting() as chat:
        await chat.press(*"abc")
        budget = await chat.talk.budget("abc")
        assert budget is not None
        await chat.sees(f"draft {budget.draft}", f"template + system {budget.template}")
        await chat.sees(f"{budget.sent} of 2,048 tokens", f"free {budget.free:,}")


async def test_a_slow_count_is_said_to_be_under_way(
    chatting: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = asyncio.Event()

    async with chatting() as chat:
        await chat.sees("free 1,9")
        real = chat.talk.counter.prompt

        async def slow(*given: object, **more: object) -> object:
            await gate.wait()
            return await real(*given, **more)  # type: ignore[arg-type]

        monkeypatch.setattr(chat.talk.counter, "prompt", slow)
        await chat.press("x")
        await chat.sees("counting…")
        assert "free" not in chat.text
        gate.set()
        await chat.sees("draft 1")


async def test_a_message_being_answered_is_no_draft(chatting: Open) -> None:
    go = asyncio.Event()
    async with chatting(Reply(go=go)) as chat:
        await chat.send("hello there")
        await chat.sees("draft 0")
        go.set()
        await chat.done()


@pytest.mark.parametrize("width", [30, 38, 60, 80, 118])
def test_the_legend_always_names_every_part(width: int) -> None:
    meter = Meter()
    lines = meter._legend(Budget(2048, 22, 59, 17, 512), width)
    assert all(line.cell_length <= width for line in lines)
    text = " ".join(line.plain for line in lines)
    for name in ("template", "earlier", "draft", "reply", "free 1,438"):
        assert name in text


async def test_every_command_is_in_the_palette_and_works_without_a_model(chatting: Open) -> None:
    engine = ScriptedEngine(load=asyncio.Event())
    async with chatting(engine=engine, ready=False) as chat:
        names = [command.title for command in chat.app.get_system_commands(chat.screen)]
        for command in COMMANDS:
            key = f" ({key_name(command.keys)})" if command.keys else ""
            assert f"{command.title}{key}" in names
            if command.action not in ("help", "settings", "models", "sessions"):
                await chat.screen.run_action(f"screen.{command.action}")
                await chat.pilot.pause()
        assert chat.app.is_running


def test_no_key_has_two_meanings() -> None:
    keys = [command.keys for command in COMMANDS if command.keys]
    assert len(keys) == len(set(keys))


async def test_help_and_settings_open_by_key(chatting: Open) -> None:
    async with chatting() as chat:
        await chat.press("f1")
        await chat.until(lambda: chat.app.screen is not chat.screen, "help")
        await chat.press("escape")
        await chat.until(lambda: chat.app.screen is chat.screen, "the chat")
        await chat.press("f4")
        await chat.until(lambda: chat.app.screen is not chat.screen, "settings")
        await chat.press("escape")
