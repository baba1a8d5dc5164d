"""What the base said is asked once, side by side, and kept; a damaged file is asked anew."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from chatapp.context.messages import Message
from chatapp.errors import EngineError
from chatapp.training.answers import Answers
from chatapp.training.engines import side_by_side


class Counted:
    """Engines that answer with the question; the first questions take longest."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def answer(self, messages: Sequence[Message], tokens: int) -> str:
        self.asked.append(messages[-1].content)
        await asyncio.sleep(0.02 / len(self.asked))
        return f"{messages[-1].content}!"

    async def nll(self, messages: Sequence[Message], text: str) -> float:
        self.asked.append(text)
        return len(text) / 2


def _answers(engines: object, folder: Path) -> Answers:
    return Answers(engines, "0" * 64, folder)  # type: ignore[arg-type]


async def test_each_question_is_asked_once_and_kept(tmp_path: Path) -> None:
    engines, told = Counted(), []
    answers = _answers(engines, tmp_path / "new")

    def tell(what: str, done: int, total: int) -> None:
        told.append((done, total))

    assert await answers.of(["a", "b", "a"], 8, tell) == ["a!", "b!", "a!"]
    assert await answers.nll([([Message("user", "q")], "word")], tell) == [2.0]
    assert engines.asked == ["a", "b", "word"]
    assert told == [(0, 2), (1, 2), (2, 2), (0, 1), (1, 1)]
    answers.keep()
    later = Counted()
    again = _answers(later, tmp_path / "new")
    assert await again.of(["b", "c"], 8, tell) == ["b!", "c!"]
    assert await again.nll([([Message("user", "q")], "word")], tell) == [2.0]
    assert later.asked == ["c"]
    assert await again.of(["b"], 9, tell) == ["b!"]  # as long as it may be is another question
    assert later.asked == ["c", "b"]


@pytest.mark.parametrize("text", ["{", "[]", '{"texts": {"a": 1}, "nats": []}', '{"old": "file"}'])
async def test_a_damaged_file_is_asked_anew(tmp_path: Path, text: str) -> None:
    engines = Counted()
    (tmp_path / f"answers-{'0' * 16}.json").write_text(text)
    answers = _answers(engines, tmp_path)
    assert await answers.of(["a"], 8, lambda *_: None) == ["a!"]
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
