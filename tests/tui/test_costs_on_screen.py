"""What it costs, on one page of the screen."""

from __future__ import annotations

from pathlib import Path

import pytest

from chatapp.tui.screens.costs import CostsScreen
from tests.scripted import Reply
from tests.tui.conftest import Open


async def test_without_a_weight_file_nothing_is_counted(chatting: Open) -> None:
    async with chatting(Reply(("Hello.",))) as chat:
        await chat.say("Hi")
        chat.screen.action_costs()
        await chat.sees("The weight file is not known")


@pytest.mark.parametrize("size", [(120, 40), (80, 24), (40, 20)])
async def test_the_chat_stands_beside_the_training(
    chatting: Open, default_model: Path, size: tuple[int, int]
) -> None:
    async with chatting(Reply(("Hello.",)), size=size) as chat:
        await chat.say("Hi")
        chat.engine.weights = default_model  # type: ignore[attr-defined]
        chat.screen.action_costs()
        await chat.until(lambda: isinstance(chat.app.screen, CostsScreen), "the page")
        await chat.sees("What was computed", "this chat")
        await chat.press("escape")
        await chat.until(lambda: chat.app.screen is chat.screen, "the chat")
