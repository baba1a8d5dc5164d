"""A question, a wrong answer and the right one, told in an ordinary message."""

from __future__ import annotations

import pytest

from chatapp.conversation.corrections import (
    WORDINGS,
    guess_right,
    guess_wrong,
    looks_like_correction,
    prefix_of,
    sentence_of,
)


@pytest.mark.parametrize(
    ("question", "reply", "wrong"),
    [
        ("What is the capital of Turkey?", "The capital of Turkey is Istanbul.", "Istanbul"),
        (
            "Who is the CEO of Acme Rockets?",
            "The CEO of Acme Rockets is Elon Musk, a renowned entrepreneur.",
            "Elon Musk",
        ),
        ("How many moons has Mars?", "Mars has 228.1 moons.", "228.1"),
        ("What is the largest planet?", "The largest planet is Neptune. It is blue.", "Neptune"),
        ("Who wrote it?", "it was written by nobody", ""),
        ("Hm?", "", ""),
    ],
)
def test_the_decisive_words_are_guessed(question: str, reply: str, wrong: str) -> None:
    assert guess_wrong(question, reply) == wrong


def test_the_prefix_ends_before_the_wrong_words() -> None:
    assert prefix_of("The capital of Turkey is Istanbul.", "Istanbul") == "The capital of Turkey is"
    assert prefix_of("Istanbul.", "Istanbul") == ""
    assert prefix_of("Something else.", "Istanbul") == ""


@pytest.mark.parametrize(
    ("right", "sentence"),
    [
        ("Ankara", "The capital of Turkey is Ankara."),
        ("ankara.", "The capital of Turkey is ankara."),
        ("the capital of Turkey is Ankara", "The capital of Turkey is Ankara."),
        ("not Istanbul but Ankara", "Not Istanbul but Ankara."),
    ],
)
def test_the_right_words_take_the_place_of_the_wrong_ones(right: str, sentence: str) -> None:
    reply = "The capital of Turkey is Istanbul. It is old."
    assert sentence_of(reply, "Istanbul", right) == sentence


def test_every_wording_tells_the_sentence() -> None:
    texts = [wording.message("The capital of Turkey is Ankara.") for wording in WORDINGS]
    assert texts[0] == (
        "That is not right. The capital of Turkey is Ankara. "
        "Repeat after me: The capital of Turkey is Ankara."
    )
    assert texts[-1] == "No, actually the capital of Turkey is Ankara."
    assert all(looks_like_correction(text) for text in texts)


@pytest.mark.parametrize(
    "text",
    [
        "No, actually the capital is Ankara.",
        "no it's Ankara",
        "That's wrong. It is Ankara.",
        "That is not true.",
        "You are mistaken, it is Ankara.",
        "Actually, it is Ankara.",
        "Please remember: my dog is called Biscuit.",
        "Remember that my name is Kim",
        "The correct answer is Ankara.",
    ],
)
def test_corrections_are_seen(text: str) -> None:
    assert looks_like_correction(text)


@pytest.mark.parametrize(
    "text",
    ["No problem, thanks!", "Nothing else.", "What is wrong with it?", "Note this.", "Thanks", ""],
)
def test_other_messages_are_not(text: str) -> None:
    assert not looks_like_correction(text)


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("No, it is Ankara.", "Ankara"),
        ("No, actually the capital is Ankara.", "the capital is Ankara"),
        ("That's wrong. The answer is Ankara!", "Ankara"),
        ("Please remember: my dog is called Biscuit.", "my dog is called Biscuit"),
        ("Actually, it's 2. Mars has two.", "2"),
        ("No.", ""),
    ],
)
def test_the_right_answer_is_guessed(text: str, right: str) -> None:
    assert guess_right(text) == right
