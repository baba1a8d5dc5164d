"""What is told of tokens: each its own numbers, in small bunches, meanwhile where that is free."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from chatapp.context.messages import Message
from chatapp.context.template import ChatTemplate
from chatapp.engine import generation, telling
from chatapp.engine.evaluation import Evaluator
from chatapp.engine.generation import Machine
from chatapp.engine.llama import Context, Model
from chatapp.engine.pace import Pace
from chatapp.engine.protocol import Event, Generate, Sampling, Token
from chatapp.errors import EngineError

REQUEST = Generate(
    messages=[Message("user", "Count from one to ten.")],
    sampling=Sampling(max_tokens=8, temperature=0.0),
    alternatives=2,
)


@pytest.fixture(scope="module")
def machine(default_model: Path) -> Iterator[Machine]:
    model = Model(str(default_model))
    context = Context(model, window=512, pace=Pace(1), batch=64)
    yield Machine(model, ChatTemplate(model.template), Evaluator(context))
    context.close()


@dataclass
class Heard:
    """The bunches of tokens, and whether each was told on the main thread."""

    bunches: list[list[Token]] = field(default_factory=list)
    here: list[bool] = field(default_factory=list)

    def __call__(self, *events: Event) -> None:
        if tokens := [event for event in events if isinstance(event, Token)]:
            self.bunches.append(tokens)
            self.here.append(threading.current_thread() is threading.main_thread())

    @property
    def tokens(self) -> list[Token]:
        return [token for bunch in self.bunches for token in bunch]


@pytest.mark.parametrize("left", [True, False])
@pytest.mark.parametrize(("gather", "sizes"), [(0.0, [1] * 8), (math.inf, [1, 3, 3, 1])])
def test_it_is_told_in_order_with_its_own_numbers(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, left: bool, gather: float, sizes: list[int]
) -> None:
    """On another thread where a processor is left for it; the first token waits for no other."""
    monkeypatch.setattr(machine.evaluator.context, "_processors", 2 if left else 1)
    monkeypatch.setattr(telling, "GATHER", gather)
    monkeypatch.setattr(telling, "MOST", 3)
    heard = Heard()
    done = machine.generate(REQUEST, heard, lambda: False)
    assert [len(bunch) for bunch in heard.bunches] == sizes
    # After the last one nothing is computed.
    assert heard.here == [not left] * (len(sizes) - 1) + [True]
    assert "".join(token.text for token in heard.tokens) == done.text
    assert done.reply_tokens == 8
    for token in heard.tokens:  # not those of a token that was computed meanwhile
        assert token.alternatives[0].token == token.token
        assert token.logprob == pytest.approx(token.alternatives[0].logprob, abs=1e-9)


@pytest.mark.parametrize("left", [True, False])
def test_a_bunch_is_prepared_meanwhile_only_where_a_processor_is_left(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, left: bool
) -> None:
    monkeypatch.setattr(machine.evaluator.context, "_processors", 2 if left else 1)
    monkeypatch.setattr(telling, "GATHER", math.inf)
    prepared: list[int] = []
    prepare = telling.Telling.prepare

    def noted(self: telling.Telling) -> None:
        prepared.append(len(self._steps))
        prepare(self)

    monkeypatch.setattr(telling.Telling, "prepare", noted)
    machine.generate(REQUEST, Heard(), lambda: False)
    assert prepared == ([1] * 8 if left else [1, 7])


def test_nothing_that_was_drawn_is_lost_when_a_reply_breaks_off(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telling, "GATHER", math.inf)
    asked = iter(range(100))
    heard = Heard()
    done = machine.generate(REQUEST, heard, lambda: next(asked) > 5)
    assert done.reason == "cancelled"
    assert len(heard.tokens) == done.reply_tokens > 1
    choose = generation.choose

    def broken(*given: Any, position: int, **more: Any) -> Any:
        if position >= len(broken_at):
            raise EngineError("The model computed values that are not numbers.", kind="model")
        return choose(*given, position=position, **more)

    broken_at = range(len(machine.prompt(REQUEST.messages)) + 4)
    monkeypatch.setattr(generation, "choose", broken)
    heard = Heard()
    with pytest.raises(EngineError):
        machine.generate(REQUEST, heard, lambda: False)
    assert len(heard.tokens) == 4


def test_a_reader_that_is_gone_is_noticed(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine.evaluator.context, "_processors", 2)

    def emit(*events: Event) -> None:
        if isinstance(events[0], Token):
            raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        machine.generate(REQUEST, emit, lambda: False)
    assert machine.generate(REQUEST, Heard(), lambda: False).reply_tokens == 8
