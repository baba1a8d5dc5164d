"""The real model behind the real pipe."""

from __future__ import annotations

import asyncio
import hashlib
import math
import os
import signal
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import pytest

from chatapp.context.messages import Message
from chatapp.engine.about import ask
from chatapp.engine.client import EngineOptions, LocalEngine
from chatapp.engine.protocol import Done, Generate, Prefill, Sampling, Sent, Token
from chatapp.errors import EngineDied, EngineError, GGUFError, TemplateError

TURKEY = [Message("user", "What is the capital of Turkey?")]
STORY = Generate(
    messages=[Message("user", "Tell me a long story about a whale and a lighthouse.")],
    sampling=Sampling(max_tokens=400),
)


async def answer(engine: LocalEngine, request: Generate) -> tuple[list[Token], Done]:
    tokens: list[Token] = []
    async for event in engine.generate(request):
        if isinstance(event, Token):
            tokens.append(event)
        if isinstance(event, Done):
            return tokens, event
    raise AssertionError("no end")


@pytest.fixture
async def mortal(default_model: Path) -> AsyncIterator[LocalEngine]:
    """An engine of one's own, to be killed."""
    engine = LocalEngine(default_model, EngineOptions(window=1024))
    await engine.start()
    yield engine
    await engine.close()


async def test_the_default_model_answers(engine: LocalEngine) -> None:
    tokens, done = await answer(engine, Generate(messages=TURKEY))
    *tokens, end = tokens
    assert end.ends
    assert done.text == "The capital of Turkey is Istanbul."  # confidently wrong: see the catalogue
    assert "".join(token.text for token in tokens) == done.text
    assert done.reason == "stop"
    assert done.reply_tokens == len(tokens) == 7
    assert all(token.logprob is not None and token.logprob <= 0 for token in tokens)


@pytest.mark.parametrize(
    "sampling", [Sampling(), Sampling(temperature=0.3, seed=5)], ids=["greedy", "drawn"]
)
async def test_the_token_that_ends_a_reply_is_told_but_no_part_of_it(
    engine: LocalEngine, sampling: Sampling
) -> None:
    request = Generate(messages=TURKEY, sampling=sampling, alternatives=5, hashes=True)
    prompt = await engine.render(TURKEY)
    assert prompt is not None
    tokens, done = await answer(engine, request)
    assert done.reason == "stop"
    *said, end = tokens
    assert [token.ends for token in tokens] == [None] * len(said) + [True]
    assert "".join(token.text for token in said) == done.text
    assert done.reply_tokens == len(said)
    # It is a choice like the others: its id, its probability, its draw, what else could be.
    assert end.text == ""
    assert end.token in [other.token for other in end.alternatives]
    assert next(o for o in end.alternatives if o.token == end.token).text == "<|im_end|>"
    assert end.logits is not None
    assert end.share is not None
    if sampling.temperature:
        digest = hashlib.sha256(f"5:{len(prompt) + len(said)}".encode()).hexdigest()
        assert end.draw == (int(digest[:16], 16) >> 11) / 2**53
    # As probable as the scores say that the model finds it.
    assert end.logprob is not None
    assert math.exp(end.logprob) > 0.1


async def test_a_reply_that_is_cut_off_or_stopped_has_no_such_token(engine: LocalEngine) -> None:
    for sampling in (Sampling(max_tokens=3), Sampling(stop=(" Tur",))):
        tokens, done = await answer(engine, Generate(messages=TURKEY, sampling=sampling))
        assert not any(token.ends for token in tokens)
        assert done.reply_tokens == sum(token.token is not None for token in tokens)


async def test_the_next_turn_reuses_the_same_blocks_as_ever(mortal: LocalEngine) -> None:
    tokens, done = await answer(mortal, Generate(messages=TURKEY))
    assert tokens[-1].ends
    messages = [*TURKEY, Message("assistant", done.text), Message("user", "Are you sure of it?")]
    prompt = await mortal.render(messages)
    fresh = await answer(mortal, Generate(messages=messages, hashes=True, reuse=False))
    again = await answer(mortal, Generate(messages=messages, hashes=True))
    assert prompt is not None
    assert fresh[1].prompt_tokens == len(prompt)
    assert fresh[0] == again[0]


async def test_alternatives_are_the_most_probable_tokens(engine: LocalEngine) -> None:
    tokens, _ = await answer(engine, Generate(messages=TURKEY, alternatives=3))
    for token in tokens:
        logprobs = [other.logprob for other in token.alternatives]
        assert len(logprobs) == 3
        assert logprobs == sorted(logprobs, reverse=True)
        assert token.alternatives[0].token == token.token  # greedy takes the top one
        assert token.alternatives[0].logprob == token.logprob


