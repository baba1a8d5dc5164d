"""Choosing messages and taking their text along."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from chatapp.tui import clipboard
from tests.scripted import Reply
from tests.tui.conftest import Open


async def test_copy_takes_the_last_reply_or_the_selected_message(chatting: Open) -> None:
    async with chatting(Reply(("**bold** answer",))) as chat:
        await chat.press("f8")
        await chat.sees("nothing to copy")
        await chat.say("my question")
        await chat.press("f8")
        await chat.until(lambda: chat.app.clipboard == "**bold** answer", "the reply")
        await chat.press("ctrl+up", "ctrl+up", "f8")
        await chat.until(lambda: chat.app.clipboard == "my question", "the question")
        await chat.press("ctrl+c")
        chat.screen.action_copy_all()
        await chat.until(
            lambda: chat.app.clipboard == "you: my question\n\nmodel: **bold** answer", "all"
        )


async def test_selecting_by_key_and_letting_go(chatting: Open) -> None:
    async with chatting() as chat:
        await chat.say("one")
        pane = chat.screen.session.pane
        await chat.press("ctrl+up")
        await chat.sees("▸ model", "[ copy ]  [ correct ]  [ answer again ]")
        await chat.press("ctrl+up")
        await chat.sees("▸ you", "[ edit and send again ]")
        await chat.press("ctrl+down", "ctrl+down")
        assert pane.selected is None
        await chat.press("ctrl+up", "escape")
        assert pane.selected is None


async def test_plain_keys_work_in_the_conversation(chatting: Open) -> None:
    async with chatting(Reply(("first",)), Reply(("second",))) as chat:
        await chat.say("one")
        chat.screen.session.pane.focus()
        await chat.press("up", "r")
        await chat.until(lambda: len(chat.engine.requests) == 2, "asked again")
        await chat.done()
        await chat.press("left")
        await chat.sees("answer 1 of 2")
        await chat.press("c")
        await chat.until(lambda: chat.app.clipboard == "first", "copied")
        await chat.press("enter", "x")
        assert chat.draft == "x"


async def test_a_click_selects_and_its_buttons_act(chatting: Open) -> None:
    async with chatting() as chat:
        await chat.say("one")
        await chat.pilot.click("MessageView.-assistant .body, MessageView.-assistant ReplyMarkdown")
        await chat.sees("▸ model", "[ answer again ]")
        node = chat.nodes[-1]
        await chat.screen.action_here("copy", id(node))
        await chat.until(lambda: chat.app.clipboard == "ok", "copied")


def program(folder: Path, name: str, body: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


@pytest.fixture
def desktop(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}/bin{os.pathsep}/usr/bin")
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-0")
    monkeypatch.setattr(clipboard.sys, "platform", "linux")
    return tmp_path


async def test_a_clipboard_program_gets_the_text(desktop: Path) -> None:
    program(desktop, "wl-copy", f"cat > {desktop}/got")
    assert await clipboard.copy("héllo\n")
    assert (desktop / "got").read_text("utf-8") == "héllo\n"


async def test_a_failing_program_is_quiet_but_told(desktop: Path) -> None:
    program(desktop, "wl-copy", "exit 1")
    assert not await clipboard.copy("x")


async def test_without_a_program_the_terminal_alone_is_asked(chatting: Open) -> None:
    async with chatting() as chat:
        await chat.say("one")
        await chat.press("f8")
        await chat.sees("handed to the terminal")


async def test_the_request_can_be_taken_along_and_checked(chatting: Open) -> None:
    async with chatting() as chat:
        await chat.say("one")
        facts = chat.talk.turns[-1]
        assert facts.prompt is not None
        whole = {
            "prompt": facts.prompt.text,
            "tokens": json.dumps(list(facts.prompt.tokens), separators=(",", ":")),
            "messages": json.dumps(facts.request.as_dict(), separators=(",", ":")),
        }
        for depth, expected in whole.items():
            chat.screen.action_show_depth(depth)  # type: ignore[arg-type]
            chat.screen.action_copy_request()
            await chat.until(lambda text=expected: chat.app.clipboard == text, depth)
