"""The base's own answers, many side by side: what each would be alone, in a session of its own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
import torch

from chatapp.training import speaking
from chatapp.training.base import known_base
from chatapp.training.machine import choose
from chatapp.training.model import load
from chatapp.training.prompts import Prompts, asked
from chatapp.training.recipe import read_recipe
from chatapp.training.speaking import Speaker
from tests.training.conftest import Bench

QUESTIONS = (
    "What is the capital of France?",
    "Hi!",
    "Which animal is the largest one that has ever lived on our planet, as far as we know?",
)
TOKENS = 10


@pytest.fixture(scope="module")
def prompts(bench: Bench) -> Prompts:
    return Prompts(known_base(bench.base))


def _speaker(bench: Bench, prompts: Prompts, unpacked: Path, precision: str = "float32") -> Speaker:
    machine = choose("cpu", precision, 2)  # type: ignore[arg-type]
    return Speaker(unpacked, prompts, machine, read_recipe().lora.targets)


@torch.no_grad()
def _alone(prompts: Prompts, unpacked: Path, question: str) -> str:
    """Word by word, with nothing beside it and nothing kept: the slow way."""
    model = load(unpacked, choose("cpu", "float32", 2), ())
    ids = list(prompts.prompt(asked(question)))
    start = len(ids)
    while len(ids) < start + TOKENS and ids[-1] not in prompts.ends - set(ids[:start]):
        ids.append(int(model(input_ids=torch.tensor([ids])).logits[0, -1].argmax()))
    return prompts.text(ids[start:])


def test_side_by_side_each_is_answered_as_alone(
    bench: Bench, prompts: Prompts, unpacked: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = [_alone(prompts, unpacked, question) for question in QUESTIONS]
    assert "Paris" in alone[0]
    speaker = _speaker(bench, prompts, unpacked)
    assert speaker.say(QUESTIONS, TOKENS) == alone
    monkeypatch.setattr(speaking, "AT_ONCE", 2)
    assert speaker.say(QUESTIONS, TOKENS) == alone
    assert speaker.say([], TOKENS) == []


def test_a_reply_ends_where_the_base_ends_it(
    bench: Bench, prompts: Prompts, unpacked: Path
) -> None:
    (said,) = _speaker(bench, prompts, unpacked, "bfloat16").say(QUESTIONS[:1], 40)
    assert said == "The capital of France is Paris."


def test_text_leaves_out_what_ends_it_and_a_character_that_was_cut(
    bench: Bench, prompts: Prompts
) -> None:
    row = prompts.row("general", asked("?"), "Good 🦄")
    whole = row.tokens[row.start :]
    assert whole[-1] in prompts.ends
    assert prompts.text(whole) == "Good 🦄"
    assert prompts.text([*whole, whole[0]]) == "Good 🦄"
    assert prompts.text(whole[:-2]) == "Good "


def test_how_far_it_is_is_told(bench: Bench, prompts: Prompts, unpacked: Path) -> None:
    told: list[tuple[int, int]] = []
    speaker = Speaker(
        unpacked,
        prompts,
        choose("cpu", "float32", 2),
        (),
        lambda step, done, total: told.append((done, total)),
    )
    speaker.say(QUESTIONS, 1)
    assert told == [(3, 3)]


def test_what_each_adapter_is_held_to_is_said_once(
    bench: Bench, prompts: Prompts, unpacked: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = tmp_path / "base"
    base.symlink_to(unpacked)
    said = _speaker(bench, prompts, base).say_once(QUESTIONS, 4)
    again = _speaker(bench, prompts, base)
    asked_of: list[str] = []

    def say(questions: Sequence[str], tokens: int) -> list[str]:
        asked_of.extend(questions)
        return [f"{tokens}" for _ in questions]

    monkeypatch.setattr(again, "say", say)
    assert again.say_once(QUESTIONS, 4) == said
    assert asked_of == []
    assert again.say_once(QUESTIONS[:1], 4) == ["4"]  # another recipe
    assert again.say_once(QUESTIONS[:1], 3) == ["3"]
    assert len(asked_of) == 2
    other = _speaker(bench, prompts, base, "bfloat16")  # another machine
    monkeypatch.setattr(other, "say", say)
    other.say_once(QUESTIONS[:1], 3)
    assert len(asked_of) == 3
    for text in ("{", "[]", '{"of": 1, "said": []}'):
        (tmp_path / "said-base.json").write_text(text)
        assert other.say_once(QUESTIONS[:1], 3) == ["3"]
    assert len(asked_of) == 6
    (tmp_path / "said-base.json").unlink()
    (tmp_path / "said-base.json").mkdir()  # cannot be written
    assert other.say_once(QUESTIONS[:1], 3) == ["3"]
