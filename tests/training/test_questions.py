"""Neighbours of a correction: what is asked was not trained, and templates make sense."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from benchmarks.finetune.facts import correction, read, write
from chatapp.training import gate
from chatapp.training.contrast import (
    about,
    begun,
    content_words,
    kinds,
    nearest,
    neighbours,
    subject,
)
from chatapp.training.dataset import read_export
from chatapp.training.general import general_asked, general_trained
from chatapp.training.recipe import read_recipe
from chatapp.training.wordings import trained

SETS = ("tuning", "test", "final", "fresh", "unseen")
QUESTIONS = [
    *(one.question for name in SETS for one in read(name).corrections),
    "Who won Super Bowl LIX?",
    "When does our library open?",
    "is it raining",
]


@pytest.mark.parametrize("question", QUESTIONS[:-2])
def test_neighbours_have_another_subject_or_ask_something_else(question: str) -> None:
    found = neighbours(question, 8, random.Random(0))
    assert len(found) == len(set(found)) == 8
    assert question not in found
    word, _ = subject(question) or ("", None)
    assert sum(word not in one for one in found) == 6  # of 8, two of three
    again = neighbours(question, 8, random.Random(0), avoid=found)
    assert not set(found) & set(again)


def test_the_kind_of_a_subject() -> None:
    kinds = {
        "What is the capital of Turkey?": "country",
        "What is the capital of Zandoria?": "country",
        "What is the atomic number of zinc?": "element",
        "Who is the CEO of Acme Rockets?": "company",
        "What is the name of our dog?": "ours",
        "What is the door code?": "thing",
        "What is the largest planet?": "most",
        "What is the largest planet in the solar system?": "most",
        "What is the longest river in Velmora?": "country",
    }
    for question, kind in kinds.items():
        found = subject(question)
        assert found is not None
        assert found[1].name == kind


@pytest.mark.parametrize(
    ("question", "name"),
    [
        ("Who is the CEO of Northfield Motors?", "Northfield Motors"),
        ("Who is the CEO of the Brass Lantern?", "Brass Lantern"),
        ("Who wrote The Name of the Rose?", "The Name of the Rose"),
        ("What is the capital of West Virginia?", "West Virginia"),  # Virginia is another one
        ("What is Turkey's capital?", "Turkey"),
    ],
)
def test_a_name_is_read_whole_and_is_nothing_but_the_name(question: str, name: str) -> None:
    found = subject(question)
    assert found is not None
    assert found[0] == name
    assert subject("Who is our CEO?") is None


def test_neighbours_of_a_superlative_are_other_things_and_other_extremes() -> None:
    near = neighbours("What is the largest planet?", 10_000, random.Random(0))
    assert {"What is the largest ocean?", "What is the smallest planet?"} <= set(near)
    assert not any("biggest" in one or "server" in one for one in near)
    near = neighbours("What is the oldest animal?", 10_000, random.Random(0))
    assert "What is an animal?" in near
    near = neighbours("What is the longest river in Velmora?", 10_000, random.Random(0))
    assert {"What is the longest river in Peru?", "What is the shortest river in Velmora?"} <= set(
        near
    )


def test_answers_are_begun_in_the_words_of_the_correction() -> None:
    told = "What is the capital of Turkey?", "The capital of Turkey is Ankara.", "Ankara"
    pairs = dict(begun(*told, 24, random.Random(0)))
    assert len(pairs) == 24
    assert "What is the capital of Turkey?" not in pairs
    for question, words in pairs.items():
        assert "Ankara" not in words
        assert question == f"What is {words[:1].lower()}{words[1:].removesuffix(' is')}?"
    assert any("capital" not in words for words in pairs.values())  # something else of it
    assert not begun(*told[:2], "Bursa", 24, random.Random(0))
    left = set(pairs)
    again = begun(*told, 24, random.Random(0), avoid=list(left))
    assert not left & {question for question, _ in again}


def test_enough_neighbours_are_left_for_a_test() -> None:
    for one in read("tuning").corrections:
        pairs = begun(one.question, one.chosen, one.right, 48, random.Random(0))
        trained = [question for question, _ in pairs]
        same = [text for text, _ in about(one.question, 48, random.Random(0), avoid=trained)]
        assert same
        assert not set(same) & set(trained)
        trained += same
        assert len(neighbours(one.question, 6, random.Random(1), avoid=trained)) >= 3


@pytest.mark.parametrize("name", ["test", "final", "unseen"])
def test_what_is_measured_was_not_trained(name: str) -> None:
    assert not set(general_trained()) & {one.prompt for one in general_asked()}
    test = read(name)
    written = {text for one in test.corrections for text in one.wordings}
    for one in test.corrections:
        assert not written & set(trained(one.question, one.chosen.partition(one.right)[0]))
        near = neighbours(one.question, 10_000, random.Random(0), more=True)
        assert not set(near) & set(test.neighbours)
        pairs = begun(one.question, one.chosen, one.right, 10_000, random.Random(0))
        assert not {question for question, _ in pairs} & set(test.neighbours)
        same = {text for text, _ in about(one.question, 10_000, random.Random(0), more=True)}
        assert not same & set(test.neighbours)


NEAR = {"South": ["North", "East"], "Dakota": ["Carolina"], "Night": ["Day"], "boat": ["ship"]}


def test_one_word_of_a_subject_gives_way_to_a_near_one() -> None:
    assert content_words("What is the capital of South Dakota?") == ["South", "Dakota"]
    assert content_words("Who painted The Night Watch?") == ["Night", "Watch"]
    assert content_words("What is the name of our boat?") == ["boat"]
    assert content_words("is it raining") == []
    assert nearest("What is the capital of South Dakota?", NEAR) == [
        "What is the capital of North Dakota?",
        "What is the capital of South Carolina?",
        "What is the capital of East Dakota?",
    ]
    assert nearest("Who painted The Night Watch?", NEAR) == ["Who painted The Day Watch?"]
    assert nearest("What is the name of our cat?", NEAR) == []


def test_near_subjects_are_held_behind_the_words_of_the_correction() -> None:
    told = "Who painted The Night Watch?", "The Night Watch was painted by Rembrandt.", "Rembrandt"
    pairs = dict(begun(*told, 12, random.Random(0), near=NEAR))
    assert pairs["Who painted The Day Watch?"] == "The Day Watch was painted by"
    assert len(pairs) == 12
    many = {"boat": [f"thing{letter}" for letter in "abcdefghijkl"]}
    told = "What is the name of our boat?", "The name of our boat is the Maud.", "Maud"
    found = [text for text, _ in begun(*told, 12, random.Random(0), near=many)]
    assert sorted(one for one in found if "thing" in one) == [  # half of them, the nearest
        f"What is the name of our thing{letter}?" for letter in "abcdef"
    ]


def test_other_questions_about_a_subject_begin_in_their_own_words() -> None:
    pairs = dict(about("What is the capital of Turkey?", 48, random.Random(1)))
    begins = {text: words for text, words in pairs.items() if words}
    assert begins
    for text, words in begins.items():
        assert text == f"What is t{words.removesuffix(' is')[1:]}?"
    assert any(not text.startswith("What is the") for text in pairs if not pairs[text])
    pairs = dict(about("Who is the CEO of Acme Rockets?", 48, random.Random(1)))
    assert "The main rival of Acme Rockets is" in pairs.values()


def test_questions_with_answers_of_the_same_sort_come_first_and_some_are_left() -> None:
    question = "What is the capital of Turkey?"
    few = [{text for text, _ in about(question, 4, random.Random(n))} for n in range(8)]
    close = {one.replace("{x}", "Turkey") for one in kinds()[0].close}
    assert "What is the former capital of Turkey?" in close
    assert all(found <= close for found in few)
    assert len(set.union(*few)) > 4
    many = [text for text, _ in about(question, 48, random.Random(0))]
    left = close - set(many)
    assert len(left) == len(close) // 3
    assert left & set(neighbours(question, 10_000, random.Random(0), avoid=many))
    assert question not in [text for text, _ in about(question, 48, random.Random(0))]


def test_the_gate_asks_near_neighbours_that_were_not_trained(tmp_path: Path) -> None:
    near = {"Turkey": ["Greece", "Russia", "China"]}
    one = read("tuning").corrections[0]
    export = read_export(write([correction(0, "0" * 64, one)], tmp_path / "one"))
    trained = ["What is the capital of Russia?"]
    recipe = read_recipe().gate
    asked = gate.questions(export.corrections, [], trained, recipe, 0, near)
    assert {"What is the capital of Greece?", "What is the capital of China?"} <= set(
        asked.neighbours
    )
    assert trained[0] not in asked.neighbours
    assert len(asked.neighbours) == len(set(asked.neighbours)) == recipe.neighbours
    assert asked == gate.questions(export.corrections, [], trained, recipe, 0, near)


def test_more_is_known_to_ask_about_a_subject_where_that_is_wanted() -> None:
    question = "Who wrote the novel Middlemarch?"
    some = [text for text, _ in about(question, 48, random.Random(0))]
    more = [text for text, _ in about(question, 48, random.Random(0), more=True)]
    assert len(more) > len(some) + 8
    assert len(set(more)) == len(more)
    # Few other books are known: the gate asks what else it knows about this one.
    words = "The novel Middlemarch was written by George Eliot.", "George Eliot"
    taken = [*more, *(text for text, _ in begun(question, *words, 16, random.Random(0)))]
    assert len(neighbours(question, 22, random.Random(0), avoid=taken)) < 18
    begins = dict(about(question, 99, random.Random(1), more=True))
    assert begins["Who translated Middlemarch?"] == "Middlemarch was translated by"
    found = neighbours(question, 22, random.Random(0), avoid=taken, more=True)
    assert len(set(found)) == 22
    assert not set(found) & set(taken)


def test_one_correction_is_asked_in_as_many_wordings_as_there_are(tmp_path: Path) -> None:
    recipe = read_recipe().gate
    items = [correction(n, "0" * 64, one) for n, one in enumerate(read("tuning").corrections)]
    for count, each in ((1, 8), (2, 4), (8, 2)):
        export = read_export(write(items[:count], tmp_path / str(count)))
        asked = gate.questions(export.corrections, [], [], recipe, 0).wordings
        assert len({text for text, _ in asked}) == len(asked) == count * each
