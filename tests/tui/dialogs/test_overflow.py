"""The transcript no longer fits: the numbers, the choices, what is lost."""

from __future__ import annotations

import pytest

from chatapp.conversation.tree import Node
from chatapp.conversation.view import Overflow
from chatapp.tui.dialogs.overflow import OverflowDialog

SIZES = [(80, 24), (40, 20)]


def over(first: bool = True, needed: int = 2310, available: int = 1536) -> Overflow:
    node = Node("user", "q") if first else None
    return Overflow("It does not fit.", needed=needed, available=available, first=node)


@pytest.mark.parametrize("size", SIZES)
async def test_the_numbers_are_said(opened, shown, size):
    async with opened(OverflowDialog(over(), 6), size) as pilot:
        text = shown(pilot)
        assert "2,310 tokens would be sent" in text
        assert "1,536 tokens fit" in text
        assert "774 tokens too many" in text
        assert "The 6 oldest messages leave" in text


async def test_each_choice_says_what_is_lost(opened, shown):
    async with opened(OverflowDialog(over(), 6), (120, 40)) as pilot:
        text = shown(pilot)
        assert "the model no longer receives what only they said" in text
        assert "more text, nothing else. Details are lost" in text
        assert "Nothing is sent and nothing is lost. Your message stays in the input line" in text


async def test_one_message_is_said_as_one(opened, shown):
    async with opened(OverflowDialog(over(), 1), (120, 40)) as pilot:
        assert "The oldest message leaves the model's view. It stays on your screen" in shown(pilot)


async def test_when_only_the_new_message_fits_all_others_leave(opened, shown):
    async with opened(OverflowDialog(over(), 0), (120, 40)) as pilot:
        assert "All earlier messages leave the model's view. They stay" in shown(pilot)


async def test_the_bars_differ_by_more_than_colour(opened, shown):
    async with opened(OverflowDialog(over(needed=200, available=100), 6)) as pilot:
        text = shown(pilot)
        assert "█" * 15 + "▒" * 15 in text
        assert text.count("█") == 30


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    ("steps", "answer"), [(1, "drop-oldest"), (2, "summary"), (3, None)], ids=str
)
async def test_choosing_by_keyboard(opened, size, steps, answer):
    async with opened(OverflowDialog(over(), 6), size) as pilot:
        await pilot.press(*["down"] * steps, "enter")
        assert pilot.app.answers == [answer]


async def test_a_second_enter_chooses_nothing(opened, shown):
    async with opened(OverflowDialog(over(), 6)) as pilot:
        await pilot.press("enter")
        assert pilot.app.answers == []
        await pilot.click("#choose")
        await pilot.pause()
        assert pilot.app.answers == []
        assert "Choose one first" in shown(pilot)


async def test_choosing_by_mouse(opened):
    async with opened(OverflowDialog(over(), 6)) as pilot:
        await pilot.click("#choices", offset=(4, 4))
        assert pilot.app.answers == ["summary"]


@pytest.mark.parametrize("size", SIZES)
async def test_leaving_keeps_everything(opened, size):
    async with opened(OverflowDialog(over(), 6), size) as pilot:
        await pilot.click("#leave")
        assert pilot.app.answers == [None]
    async with opened(OverflowDialog(over(), 6), size) as pilot:
        await pilot.press("escape")
        assert pilot.app.answers == [None]


@pytest.mark.parametrize("size", SIZES)
async def test_a_message_too_long_by_itself_leaves_only_the_way_back(opened, shown, size):
    async with opened(OverflowDialog(over(first=False, needed=99_310), 0), size) as pilot:
        text = shown(pilot)
        assert "This message alone is too long" in text
        assert "Shorten it, or raise the window" in text
        assert not pilot.app.screen.query("#choices, #choose")
        await pilot.press("enter")
        assert pilot.app.answers == [None]


async def test_no_room_at_all_is_still_a_picture(opened, shown):
    async with opened(OverflowDialog(over(needed=10, available=-5), 2)) as pilot:
        assert "0 tokens fit" in shown(pilot)
        assert "▒" * 30 in shown(pilot)
