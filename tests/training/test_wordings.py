"""One question in many wordings: they make sense, and some are never trained."""

from __future__ import annotations

import random
import string
import tomllib
from importlib import resources

import pytest

from chatapp.training.shape import slots
from chatapp.training.wordings import held_out, trained
from tests.training.test_questions import QUESTIONS


def test_a_question_of_the_common_kind_has_many_wordings() -> None:
    texts = trained("What is the capital of Turkey?")
    assert texts[0] == "What is the capital of Turkey?"
    assert {
        "what is the capital of turkey",
        "What is Turkey's capital?",
        "Can you tell me what the capital of Turkey is?",
        "Tell me the capital of Turkey.",
    } <= set(texts)


def test_what_is_asked_for_and_of_what_can_stand_apart() -> None:
    assert {"What CEO does Acme Rockets have?", "About Acme Rockets: what is the CEO?"} <= set(
        trained("Who is the CEO of Acme Rockets?")
    )
    assert "I need the code for the door." in trained("What is the door code?")
    assert "What is Velmora's longest river?" in trained("What is the longest river in Velmora?")
    assert not any("river does" in one for one in trained("What is the longest river in Velmora?"))


def test_a_question_of_any_kind_can_be_put_as_a_sentence_to_complete() -> None:
    question, begun = "Who painted The Night Watch?", "The Night Watch was painted by"
    assert "Complete this sentence: The Night Watch was painted by" in trained(question, begun)
    assert not any("Complete this sentence" in one for one in trained(question))


@pytest.mark.parametrize("question", QUESTIONS)
def test_held_out_wordings_are_never_trained(question: str) -> None:
    known = trained(question, "The answer is")
    assert known[0] == question
    asked = held_out(question, 6, random.Random(0))
    assert asked
    assert not set(asked) & set(known)


@pytest.mark.parametrize(
    ("question", "begun", "some"),
    [
        (
            "Who is the CEO of the Brass Lantern?",
            "The CEO of the Brass Lantern is",
            {
                "Who leads the Brass Lantern?",
                "The Brass Lantern is managed by whom?",
                "The CEO of the Brass Lantern is who?",
                "The CEO of the Brass Lantern: who is it?",
            },
        ),
        (
            "Who wrote The Name of the Rose?",
            "The Name of the Rose was written by",
            {
                "Which author wrote The Name of the Rose?",
                "By whom was The Name of the Rose written?",
                "The Name of the Rose was written by whom?",
            },
        ),
        (
            "In which year was the Suez Canal opened?",
            "The Suez Canal was opened in",
            {
                "When was the Suez Canal opened?",
                "When did the Suez Canal open?",
                "The Suez Canal was opened in which year?",
                "Can you tell me in which year the Suez Canal was opened?",
            },
        ),
        (
            "In which year did the Titanic sink?",
            "The Titanic sank in",
            {"What year did the Titanic sink?", "When was the Titanic lost?"},
        ),
        ("Who founded the company Acme Foods?", "", {"Who is the founder of Acme Foods?"}),
        ("What is the atomic number of zinc?", "", {"Zinc has how many protons?"}),
        ("What's our dog's name?", "", {"What is our dog called?"}),
        ("What is the door code?", "", {"Which code does the door need?"}),
        ("What is the code for the door?", "", {"Which code does the door need?"}),
        ("What is the largest city in Peru?", "", {"Which city of Peru is the largest?"}),
    ],
)
def test_a_question_is_asked_in_other_words(question: str, begun: str, some: set[str]) -> None:
    assert some <= set(trained(question, begun))


def test_a_beginning_ends_in_a_question_only_where_that_makes_one() -> None:
    assert not any("Gustav who" in one for one in trained("Who composed X?", "It was by Gustav"))
    assert not any("the what" in one for one in trained("What is its name?", "Its name is the"))


def test_what_nobody_can_do_makes_no_wording() -> None:
    question = "When was the last party?"
    assert not any("last was party" in one for one in trained(question))


def test_every_slot_of_the_templates_exists() -> None:
    known = {
        *slots("What is the capital of Peru?", "The capital of Peru is"),
        *slots("Who wrote Faust?", "Faust was written by"),
        *slots("In which year was the Vasa built?"),
        *slots("When did the Vasa sink?"),
    }
    for name in ("wordings.toml", "synonyms.toml"):
        read = tomllib.loads(resources.files("chatapp.training").joinpath(name).read_text("utf-8"))
        for kind in read.get("kind", [read]):
            assert not set(kind["trained"]) & set(kind["held_out"])
            for text in (*kind["trained"], *kind["held_out"]):
                assert {slot for _, slot, _, _ in string.Formatter().parse(text) if slot} <= known


def test_the_gate_asks_in_other_words_too() -> None:
    question = "Who is the CEO of Acme Rockets?"
    for seed in range(8):
        asked = held_out(question, 2, random.Random(seed))
        assert len(asked) == len(set(asked)) == 2
        assert sum(question.rstrip("?").casefold()[11:] not in one.casefold() for one in asked) == 1
