"""A message that comes while a reply is read back loses nothing of what was computed for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from chatapp.context.messages import Message, as_dicts
from chatapp.engine.child import Engine
from chatapp.engine.evaluation import BLOCK, Evaluator
from chatapp.engine.generation import Turn
from chatapp.engine.llama import Cancelled, Context, Model
from chatapp.engine.pace import Pace

SAID = [Message("user", "Name a river."), Message("assistant", "The Nile.")]
NEXT = {"type": "generate", "messages": as_dicts([*SAID, Message("user", "Another?")])}


@pytest.fixture(scope="module")
def context(default_model: Path) -> Iterator[Context]:
    context = Context(Model(str(default_model)), window=512, pace=Pace(1), batch=BLOCK)
    yield context
    context.close()


@pytest.mark.parametrize(("useless", "kept"), [(False, BLOCK), (True, 0)])
def test_a_block_is_computed_to_its_end_if_it_is_of_use(
    context: Context, useless: bool, kept: int
) -> None:
    evaluator = Evaluator(context)
    evaluator.empty()
    came = False

    def asked_within() -> bool:
        nonlocal came
        came = True  # the message comes while the first block is computed
        return useless

    tokens = [(17 + n * 7919) % context.model.size for n in range(3 * BLOCK)]
    with pytest.raises(Cancelled):
        evaluator.read_blocks(tokens, cancelled=lambda: came, useless=asked_within)
    assert evaluator.held == tokens[:kept]
    logits = evaluator.read(tokens)
    assert (logits == Evaluator(context, reuse=False).read(tokens)).all()


@pytest.mark.parametrize(
    ("change", "leads"),
    [
        ({}, True),
        ({"scope": "another"}, False),
        ({"reuse": False}, False),
        ({"plain": True}, False),
        ({"type": "score"}, False),
        ({"messages": as_dicts([SAID[0], Message("assistant", "The Po.")])}, False),
        ({"messages": as_dicts(SAID[:1])}, False),
        ({"messages": "no list"}, False),
    ],
)
def test_what_follows_a_turn(change: dict[str, Any], leads: bool) -> None:
    assert Turn(SAID, "").leads_to({**NEXT, **change}) is leads


@pytest.mark.parametrize(
    ("request_", "useless"), [(NEXT, False), ({"type": "fingerprint"}, True), (None, True)]
)
def test_the_next_request_says_whether_it_is_of_use(
    request_: dict[str, Any] | None, useless: bool
) -> None:
    """None: the input has ended."""
    seen: list[bool] = []

    class Reading:
        def read_back(
            self, turn: Turn, cancelled: Callable[[], bool], useless: Callable[[], bool]
        ) -> None:
            seen.extend([cancelled(), useless()])
            engine._queue.put(request_)
            seen.extend([cancelled(), useless(), useless()])

    anything: Any = None
    engine = Engine(Reading(), anything, anything, anything, "")  # type: ignore[arg-type]
    engine._turn = Turn(SAID, "")
    engine._read_back()
    assert seen == [False, False, True, useless, useless]
