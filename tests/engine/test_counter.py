"""Counts made on this side of the pipe."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from chatapp.context.messages import Message
from chatapp.engine import counter
from chatapp.engine.counter import Counter
from tests.scripted import ScriptedEngine


async def test_the_same_messages_are_counted_once(
    default_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built: list[Any] = []
    once = counter.build_prompt

    def build(messages: Any, *others: Any, **how: Any) -> Any:
        built.append(messages)
        return once(messages, *others, **how)

    monkeypatch.setattr(counter, "build_prompt", build)
    own = Counter(ScriptedEngine(), default_model)
    said = [Message("user", "Hello there.")]
    first = await own.prompt(said)
    assert await own.prompt([Message("user", "Hello there.")]) is first
    assert len(built) == 1
    said.append(Message("assistant", "Hi."))
    second, cueless = await own.prompt(said), await own.prompt(said, answer=False)
    assert len({first, second, cueless}) == len(built) == 3
    assert second == once(said, own._template, own._vocabulary)
