"""On the real model: what is pasted is answered from, and a new session without it is the old one.

One loaded engine serves them all.
"""

from __future__ import annotations

from collections.abc import Sequence

from chatapp.conversation import Conversation
from chatapp.engine.client import LocalEngine
from chatapp.engine.counter import Counter
from chatapp.engine.protocol import Sampling

DOG = "My dog is called Biscuit."
QUESTION = "What is my dog called?"


async def said(
    engine: LocalEngine, counter: Counter, text: str, *, notes: Sequence[str] = ()
) -> Conversation:
    talk = Conversation(engine, counter, sampling=Sampling(max_tokens=40), notes=notes)
    async for _ in talk.send(text):
        pass
    return talk


def bits(talk: Conversation) -> tuple[str | None, str, list[int | None]]:
    facts = talk.turns[-1]
    return facts.first_logits, talk.nodes[-1].content, [token.token for token in facts.tokens[:]]


async def test_a_saved_note_is_answered_from_and_leaves_nothing(
    engine: LocalEngine, counter: Counter
) -> None:
    before = await said(engine, counter, QUESTION)
    noted = await said(engine, counter, QUESTION, notes=[DOG])
    after = await said(engine, counter, QUESTION)
    assert "Biscuit" in noted.nodes[-1].content
    assert "Biscuit" not in before.nodes[-1].content
    assert bits(after) == bits(before)
    budget = await noted.budget()
    assert budget is not None
    assert budget.notes > 5
    assert noted.turns[-1].messages[0].content == f"Saved notes:\n- {DOG}"