async def test_same_request_same_tokens_other_seed_other_tokens(engine: LocalEngine) -> None:
    def request(seed: int) -> Generate:
        hot = Sampling(temperature=1.2, top_k=0, top_p=1.0, min_p=0.0, seed=seed, max_tokens=24)
        return Generate(messages=STORY.messages, sampling=hot)

    first, second = [await answer(engine, request(7)) for _ in range(2)]
    other = await answer(engine, request(8))
    assert first[0] == second[0]
    assert other[1].text != first[1].text


async def test_the_window_is_never_overrun(small_engine: LocalEngine) -> None:
    fill = [Message("user", "Tell me a story. " + "word " * 180)]
    hot = Sampling(temperature=2.0, top_k=0, top_p=1.0, min_p=0.0, seed=3, max_tokens=500)
    _, done = await answer(small_engine, Generate(messages=fill, sampling=hot))
    assert done.reason == "window"
    assert done.prompt_tokens is not None
    assert done.reply_tokens is not None
    assert done.prompt_tokens + done.reply_tokens == 256
    with pytest.raises(EngineError, match="Nothing was cut off"):
        await answer(small_engine, Generate(messages=[Message("user", "word " * 300)]))


async def test_reply_length_and_stop_texts(engine: LocalEngine) -> None:
    _, done = await answer(engine, Generate(messages=TURKEY, sampling=Sampling(max_tokens=3)))
    assert (done.reason, done.text) == ("length", "The capital of")
    stop = Sampling(stop=(" Tur",))
    _, done = await answer(engine, Generate(messages=TURKEY, sampling=stop))
    assert (done.reason, done.text) == ("stop", "The capital of")


async def test_cancel_stops_decoding_and_keeps_the_text(engine: LocalEngine) -> None:
    text, done = "", None
    async for event in engine.generate(STORY):
        if isinstance(event, Token):
            text += event.text
            if len(text) > 40 and done is None:
                asyncio.get_running_loop().create_task(engine.cancel(STORY))
        if isinstance(event, Done):
            done = event
    assert done is not None
    assert done.reason == "cancelled"
    assert done.text == text
    assert done.reply_tokens is not None
    assert done.reply_tokens < 300


async def test_cancel_stops_prefill_within_a_block(mortal: LocalEngine) -> None:
    long = Generate(messages=[Message("user", "word " * 900)])
    told: list[Prefill] = []
    async for event in mortal.generate(long):
        if isinstance(event, Prefill):
            told.append(event)
            if len(told) == 1:
                asyncio.get_running_loop().create_task(mortal.cancel(long))
        if isinstance(event, Done):
            assert event.reason == "cancelled"
            assert event.text == ""
    assert len(told) <= 3
    assert told[-1].done < told[-1].total / 2
    _, done = await answer(mortal, Generate(messages=TURKEY))
    assert done.text == "The capital of Turkey is Istanbul."


