"""Counts made here against the engine's, for any text a person or a paste may hold."""

from __future__ import annotations

from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chatapp.context.messages import Message
from chatapp.engine.client import LocalEngine
from chatapp.engine.counter import Counter

CONTROL = ["<|im_start|>", "<|im_end|>", "<|endoftext|>", "<repo_name>", "<empty_output>"]
pieces = st.text(max_size=12) | st.sampled_from(
    [*CONTROL, "  ", "\n\n", "12 34", "½ ²", "🇹🇷", "\x00"]
)
texts = st.lists(pieces, max_size=8).map("".join)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts, texts)
async def test_own_ids_equal_the_engines(
    engine: LocalEngine, counter: Counter, one: str, two: str
) -> None:
    messages = [Message("user", one), Message("assistant", two), Message("user", one)]
    messages = [Message.from_dict(message.as_dict()) for message in messages]
    own, sent = await counter.prompt(messages), await engine.render(messages)
    assert own == sent


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(CONTROL) | st.text(max_size=5), min_size=1, max_size=6))
async def test_typed_control_tokens_stay_text(
    engine: LocalEngine, counter: Counter, parts: list[str]
) -> None:
    typed = "".join(parts)
    plain = await engine.render([Message("user", "x")])
    prompt = await engine.render([Message("user", typed)])
    assert plain is not None
    assert prompt is not None
    control = set(range(17))  # this vocabulary's control tokens come first
    assert [t for t in prompt.tokens if t in control] == [t for t in plain.tokens if t in control]


async def test_one_difference_and_counts_come_from_the_engine(
    engine: LocalEngine, default_model: Path
) -> None:
    counter = Counter(engine, default_model)
    messages = [Message("user", "hello")]
    sent = await engine.render(messages)
    assert sent is not None
    assert await counter.check(messages, sent)
    assert counter.source == "own"
    other = await engine.render([Message("user", "hello there")])
    assert other is not None
    assert not await counter.check(messages, other)
    assert counter.source == "engine"
    assert "differ" in (counter.doubt or "")
    assert await counter.prompt(messages) == sent


async def test_a_megabyte_is_counted_exactly_and_soon(
    engine: LocalEngine, counter: Counter
) -> None:
    for text in ("word " * 200_000, "a" * 1_000_000, " " * 1_000_000):
        own = await counter.prompt([Message("user", text)])
        sent = await engine.render([Message("user", text)])
        assert own is not None
        assert sent is not None
        assert len(own) == len(sent), text[:5]
