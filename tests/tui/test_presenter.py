"""Presenter mode: few panels, much air, high contrast; nothing else changes."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.color import Color

from chatapp.cli.chat import Wiring
from chatapp.cli.showing import showing_from
from chatapp.home.paths import find_home
from chatapp.home.settings import AppSettings, load_settings
from chatapp.tui.app import ChatApp
from chatapp.tui.contrast import CONTRAST, contrast_for
from chatapp.tui.dialogs.help_text import load_help, matches
from chatapp.tui.widgets.context_view import ContextView
from chatapp.tui.widgets.meter import Meter
from tests.scripted import Reply


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (40, 20), (30, 10)])
async def test_the_screen_is_roomy_and_says_its_keys(chatting, size):
    async with chatting(Reply(["It is Istanbul."]), size=size, presenter=True) as chat:
        await chat.say("What is the capital of Turkey?")
        await chat.sees("tokens sent", "F1")
        assert chat.screen.query_one(Meter).size.height == 1
        assert not chat.screen.query_one(ContextView).display
        if size[0] >= 80:
            await chat.sees(" you ", " model ", "turn 1: ", "^N", "new session", "F2")
            # Not the numbers that only one person at a desk can read.
            await chat.sees_not("tokens/s")
            at = next(n for n, line in enumerate(chat.lines) if " model " in line)
            assert not chat.lines[at - 1].strip(" │▎█"), "a blank line above each message"


async def test_what_is_sent_is_one_key_away(chatting):
    for size in [(80, 24), (120, 40)]:
        async with chatting(Reply(["Istanbul."]), size=size, presenter=True) as chat:
            await chat.say("The capital?")
            await chat.press("f2")
            await chat.sees("what the model receives")
            await chat.press("f2")
            await chat.sees_not("what the model receives")


async def test_the_command_switches_it_on_and_off_and_keeps_it(chatting):
    kept: list[bool] = []
    async with chatting(
        Reply(["Istanbul."]), keep_presenter=kept.append, theme="textual-light"
    ) as chat:
        await chat.say("The capital?")
        await chat.sees("what the model receives")
        before = chat.lines
        await chat.screen.run_action("screen.presenter")
        await chat.sees_not("what the model receives")
        assert chat.app.theme == "contrast-light"
        assert any("Ctrl and +" in note.message for note in chat.app._notifications)
        await chat.screen.run_action("screen.presenter")
        await chat.sees("what the model receives")
        assert chat.app.theme == "textual-light"
        chat.app.clear_notifications()
        await chat.until(lambda: chat.lines == before, "the same screen as before")
        assert kept == [True, False]
        # What presenter mode brings with it is not a theme that somebody chose.
        assert "contrast-light" not in chat.kept


def _luminance(color: Color) -> float:
    def part(value: int) -> float:
        share = value / 255
        return share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4

    return 0.2126 * part(color.r) + 0.7152 * part(color.g) + 0.0722 * part(color.b)


@pytest.mark.parametrize("theme", CONTRAST, ids=lambda theme: theme.name)
def test_every_colour_of_the_themes_reads_on_their_ground(theme):
    """WCAG 2.2, level AAA: a contrast of 7 to 1 for text."""
    ground = _luminance(Color.parse(theme.background))
    for name in ("foreground", "primary", "accent", "success", "warning", "error"):
        ink = _luminance(Color.parse(getattr(theme, name)))
        ratio = (max(ink, ground) + 0.05) / (min(ink, ground) + 0.05)
        assert ratio >= 7, f"{theme.name} {name}: {ratio:.1f}"
    assert contrast_for(theme) == theme.name


def test_help_says_how_letters_get_larger():
    [entry] = [one for one in load_help() if one.term == "larger letters"]
    assert matches(entry, "presenter")
    assert "Ctrl and +" in entry.text


def test_the_setting_and_the_option_reach_the_screen(tmp_path: Path):
    home = find_home(str(tmp_path), {}, tmp_path)
    home.ensure()
    wiring = Wiring(home, AppSettings())
    assert not wiring.given("m").presenter
    wiring.keep_presenter(True)
    stored = load_settings(home.settings_file)
    assert stored.presenter
    assert Wiring(home, stored).given("m").presenter

    class Args:
        presenter: bool | None = None

    assert showing_from(Args(), stored).presenter  # type: ignore[arg-type]
    Args.presenter = False
    assert not showing_from(Args(), stored).presenter  # type: ignore[arg-type]
    assert ChatApp(Wiring(home, stored).given("m")).given.presenter
