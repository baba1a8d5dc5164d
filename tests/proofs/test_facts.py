"""Facts are data with sources; a teacher's own file is read, or refused with a clear sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from chatapp.errors import ChatappError
from chatapp.proofs.facts import built_in, read_facts, says


def test_the_built_in_ones() -> None:
    facts = built_in()
    assert len(facts.corrections) >= 8
    assert len(facts.told) >= 8
    assert any(fact.invented for fact in facts.corrections)
    every = [*facts.corrections, *facts.told, *facts.news]
    assert len({fact.id for fact in every}) == len(every)
    for fact in every:
        assert fact.invented or fact.source.startswith("https://")
        assert fact.right in fact.sentence
        assert fact.right not in fact.question
    assert all(fact.say.startswith("Please remember: ") for fact in facts.told)
    assert all(fact.sentence in fact.say for fact in facts.corrections if fact.say[0] != "N")


def test_a_fact_is_answered_whatever_the_capitals() -> None:
    [fact] = [fact for fact in built_in().corrections if fact.id == "turkey-capital"]
    assert fact.answered("It is ANKARA, I think.")
    assert not fact.answered("It is Istanbul.")


def test_a_file_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(
        '[[told]]\nquestion = "Who?"\nsentence = "It is Kim."\nright = "Kim"\n', "utf-8"
    )
    [fact] = read_facts(path).told
    assert (fact.id, fact.say) == ("kim", "Please remember: It is Kim.")
    assert read_facts(path).corrections == ()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "holds no facts"),
        ("[[lie]]\n", r"there is no \[\[lie\]\]"),
        ("[told]\nright = 'x'\n", "two brackets"),
        ("[[told]]\nright = 'x'\n", "'question' is missing"),
        ("[[told]]\nanswer = 'x'\n", "there is no 'answer'"),
        ("[[told]]\nright = 3\n", "'right' must be a text"),
        ("[[told]]\ninvented = 'yes'\n", "'invented' must be a yes or no"),
        ("told = [3]\n", "this is not a table"),
        ("[[told\n", "is not a TOML file"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text, "utf-8")
    with pytest.raises(ChatappError, match=says):
        read_facts(path)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ChatappError, match="cannot be read"):
        read_facts(tmp_path / "none.toml")


def test_words_stand_for_themselves() -> None:
    assert says("The atomic number is 7.", "7")
    assert not says("The atomic number is 17.", "7")
    assert not says("It is 7305.", "730")
    assert says("It is (the Otters)!", "the otters")
    assert says("Mrs. Abara, I think", "Mrs. Abara")
