"""The sentences that are made from numbers."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatapp.context.budget import Budget
from chatapp.context.messages import Message
from chatapp.conversation import Node, TurnFacts
from chatapp.engine.protocol import Generate, Prefill
from chatapp.tui import words

REQUEST = Generate(messages=[Message("user", "x")])


def facts(**values: Any) -> TurnFacts:
    return TurnFacts(3, REQUEST, **values)


def test_the_turn_in_full() -> None:
    known = facts(
        tokens_sent=98,
        tokens_again=81,
        tokens_new=17,
        computed=34,
        reused=64,
        reply_tokens=42,
        decode_seconds=1.0,
        first_token_seconds=0.31,
    )
    assert words.turn(known) == [
        "turn 3: 98 tokens sent, 81 of them again, 17 new",
        "computed 34, reused from the arithmetic cache 64",
        "41 tokens/s, first token 0.3 s",
    ]


def test_what_is_not_revealed_is_not_made_up() -> None:
    assert words.turn(facts()) == [
        "turn 3: tokens sent: not revealed",
        "computed, reused: not revealed",
    ]
    counted = words.turn(facts(tokens_sent=98))[0]
    assert counted == "turn 3: 98 tokens sent, how many of them again: not revealed"


@pytest.mark.parametrize(
    ("status", "content", "tokens", "expected"),
    [
        ("complete", "x", 1, ""),
        ("stopped", "x", 12, "■ stopped by you after 12 tokens"),
        ("stopped", "x", None, "■ stopped by you"),
        ("stopped", "", 0, "■ stopped by you before the first word"),
        ("length", "x", 1, "■ cut off after 1 token: that is the reply length set (F4 changes it)"),
        ("window", "x", 9, "■ cut off after 9 tokens: the context window is full"),
    ],
)
def test_endings(status: Any, content: str, tokens: int | None, expected: str) -> None:
    node = Node("assistant", content, status=status, facts=facts(reply_tokens=tokens))
    assert words.ending(node) == expected


def test_what_is_left_behind() -> None:
    assert words.left_behind(5, 312) == (
        "5 messages (312 tokens) were left behind. Nothing of them is sent from here."
    )
    assert words.left_behind(1, None) == (
        "1 message (tokens: not revealed) was left behind. Nothing of it is sent from here."
    )
    assert "nothing was left behind" in words.left_behind(0, 0)


def test_reading() -> None:
    assert words.reading(5, 98, Prefill(done=120, total=400)) == [
        "all 5 messages go to the model (98 tokens)",
        "reading the transcript: 120 of 400 tokens",
    ]
    assert words.reading(1, None, None) == ["the message goes to the model"]


@given(st.text())
def test_nothing_visible_steers_a_terminal(text: str) -> None:
    shown = words.visible(text)
    assert not any((ord(c) < 0x20 and c not in "\n\t") or 0x7F <= ord(c) < 0xA0 for c in shown)
    shown.encode("utf-8")


def test_escape_sequences_and_lone_surrogates_are_shown_as_signs() -> None:
    assert words.visible("a\x1b[31mb\r\nc\rd") == "a␛[31mb\nc␍d"
    assert words.visible("x\ud800y") == "x?y"
    assert words.visible("a\u202eb") == "a\ufffdb"


BUDGETS = st.builds(
    Budget,
    window=st.integers(1, 10_000),
    template=st.integers(0, 3_000),
    earlier=st.integers(0, 8_000),
    draft=st.integers(0, 3_000),
    reserve=st.integers(0, 5_000),
)


@given(BUDGETS, st.integers(5, 120))
def test_the_bar_has_its_width_and_shows_every_part(budget: Budget, width: int) -> None:
    bar = words.bar(budget, width)
    assert sum(cells for _, cells in bar) == width
    counts = [count for _, _, count in words.budget_parts(budget)]
    if sum(counts):
        assert {part for part, _ in bar} == {n for n, count in enumerate(counts) if count}


@given(BUDGETS)
def test_the_parts_add_up_to_the_window(budget: Budget) -> None:
    total = sum(count for _, _, count in words.budget_parts(budget))
    assert total == budget.window or budget.free < 0


@pytest.mark.parametrize(
    ("sent", "word"),
    [(799, ""), (800, "getting full"), (950, "almost full"), (1001, "does not fit")],
)
def test_fullness_is_told_in_words(sent: int, word: str) -> None:
    full = words.fullness(Budget(1000, earlier=sent))
    assert full.endswith(word or "spoken for")


def test_the_curve_of_all_that_was_sent() -> None:
    turns = [facts(total_sent=total) for total in (10, 40, 90, 160)]
    text = words.total_sent(turns, 160, 60)
    assert text == "sent since the start: 160 tokens ▁▃▅█"
    assert words.total_sent([], 0, 60) == "sent since the start: nothing"
    assert len(words.total_sent(turns, 160, 24)) <= 24


@given(st.lists(st.integers(0, 10**6), max_size=40), st.integers(1, 20))
def test_a_curve_has_at_most_its_width(values: list[int], width: int) -> None:
    assert len(words.sparkline(values, width)) == min(len(values), width)


@given(st.lists(st.text("ab, ", min_size=1, max_size=30), max_size=5), st.integers(10, 60))
def test_phrases_are_only_cut_where_they_may_be(phrases: list[str], width: int) -> None:
    for line in words.flow(phrases, width):
        assert len(line) <= width or ", " not in line
