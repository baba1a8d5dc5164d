"""What is told of a token is put together while the network computes the next one."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatapp.context.messages import Message
from chatapp.context.template import ChatTemplate
from chatapp.engine.evaluation import Evaluator
from chatapp.engine.generation import Machine
from chatapp.engine.llama import Context, Model
from chatapp.engine.pace import Pace
from chatapp.engine.protocol import Event, Generate, Sampling, Token

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


@pytest.mark.parametrize("left", [True, False])
def test_it_is_told_in_order_with_its_own_numbers(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, left: bool
) -> None:
    """On another thread where a processor is left for it."""
    monkeypatch.setattr(machine.evaluator.context, "_processors", 2 if left else 1)
    told: list[tuple[bool, Token]] = []

    def emit(event: Event) -> None:
        if isinstance(event, Token):
            told.append((threading.current_thread() is threading.main_thread(), event))

    done = machine.generate(REQUEST, emit, lambda: False)
    assert "".join(token.text for _, token in told) == done.text
    assert done.reply_tokens == 8 == len(told)
    # After the last one nothing is computed.
    assert [here for here, _ in told] == [not left] * 7 + [True]
    for _, token in told:  # each with its own logits, not with those that were computed meanwhile
        assert token.alternatives[0].token == token.token
        assert token.logprob == pytest.approx(token.alternatives[0].logprob, abs=1e-9)


def test_a_reader_that_is_gone_is_noticed(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine.evaluator.context, "_processors", 2)

    def emit(event: Event) -> None:
        if isinstance(event, Token):
            raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        machine.generate(REQUEST, emit, lambda: False)
    assert machine.generate(REQUEST, lambda _: None, lambda: False).reply_tokens == 8
