"""The audience's view of the real screen: what is seen, what is kept back, what it costs."""

from __future__ import annotations

import asyncio
import xml.etree.ElementTree as ET

import aiohttp
import pytest
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from chatapp.cli.main import main
from chatapp.context.parts import Part
from chatapp.showing.access import Door
from chatapp.tui.dialogs.audience import AudienceDialog
from chatapp.tui.dialogs.correct import CorrectDialog
from chatapp.tui.picture import blanked, draw
from tests.scripted import Reply


def words(svg: str) -> str:
    """The text of a picture; it has to be XML that a strict parser reads."""
    root = ET.fromstring(svg)
    lines = (text.text or "" for text in root.iter("{http://www.w3.org/2000/svg}text"))
    return " ".join(lines).replace("\xa0", " ")


async def opened(chat) -> str:
    """Open the view; its link."""
    await chat.screen.run_action("screen.audience")
    await chat.until(lambda: isinstance(chat.app.screen, AudienceDialog), "the dialog")
    await chat.sees("http://127.0.0.1:")
    return chat.screen._audience.door.link


async def seen(session: aiohttp.ClientSession, link: str, after: int = 0) -> tuple[int, str]:
    async with session.get(f"{link}screen?after={after}") as answer:
        assert answer.status == 200
        return int(answer.headers["X-Screen"]), words(await answer.text())


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_the_audience_sees_the_screen_and_its_changes(chatting, size):
    async with chatting(Reply(["It is <b>Istanbul</b> & more."]), size=size) as chat:
        link = await opened(chat)
        await chat.press("escape")
        async with aiohttp.ClientSession() as session:
            number, text = await seen(session, link)
            assert "Nothing has been said here" in text
            await chat.say("The capital of Turkey?")
            while "<b>Istanbul</b> & more." not in text:
                number, text = await seen(session, link, number)
            assert "The capital of Turkey?" in text


async def test_while_nobody_looks_nothing_is_drawn(chatting, monkeypatch):
    drawn: list[int] = []
    monkeypatch.setattr("chatapp.tui.picture.draw", lambda *_: drawn.append(1) or "<svg/>")
    async with chatting(Reply(["Istanbul."])) as chat:
        await opened(chat)
        await chat.press("escape")
        await chat.say("The capital of Turkey?")
        assert chat.screen.drawn > 5
        assert not drawn


async def test_the_cursor_stands_still_while_a_reply_streams_or_an_audience_looks(chatting):
    go = asyncio.Event()
    async with chatting(Reply(["Fine."], go=go), Reply(["Fine."])) as chat:
        composer = chat.screen.composer
        await chat.send("one")
        assert not composer.cursor_blink
        await chat.screen.run_action("screen.new_session")
        assert not composer.cursor_blink
        go.set()
        await chat.until(lambda: composer.cursor_blink, "blinking again")
        await opened(chat)
        assert not composer.cursor_blink
        await chat.press("escape")
        await chat.say("two")
        assert not composer.cursor_blink
        await chat.screen.close_audience()
        assert composer.cursor_blink


async def test_there_is_no_picture_of_a_screen_that_is_going(chatting, monkeypatch):
    async with chatting() as chat:
        chat.screen.hide_typing = True
        assert chat.screen._look() is not None
        await chat.screen.composer.remove()
        monkeypatch.setattr(chat.app, "_running", False)  # as Textual does before widgets go
        assert chat.screen._look() is None
        monkeypatch.undo()


