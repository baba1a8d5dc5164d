"""The help: its keys are the real ones, its words are all there, typing searches."""

from __future__ import annotations

import re

import pytest
from textual.app import App
from textual.binding import Binding
from textual.widgets import Input

from chatapp.tui.commands import COMMANDS
from chatapp.tui.dialogs.help import HelpScreen
from chatapp.tui.dialogs.help_page import set_out
from chatapp.tui.dialogs.help_text import load_help, matches
from chatapp.tui.widgets.choice_view import ChoiceView
from chatapp.tui.widgets.composer import Composer
from chatapp.tui.widgets.context_view import ContextView
from chatapp.tui.widgets.conversation import ConversationPane

SIZES = [(80, 24), (40, 20)]
WORDS = """token, context window, prompt, chat template, control token, system prompt, prefill,
decode, logprob, temperature, top-k, top-p, min-p, repeat penalty, seed, reply reserve,
arithmetic cache, weights, GGUF, quantisation, base model, instruct model, training, fine-tuning,
probability, distribution, draw, cut, position"""


def bound(*owners: type) -> set[str]:
    keys = {
        key
        for owner in owners
        for binding in Binding.make_bindings(vars(owner)["BINDINGS"])
        for key in binding.key.split(",")
    }
    return {key for key in keys if key.strip("\r") != "shift+"}  # some terminals' Shift+Enter


def listed(*, everywhere: bool) -> set[str]:
    return {
        key
        for entry in load_help()
        for key in entry.keys
        if ("Tab goes there" not in entry.group) == everywhere
    }


def test_the_keys_are_the_real_ones_all_of_them():
    commands = {key for command in COMMANDS for key in command.keys.split(",") if key}
    palette = {App.COMMAND_PALETTE_BINDING}
    assert bound(App) >= {"ctrl+q"}
    assert listed(everywhere=True) == commands | bound(Composer) | palette | {"ctrl+q"}
    assert listed(everywhere=False) == bound(ContextView, ChoiceView, ConversationPane)


def test_no_key_is_listed_twice_for_the_same_place():
    places: dict[str, list[str]] = {}
    for entry in load_help():
        place = entry.group if "Tab goes there" in entry.group else "everywhere"
        places.setdefault(place, []).extend(entry.keys)
    assert len(places) == 4
    for place, keys in places.items():
        assert len(keys) == len(set(keys)), place


def test_every_word_is_explained():
    terms = {entry.term for entry in load_help() if entry.section == "words"}
    assert {word.strip() for word in WORDS.replace("\n", " ").split(",")} <= terms


def test_entries_are_short_and_say_nothing_untrue():
    for entry in load_help():
        sentences = re.findall(r"[.!?](?:\s|$)", entry.text)
        assert len(sentences) <= 3, entry.term
        assert len(entry.text) <= 260, entry.term
        assert not re.search(r"the model (remembers|learns from)|learns from you", entry.text)


def test_keys_say_what_they_do_once_each():
    shown = {entry.term: entry.text for entry in load_help() if entry.section == "keys"}
    assert shown["Ctrl+N"].startswith("New session: start with an empty transcript")
    assert "Ctrl+J / Alt+Enter / Shift+Enter" in shown


@pytest.mark.parametrize("width", [20, 38, 55, 56, 76, 120])
def test_no_line_is_wider_than_the_page(width):
    text, begins = set_out(load_help(), width)
    lines = text.plain.split("\n")
    assert all(len(line) <= width for line in lines)
    assert lines[begins["words"]] == "Words"
    words = " ".join(text.plain.split())
    if width < 56:
        assert all(" ".join(entry.text.split()) in words for entry in load_help())


@pytest.mark.parametrize("size", SIZES)
async def test_typing_searches_at_once(opened, shown, size):
    async with opened(HelpScreen(), size) as pilot:
        assert "Keys" in shown(pilot)
        await pilot.press(*"kv cache")
        await pilot.pause()
        text = shown(pilot)
        assert "arithmetic cache" in text
        assert "not a memory" in text
        assert "logprob" not in text


async def test_nothing_found_is_said_without_markup(opened, shown):
    async with opened(HelpScreen("[/red] zzz")) as pilot:
        assert "Nothing here speaks of “[/red] zzz”." in shown(pilot)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("topic", "title"), [("seen", "What you see"), ("words", "Words")])
async def test_a_section_is_opened_at_its_beginning(opened, eventually, size, topic, title):
    async with opened(HelpScreen(topic), size) as pilot:
        screen = pilot.app.screen
        page, scroll = screen.query_one("#page"), screen.query_one("#scroll")
        assert await eventually(
            pilot, lambda: page.render_line(scroll.scroll_offset.y).text.strip() == title
        )


async def test_a_word_is_looked_up(opened, shown):
    async with opened(HelpScreen("quantisation")) as pilot:
        assert pilot.app.screen.query_one(Input).value == "quantisation"
        assert "Rounding the weights to fewer bits" in shown(pilot)


@pytest.mark.parametrize("size", SIZES)
async def test_keys_scroll_while_the_search_has_the_focus(opened, eventually, size):
    async with opened(HelpScreen(), size) as pilot:
        scroll = pilot.app.screen.query_one("#scroll")
        assert await eventually(pilot, lambda: scroll.max_scroll_y > 20)
        for keys, there in (
            (["down", "down"], lambda y: y == 2),
            (["up"], lambda y: y == 1),
            (["ctrl+end"], lambda y: y == scroll.max_scroll_y),
            (["ctrl+home"], lambda y: y == 0),
            (["pagedown"], lambda y: y > 5),
        ):
            await pilot.press(*keys)
            assert await eventually(pilot, lambda there=there: there(scroll.scroll_offset.y))


async def test_the_buttons_go_to_the_sections_and_end_a_search(opened, shown, eventually):
    async with opened(HelpScreen("gguf")) as pilot:
        await pilot.click("#jump-seen")
        assert await eventually(pilot, lambda: "What you see sent ×4" in shown(pilot))
        assert pilot.app.screen.query_one(Input).value == ""


@pytest.mark.parametrize("key", ["escape", "f1"])
async def test_leaving(opened, key):
    async with opened(HelpScreen()) as pilot:
        await pilot.press(key)
        assert pilot.app.answers == [None]


def test_a_search_finds_all_its_words_in_any_order_and_case():
    entry = next(entry for entry in load_help() if entry.term == "arithmetic cache")
    assert matches(entry, "CACHE  kv")
    assert not matches(entry, "cache zebra")