async def test_leaving_a_reply_early_stops_it(
    engine: LocalEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    came: list[dict[str, object]] = []
    noted = engine._noted
    monkeypatch.setattr(engine, "_noted", lambda event: came.append(event) or noted(event))
    async with aclosing(engine.generate(STORY)) as events:
        async for event in events:
            if isinstance(event, Token):
                break
    await answer(engine, Generate(messages=TURKEY))
    ended = next(event for event in came if event["type"] == "done")
    assert ended["reason"] == "cancelled"
    assert sum(event["type"] == "token" for event in came) < 100  # of the story's 400


async def test_rendering_answers_while_a_reply_is_generated(engine: LocalEngine) -> None:
    order = []
    async for event in engine.generate(STORY):
        if isinstance(event, Sent):
            assert await engine.render(STORY.messages) == event.prompt
            order.append("rendered")
        if isinstance(event, Done):
            order.append("done")
        if isinstance(event, Token) and len(order) == 1:
            order.append("token")
            asyncio.get_running_loop().create_task(engine.cancel(STORY))
    assert order == ["rendered", "token", "done"]


@pytest.mark.parametrize("moment", [Sent, Prefill, Token])
async def test_a_killed_engine_is_noticed_and_started_again(
    mortal: LocalEngine, moment: type
) -> None:
    before = await answer(mortal, Generate(messages=TURKEY))
    with pytest.raises(EngineDied):
        async for event in mortal.generate(STORY):
            if isinstance(event, moment) and mortal.pid:
                os.kill(mortal.pid, signal.SIGKILL)
    assert mortal.state == "stopped"
    after = await answer(mortal, Generate(messages=TURKEY))
    assert mortal.starts == 2
    # The first answer of a process is computed afresh, and so is this one: same bits.
    assert before[0] == after[0]


async def test_a_crash_is_told_by_its_name(mortal: LocalEngine) -> None:
    for number, crash in ((signal.SIGSEGV, "SIGSEGV"), (signal.SIGKILL, None)):
        with pytest.raises(EngineDied) as told:
            async for event in mortal.generate(STORY):
                if isinstance(event, Token) and mortal.pid:
                    os.kill(mortal.pid, number)
        assert told.value.crash == crash
        how = f"crashed ({crash})" if crash else "ended"
        assert str(told.value) == f"The model process {how}."


async def test_a_stuck_engine_is_killed_after_a_moment(mortal: LocalEngine) -> None:
    reasons = []
    async for event in mortal.generate(STORY):
        if isinstance(event, Token) and not reasons:
            assert mortal.pid is not None
            os.kill(mortal.pid, signal.SIGSTOP)
            reasons.append("stuck")
            task = asyncio.get_running_loop().create_task(mortal.cancel(STORY))
        if isinstance(event, Done):
            reasons.append(event.reason)
    await task
    assert reasons == ["stuck", "cancelled"]


async def test_closing_ends_the_process(default_model: Path) -> None:
    engine = LocalEngine(default_model)
    await engine.start()
    pid = engine.pid
    assert pid is not None
    await engine.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_the_native_log_is_private_and_holds_nothing_said(
    default_model: Path, tmp_path: Path
) -> None:
    log = tmp_path / "engine.log"
    engine = LocalEngine(default_model, log=log)
    await answer(engine, Generate(messages=[Message("user", "xyzzy-secret")]))
    await engine.close()
    assert log.stat().st_mode & 0o777 == 0o600
    assert "llama" in log.read_text()
    assert "xyzzy" not in log.read_text()


@pytest.mark.parametrize("cut", [0, 3, 100, 2_000_000, 90_000_000])
async def test_a_truncated_model_is_one_sentence(
    default_model: Path, tmp_path: Path, cut: int
) -> None:
    path = tmp_path / "cut.gguf"
    with default_model.open("rb") as whole:
        path.write_bytes(whole.read(cut))
    engine = LocalEngine(path)
    with pytest.raises(GGUFError):
        await engine.start()
    assert engine.state == "failed"


async def test_a_model_with_a_hostile_template_still_loads(
    default_model: Path, tmp_path: Path
) -> None:
    data = default_model.read_bytes()
    at = data.index(b"{% for message in messages %}")
    hostile = b"{% for i in range(9999999999) %}{% endfor %}"
    path = tmp_path / "hostile.gguf"
    path.write_bytes(data[:at] + hostile + data[at + len(hostile) :])
    engine = LocalEngine(path)
    await engine.start()
    with pytest.raises(TemplateError):
        await answer(engine, Generate(messages=TURKEY))
    assert engine.state == "ready"
    await engine.close()


async def test_a_model_without_a_template_continues_text(
    default_model: Path, tmp_path: Path
) -> None:
    data = default_model.read_bytes()
    # The key is renamed in place, so that llama.cpp finds no template under it.
    path = tmp_path / "plain.gguf"
    path.write_bytes(data.replace(b"tokenizer.chat_template", b"tokenizer.chat_nothing_", 1))
    engine = LocalEngine(path)
    ready = await engine.start()
    assert ready.own_template is False
    messages = [Message("user", "Once upon a")]
    async for event in engine.generate(
        Generate(messages=messages, sampling=Sampling(max_tokens=4))
    ):
        if isinstance(event, Sent):
            assert event.prompt is not None
            assert event.prompt.text == "Once upon a\n"
    await engine.close()


async def test_a_missing_model_and_an_impossible_window(
    default_model: Path, tmp_path: Path
) -> None:
    with pytest.raises(GGUFError):
        await LocalEngine(tmp_path / "nothing.gguf").start()


async def test_a_module_in_the_current_folder_is_no_part_of_the_engine(
    default_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "numpy.py").write_text("open('ran', 'w')\nraise SystemExit(3)\n")
    monkeypatch.chdir(tmp_path)
    engine = LocalEngine(default_model.absolute(), EngineOptions(window=256))
    try:
        assert (await engine.start()).window == 256
    finally:
        await engine.close()
    assert ask().build
    assert not (tmp_path / "ran").exists()


def test_instructions_that_crash_are_not_compiled_in() -> None:
    """Where the processor has them (packaging/llama.cmake); on others nothing is shown."""
    assert not [feature for feature in ask().features if "AMX" in feature]
