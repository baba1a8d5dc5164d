"""The list of sessions."""

from __future__ import annotations

import pytest

from chatapp.tui.dialogs.sessions import SessionRow, SessionsDialog

ROWS = [
    SessionRow(1, "What is the capital of Turkey?", 6, 98),
    SessionRow(3, "", 0, 0),
    SessionRow(4, "[red]a\x1b[31m\nb[/]", 1, None),
]
SIZES = [(80, 24), (40, 20)]


@pytest.mark.parametrize("size", SIZES)
async def test_it_says_that_nothing_passes_from_one_to_another(opened, shown, size):
    async with opened(SessionsDialog(ROWS, 3), size) as pilot:
        assert "Nothing passes from one to another. They all use the same frozen weights." in shown(
            pilot
        )


async def test_rows_say_what_is_known(opened, shown):
    async with opened(SessionsDialog(ROWS, 3)) as pilot:
        text = shown(pilot)
        assert "1. What is the capital of Turkey?" in text
        assert "6 messages, 98 tokens, sent again on every turn" in text
        assert "3. (nothing said yet) · you are here" in text
        assert "1 message, sent again on every turn; how many tokens is not known" in text


async def test_titles_are_neither_markup_nor_control(opened, shown):
    async with opened(SessionsDialog(ROWS, 3)) as pilot:
        assert "4. [red]a␛[31m b[/]" in shown(pilot)


@pytest.mark.parametrize("size", SIZES)
async def test_keyboard_starts_at_the_current_one(opened, size):
    async with opened(SessionsDialog(ROWS, 3), size) as pilot:
        await pilot.press("down", "enter")
        assert pilot.app.answers == [4]


async def test_a_digit_goes_there_at_once_if_it_is_open(opened):
    async with opened(SessionsDialog(ROWS, 3)) as pilot:
        await pilot.press("2")
        assert pilot.app.answers == []
        await pilot.press("1")
        assert pilot.app.answers == [1]


async def test_mouse_on_a_row_goes_there(opened):
    async with opened(SessionsDialog(ROWS, 3)) as pilot:
        await pilot.click("#rows", offset=(4, 0))
        assert pilot.app.answers == [1]


async def test_button_goes_to_the_highlighted(opened):
    async with opened(SessionsDialog(ROWS, 3), (40, 20)) as pilot:
        await pilot.click("#choose")
        assert pilot.app.answers == [3]


async def test_leaving_changes_nothing(opened):
    async with opened(SessionsDialog(ROWS, 3)) as pilot:
        await pilot.press("escape")
        assert pilot.app.answers == [None]


async def test_the_same_key_leads_on_to_the_stored_ones(opened):
    async with opened(SessionsDialog(ROWS, 3)) as pilot:
        await pilot.press("f5")
        assert pilot.app.answers == [0]


async def test_many_sessions_scroll_and_the_buttons_stay(opened):
    rows = [SessionRow(n, f"session {n}", n, n) for n in range(1, 40)]
    async with opened(SessionsDialog(rows, 39), (40, 20)) as pilot:
        screen = pilot.app.screen
        assert screen.region.contains_region(screen.query_one("#choose").region)
        assert screen.query_one("#rows").scroll_offset.y > 0
        await pilot.press("enter")
        assert pilot.app.answers == [39]
