"""A click on a word of a reply leads to the token that wrote it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.geometry import Offset

from chatapp.tui.clicked import source_place, token_at, token_of
from chatapp.tui.widgets.choice_view import ChoiceView
from chatapp.tui.widgets.message import MessageView
from tests.tui.conftest import Chat, Open
from tests.tui.test_choice import DRAWN, reply_of


def test_a_token_covers_its_characters() -> None:
    texts = ["The", "", " capital", "."]
    found = [token_at(texts, place) for place in range(13)]
    assert found == [0] * 3 + [2] * 8 + [3, None]


@pytest.mark.parametrize(
    ("shown", "word", "nth", "texts", "expected"),
    [
        ("the cat and the dog", "the", 2, ["the", " cat", " and", " the", " dog"], 3),
        ("An Ankara", "kara", 1, ["An", " An", "kara"], 2),
        ("bold and plain bold", "bold", 2, ["**", "bold", "**", " and plain", " bold"], 4),
        ("an italic word", "italic", 1, ["an ", "_ita", "lic_", " word"], 1),
        ("two words", "words", 1, ["# ", "two", " wo", "rds"], 2),
        # The name of a code's language is not shown.
        (
            "say python\nprint(1)",
            "print",
            1,
            ["say ", "python", "\n```", "python\n", "print(1)"],
            4,
        ),
        # Bullets and the address of a link stand in another form or place.
        ("• one\n• two", "two", 1, ["- ", "one\n", "- ", "two"], 3),
        ("see here (http://a.b)", "a", 1, ["see ", "[here]", "(http://", "a.b)"], 3),
        ("fun 🙂 and 🎉 too 🙂", "🙂", 2, ["fun 🙂", " and 🎉", " too", " 🙂"], 3),
        ("hello, world.", ",", 1, ["hello", ",", " world", "."], 1),
        ("don't", "t", 1, ["don", "'t"], 1),
        ("漢字かな", "か", 1, ["漢字", "かな"], 1),
    ],
)
def test_the_word_shown_leads_to_its_token(
    shown: str, word: str, nth: int, texts: list[str], expected: int
) -> None:
    at = -1
    for _ in range(nth):
        at = shown.index(word, at + 1)
    assert token_of(shown, at, texts) == expected


def test_where_nothing_is_shown_there_is_no_token() -> None:
    assert token_of("a  b", 1, ["a", "  b"]) is None
    assert token_of("a b", 9, ["a", " b"]) is None
    assert token_of("a", 0, []) is None


def test_what_cannot_be_told_is_the_nearest() -> None:
    # Shown as one word, written as two; a word that the reply does not have at all.
    assert token_of("so boldness counts", 5, ["so ", "**bold**", "ness", " counts"]) == 1
    assert token_of("one more", 5, ["one", " two", " three"]) == 1
    # Too far away to follow the words before it.
    far = ["x "] * 100 + ["end"]
    assert token_of("end", 0, far) == 100


@given(st.text(max_size=60), st.integers(-5, 70), st.lists(st.text(max_size=6), max_size=20))
def test_it_never_fails(shown: str, at: int, texts: list[str]) -> None:
    found = token_of(shown, at, texts)
    assert found is None or 0 <= found < len(texts)


@given(st.text(max_size=80), st.data())
def test_plain_text_leads_to_itself(text: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(text)))
    found = source_place(text, at, text)
    assert found is None or found == at


# ── on the screen ───────────────────────────────────────────────────────────────────────────────


async def click(chat: Chat, word: str, nth: int = 1) -> None:
    """Click on the ``nth`` place where a word is shown, at its first character."""
    await chat.sees(word)
    places = []
    body = chat.screen.query(MessageView).last().region
    for y in range(body.y, body.bottom):
        line = chat.lines[y][: body.right]
        x = line.find(word)
        while x >= 0:
            places.append((x, y))
            x = line.find(word, x + 1)
    await chat.pilot.click(offset=Offset(*places[nth - 1]))


SAID = ("The", " **", "cap", "ital", "**", " of", " the", " capital", ":\n\n", "- ", "An", "kara")


@pytest.mark.parametrize("size", [(120, 40), (80, 24)])
async def test_a_click_on_a_word_opens_its_token(chatting: Open, size: tuple[int, int]) -> None:
    async with chatting(reply_of(SAID, DRAWN, 9), sampling=DRAWN, size=size) as chat:
        await chat.say("Where?")
        await click(chat, "capital", 2)
        await chat.sees("CHOICE", "step 8 of 12", "▐␣capital▌")
        assert chat.screen.query_one(ChoiceView).has_focus
        assert chat.screen.session.pane.selected is chat.nodes[-1]


async def test_words_in_marks_and_lists_and_pieces(chatting: Open) -> None:
    async with chatting(reply_of(SAID, DRAWN, 9), sampling=DRAWN) as chat:
        await chat.say("Where?")
        await click(chat, "capital", 1)
        await chat.sees("step 3 of 12", "▐cap▌")
        await click(chat, "ital", 1)
        await chat.sees("step 4 of 12", "▐ital▌")
        await click(chat, "kara")
        await chat.sees("step 12 of 12", "▐kara▌")
        await click(chat, "The")
        await chat.sees("step 1 of 12", "▐The▌")


async def test_lines_that_wrap_code_and_tables(chatting: Open) -> None:
    said = [*(f"w{n} " for n in range(40)), "\n\n```python\n", "x = 1\n", "yes", " = 2\n```\n\n"]
    said += ["| a |", " b |\n|---|---|\n| c", " | dd |\n"]
    async with chatting(reply_of(said, DRAWN, 9), sampling=DRAWN) as chat:
        await chat.say("Where?")
        for word, token in (("w30", 30), ("yes", 42), ("dd", 46), ("w7", 7)):
            await click(chat, word)
            await chat.sees(f"step {token + 1} of 47")


async def test_a_click_beside_the_words_only_selects(chatting: Open) -> None:
    async with chatting(reply_of(SAID, DRAWN, 9), sampling=DRAWN) as chat:
        await chat.say("Where?")
        body = chat.screen.query(MessageView).last().region
        y = next(y for y in range(body.y, body.bottom) if "capital" in chat.lines[y])
        await chat.pilot.click(offset=Offset(body.right - 3, y))
        await chat.sees("▸ model", "[ tokens ]")
        await chat.sees_not("CHOICE")


async def test_the_keyboard_goes_to_the_tokens_of_the_selected_reply(chatting: Open) -> None:
    replies = [reply_of(SAID, DRAWN, 9), reply_of(("Yes", "!"), DRAWN, 30)]
    async with chatting(*replies, sampling=DRAWN) as chat:
        await chat.say("Where?")
        await chat.say("Sure?")
        chat.screen.session.pane.focus()
        await chat.press("up", "up", "up")
        await chat.sees("[ tokens ]")
        await chat.press("t")
        await chat.sees("CHOICE", "turn 1 · step 12 of 12")
        await chat.press("home")
        await chat.sees("turn 1 · step 1 of 12")


async def test_the_button_opens_the_tokens(chatting: Open) -> None:
    async with chatting(reply_of(SAID, DRAWN, 9), sampling=DRAWN) as chat:
        await chat.say("Where?")
        await chat.press("ctrl+up")
        await click(chat, "tokens ]")
        await chat.sees("CHOICE", "step 12 of 12")
