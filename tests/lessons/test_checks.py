"""Each comparison holds where it should, and fails where it should not."""

from __future__ import annotations

import pytest

from chatapp.lessons.checks import Check, look
from chatapp.lessons.filling import fill
from chatapp.lessons.outcome import Outcome
from chatapp.lessons.words import words_of

ENGLISH = words_of("en")
HERE = Outcome(
    text="It is 26, in Ankara.",
    bits="ab",
    logits="cd",
    values={
        "tokens_sent": 50,
        "p_right": 0.5,
        "found_off": False,
        "verdict": "held",
        "p_wrong": None,
    },
)
OTHERS = {
    "same": HERE,
    "less": Outcome(
        text="No.", bits="xy", logits="cd", values={"tokens_sent": 10, "p_right": 0.01}
    ),
    "hidden": Outcome(text="No."),
}


@pytest.mark.parametrize(
    ("check", "holds"),
    [
        (Check(kind="contains", what="ankara"), True),
        (Check(kind="contains", what="6"), False),  # 6 does not stand in 26
        (Check(kind="lacks", what="6"), True),
        (Check(kind="lacks", what="Ankara"), False),
        (Check(kind="contains", what="No", at="less"), True),
        (Check(kind="same", what="bits", than="same"), True),
        (Check(kind="same", what="bits", than="less"), False),
        (Check(kind="same", what="logits", than="less"), True),
        (Check(kind="same", what="bits", than="hidden"), False),
        (Check(kind="other", what="words", than="less"), True),
        (Check(kind="other", what="words", than="same"), False),
        (Check(kind="other", what="bits", than="hidden"), False),
        (Check(kind="same", what="tokens_sent", than="less"), False),
        (Check(kind="more", what="tokens_sent", than="less"), True),
        (Check(kind="more", what="tokens_sent", than="same"), False),
        (Check(kind="more", what="p_right", than="less", times=49), True),
        (Check(kind="more", what="p_right", than="less", times=50), False),
        (Check(kind="less", what="p_right", than="less"), False),
        (Check(kind="less", what="p_right", than=0.6), True),
        (Check(kind="less", what="p_right", than=0.5), False),
        (Check(kind="more", what="p_wrong", than=0.0), False),  # not revealed
        (Check(kind="more", what="tokens_sent", than="hidden"), False),
        (Check(kind="is", what="found_off", than=False), True),
        (Check(kind="is", what="found_off", than=True), False),
        (Check(kind="held", what="yes"), True),
        (Check(kind="held", what="no"), False),
    ],
)
def test_a_comparison_holds_or_fails(check: Check, holds: bool) -> None:
    found = look(check, HERE, OTHERS, ENGLISH)
    assert found.held is holds
    assert found.says
    assert "{" not in found.says + found.expected + found.found
    german = look(check, HERE, OTHERS, words_of("de"))
    assert (german.held, "{" in german.says) == (holds, False)
    assert german.says != found.says


def test_what_was_expected_and_found_is_told() -> None:
    found = look(Check(kind="more", what="p_right", than="less", times=2), HERE, OTHERS, ENGLISH)
    assert found.says == (
        "The probability of the right answer: more than 2 times that at step “less”."
    )
    assert (found.expected, found.found) == ("> 2 × 0.01", "0.5")


def test_values_are_filled_in_once_they_are_known() -> None:
    text = "{less.tokens_sent} of {here.tokens_sent}, {here.p_right}; {not a place}"
    assert fill(text, OTHERS, ENGLISH) is None
    known = {**OTHERS, "here": HERE}
    assert fill(text, known, ENGLISH) == "10 of 50, 0.5; {not a place}"
    assert fill("{here.p_right}", known, words_of("de")) == "0,5"
    assert fill("{here.p_wrong}", known, ENGLISH) == "not revealed"
