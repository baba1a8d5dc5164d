"""What the base said is asked once, side by side, and kept; a damaged file is asked anew."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from chatapp.engine.client import LocalEngine
from chatapp.engine.protocol import Score, Scores
from chatapp.errors import EngineError
from chatapp.training.answers import Answers
from chatapp.training.engines import Ask, Engines, Said, side_by_side
from chatapp.training.prompts import asked


class Counted:
    """Engines that answer with the question; the first questions take longest."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def ask(self, one: Ask) -> Said:
        question = one.messages[-1].content
        self.asked.append(question)
        await asyncio.sleep(0.02 / len(self.asked))
        return Said(f"{question}!", None if one.given is None else len(one.given) / 2)


def _answers(engines: object, folder: Path) -> Answers:
    return Answers(engines, "0" * 64, folder)  # type: ignore[arg-type]


def _silent(*_: object) -> None: ...


async def test_each_question_is_asked_once_and_kept(tmp_path: Path) -> None:
    engines, told = Counted(), []
    answers = _answers(engines, tmp_path / "new")

    def tell(what: str, done: int, total: int) -> None:
        told.append((done, total))

    weighed = Ask(asked("q"), 8, "word")
    assert await answers.texts(["a", "b", "a"], 8, tell) == ["a!", "b!", "a!"]
    assert await answers.of([weighed], tell) == [Said("q!", 2.0)]
    assert engines.asked == ["a", "b", "q"]
    assert told == [(0, 2), (1, 2), (2, 2), (0, 1), (1, 1)]
    answers.keep()
    later = Counted()
    again = _answers(later, tmp_path / "new")
    assert await again.texts(["b", "c"], 8, tell) == ["b!", "c!"]
    assert await again.of([weighed], tell) == [Said("q!", 2.0)]
    assert later.asked == ["c"]
    assert await again.texts(["b"], 9, tell) == ["b!"]  # as long as it may be is another question
    assert later.asked == ["c", "b"]


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        '{"old": "file"}',
        '{"texts": {"a": "b"}, "nats": {"a": 1.0}}',  # as it was written before
        '{"said": []}',
        '{"said": {"a": "b"}}',
        '{"said": {"a": ["b", "c"]}}',
    ],
)
async def test_a_damaged_file_is_asked_anew(tmp_path: Path, text: str) -> None:
    engines = Counted()
    (tmp_path / f"answers-{'0' * 16}.json").write_text(text)
    answers = _answers(engines, tmp_path)
    assert await answers.texts(["a"], 8, _silent) == ["a!"]
    assert engines.asked == ["a"]


async def test_an_error_ends_what_is_asked_beside_it() -> None:
    ended: list[str] = []

    async def long() -> str:
        try:
            await asyncio.sleep(60)
        finally:
            ended.append("long")
        return ""

    async def bad() -> str:
        await asyncio.sleep(0)
        raise EngineError("It died.", kind="model")

    with pytest.raises(EngineError, match="It died"):
        await asyncio.wait_for(side_by_side([long, bad], lambda _: None), 10)
    assert ended == ["long"]


async def test_a_reply_and_a_given_answer_read_the_prompt_once(
    default_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """... and the given answer is as probable as where it alone is asked about, to the last bit."""
    read: list[tuple[int, int]] = []
    score = LocalEngine.score

    async def noted(self: LocalEngine, request: Score) -> Scores:
        found = await score(self, request)
        read.append((found.reused, len(found.prompt)))
        return found

    monkeypatch.setattr(LocalEngine, "score", noted)
    question, given = asked("What is the capital of France?"), "It is Paris."
    alone = []
    for one in (Ask(question, 8, given), Ask(question, 0, given), Ask(question, 8)):
        async with Engines(default_model, 1) as engines:
            alone.append(await engines.ask(one))
    both, weighed, said = alone
    assert both == Said(said.text, weighed.nll)
    assert both.text
    assert (weighed.text, said.nll) == ("", None)
    (reused, prompt), (fresh, _) = read
    assert (reused, fresh) == (prompt, 0)