async def test_what_is_typed_can_be_kept_back_until_it_is_sent(chatting):
    async with chatting(Reply(["Fine."])) as chat:
        link = await opened(chat)
        await chat.press("up", "shift+tab")
        check = chat.app.screen.query_one("#check")
        check.focus()
        await chat.press("space", "escape")
        await chat.until(lambda: chat.app.screen is chat.screen, "the dialog gone")
        await chat.write("geheim")
        await chat.sees("geheim")
        await chat.until(lambda: chat.text.count("geheim") == 2, "counted, and shown as a request")
        async with aiohttp.ClientSession() as session:
            number, text = await seen(session, link)
            assert "geheim" not in text
            assert "your message" in text
            await chat.screen.run_action("screen.help")  # a dialog in front
            number, text = await seen(session, link, number)
            assert "geheim" not in text
            assert "Help" in text
            await chat.press("escape")
            await chat.press("enter")
            await chat.done()
            while "Fine." not in text:
                number, text = await seen(session, link, number)
            assert "geheim" in text
            chat.screen.composer.attached = (Part("paste", "verborgen"),)
            await chat.until(lambda: "verborgen" in chat.text, "shown as a request")
            number, text = await seen(session, link)
            assert "verborgen" not in text


async def test_what_stands_in_the_fields_of_dialogs_is_kept_back_as_well(chatting, tmp_path):
    async with chatting(Reply(["It is Istanbul."]), notes=tmp_path / "notes.toml") as chat:
        link = await opened(chat)
        await chat.press("escape")
        await chat.say("The capital?")
        async with aiohttp.ClientSession() as session:
            for hidden in (False, True):
                chat.screen.hide_typing = hidden
                await chat.screen.run_action("screen.correct")
                await chat.until(lambda: isinstance(chat.app.screen, CorrectDialog), "the dialog")
                await chat.pilot.pause()
                await chat.press(*"Ankara")
                await chat.until(lambda: chat.text.count("Ankara") > 1, "typed, and as a message")
                chat.screen.drawn += 1
                _, text = await seen(session, link)
                assert ("Ankara" in text) != hidden
                # What was said already is no secret; a dialog in front keeps it hidden too.
                assert "The capital?" in text
                await chat.screen.run_action("screen.help")
                await chat.pilot.pause()
                chat.screen.drawn += 1
                _, text = await seen(session, link)
                assert "Ankara" not in text or not hidden
                while chat.app.screen is not chat.screen:
                    await chat.press("escape")
                    await chat.pilot.pause()


async def test_closing_the_view_ends_the_link_and_another_can_be_opened(chatting):
    async with chatting() as chat:
        link = await opened(chat)
        await chat.app.screen.run_action("screen.end('stop')")
        await chat.until(lambda: chat.screen._audience is None, "closed")
        async with aiohttp.ClientSession() as session:
            with pytest.raises(aiohttp.ClientError):
                await session.get(link)
        assert await opened(chat) != link


async def test_the_option_opens_it_at_once_and_the_end_of_the_chat_closes_it(chatting):
    door = Door.open()
    async with chatting(audience=door) as chat:
        await chat.until(lambda: isinstance(chat.app.screen, AudienceDialog), "the dialog")
        await chat.sees(door.link[:40])
        async with aiohttp.ClientSession() as session, session.get(door.link) as answer:
            assert answer.status == 200
    assert door.closed


def test_a_port_that_is_none_is_refused(capsys):
    with pytest.raises(SystemExit):
        main(["--audience", "70000"])
    assert "must be a port" in capsys.readouterr().err


def test_a_picture_is_xml_whatever_was_said():
    style = Style(color="red", bgcolor="black", bold=True)
    strips = [Strip([Segment("a<b>&\"'", style), Segment("  ü 猫 ")]), Strip([Segment("]]>")])]
    svg = draw(strips, 20, 2)
    assert "a<b>&\"'" in words(svg)
    assert "]]>" in words(svg)
    assert "http" not in svg.replace("http://www.w3.org/2000/svg", "")
    assert "script" not in svg


def test_a_blanked_part_keeps_the_rest_in_place():
    strip = Strip([Segment("ab"), Segment("cd猫e")])
    assert blanked(strip, 1, 4).text == "a   猫e"
    assert blanked(strip, 0, 99).text == " " * 7
