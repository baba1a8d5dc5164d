"""A reply that goes on behind its beginning, texts without a template, and the ordinary cache."""

from __future__ import annotations

from pathlib import Path

import pytest

from chatapp.context.messages import Message
from chatapp.engine.client import EngineOptions, LocalEngine
from chatapp.engine.protocol import Done, Generate, Sampling, Score, Sent, Token
from chatapp.errors import EngineError

QUESTION = [Message("user", "What is the capital of France? Answer with an emoji as well 🗼.")]


async def answer(engine: LocalEngine, request: Generate) -> tuple[list[Token], Done]:
    tokens, done = [], None
    async for event in engine.generate(request):
        if isinstance(event, Token) and event.token is not None:
            tokens.append(event)
        elif isinstance(event, Done):
            done = event
    assert done is not None
    return tokens, done


@pytest.mark.parametrize("temperature", [0.0, 1.2])
async def test_a_reply_cut_after_any_token_goes_on_to_the_bit(
    engine: LocalEngine, temperature: float
) -> None:
    sampling = Sampling(temperature=temperature, seed=4, max_tokens=14)
    whole, done = await answer(engine, Generate(messages=QUESTION, sampling=sampling, hashes=True))
    for cut in (1, 2, len(whole) // 2, len(whole) - 1):
        begun = [token.token for token in whole[:cut] if token.token is not None]
        request = Generate(messages=QUESTION, sampling=sampling, hashes=True, begun=begun)
        rest, end = await answer(engine, request)
        seen = [(token.token, token.logits, token.draw) for token in rest]
        expected = [(token.token, token.logits, token.draw) for token in whole[cut:]]
        assert seen[: len(expected)] == expected
        assert end.text.startswith(done.text)


async def test_begun_tokens_must_be_in_the_vocabulary(engine: LocalEngine) -> None:
    for wrong in (-1, 10**9):
        with pytest.raises(EngineError, match="tokens of this vocabulary"):
            await answer(engine, Generate(messages=QUESTION, begun=[wrong]))


async def test_the_first_distribution_is_hashed_always_and_is_the_one_that_is_scored(
    engine: LocalEngine,
) -> None:
    tokens, _ = await answer(engine, Generate(messages=QUESTION, sampling=Sampling(max_tokens=3)))
    assert tokens[0].logits
    assert {token.logits for token in tokens[1:]} == {None}
    scored = await engine.score(Score(messages=QUESTION, continuations=["x"]))
    assert scored.logits == tokens[0].logits


async def test_plain_sends_the_text_alone(engine: LocalEngine) -> None:
    text = "Once upon a time <|im_end|>"
    prompt = None
    request = Generate(
        messages=[Message("user", text)], plain=True, sampling=Sampling(max_tokens=1)
    )
    async for event in engine.generate(request):
        prompt = event.prompt if isinstance(event, Sent) else prompt
    assert prompt is not None
    assert prompt.text == text
    assert len(prompt.tokens) > 5  # what looks like a control token is text
    scored = await engine.score(
        Score(messages=[Message("user", text)], continuations=["."], plain=True)
    )
    assert scored.prompt.text == text


async def test_an_ordinary_cache_depends_on_what_was_asked_before(
    default_model: Path, engine: LocalEngine
) -> None:
    ordinary = LocalEngine(default_model, EngineOptions(ordinary=True))
    try:
        first = Generate(messages=QUESTION, sampling=Sampling(max_tokens=40))
        _, done = await answer(ordinary, first)
        talk = [*QUESTION, Message("assistant", done.text), Message("user", "And of Spain?")]
        second = Generate(messages=talk, sampling=Sampling(max_tokens=4), hashes=True)
        after, _ = await answer(ordinary, second)
        await answer(ordinary, Generate(messages=[Message("user", "Hello.")]))
        other, _ = await answer(ordinary, second)
        assert [token.logits for token in after] != [token.logits for token in other]
        assert not (await ordinary.fingerprint()).repeatable
        exact = [token.logits for token in (await answer(engine, second))[0]]
        await answer(engine, first)
        assert [token.logits for token in (await answer(engine, second))[0]] == exact
    finally:
        await ordinary.close()
