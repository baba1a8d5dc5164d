"""The switch of the arithmetic cache, request by request: slower, and not one bit different."""

from __future__ import annotations

import pytest

from chatapp.context.messages import Message
from chatapp.engine.client import LocalEngine
from chatapp.engine.protocol import Done, Generate, Sampling, Sent, Token

TALK = [
    Message("user", "Tell me of the sea, of whales and of the lighthouse on the rock. " * 8),
    Message("assistant", "The sea is wide. " * 8),
    Message("user", "And then?"),
]
GREEDY = Sampling(max_tokens=12)
DRAWN = Sampling(temperature=1.1, top_k=0, top_p=0.98, min_p=0.0, seed=11, max_tokens=12)


async def answer(
    engine: LocalEngine, sampling: Sampling, *, reuse: bool
) -> tuple[list[Token], Sent, Done]:
    request = Generate(messages=TALK, sampling=sampling, hashes=True, alternatives=5, reuse=reuse)
    tokens: list[Token] = []
    sent = done = None
    async for event in engine.generate(request):
        if isinstance(event, Token):
            tokens.append(event)
        elif isinstance(event, Sent):
            sent = event
        elif isinstance(event, Done):
            done = event
    assert sent is not None
    assert done is not None
    return tokens, sent, done


@pytest.mark.parametrize("sampling", [GREEDY, DRAWN], ids=["greedy", "drawn"])
async def test_with_and_without_it_the_answer_is_the_same(
    engine: LocalEngine, sampling: Sampling
) -> None:
    await answer(engine, sampling, reuse=True)
    with_it, sent, _ = await answer(engine, sampling, reuse=True)
    assert sent.reused
    without, sent, done = await answer(engine, sampling, reuse=False)
    assert sent.reused == done.reused == 0
    assert sent.evaluate == done.evaluated == len(sent.prompt or ())
    assert without == with_it
    assert all(token.logits for token in without)
    # And with it once more, after one without.
    again, sent, _ = await answer(engine, sampling, reuse=True)
    assert sent.reused
    assert again == with_it


async def test_each_draw_lies_in_the_part_of_the_token_taken(engine: LocalEngine) -> None:
    tokens, _, _ = await answer(engine, DRAWN, reuse=True)
    for token in tokens:
        assert token.draw is not None
        assert token.before is not None
        assert token.share is not None
        assert token.before - 1e-12 <= token.draw <= token.before + token.share + 1e-12
        shares = [other.share or 0.0 for other in token.alternatives]
        place = [other.token for other in token.alternatives]
        if token.token in place:
            assert sum(shares[: place.index(token.token)]) == pytest.approx(token.before)
