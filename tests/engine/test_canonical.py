"""Same in, same out, bit for bit, whatever was computed before."""

from __future__ import annotations

import asyncio
import hashlib
import math
import os
import random
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from chatapp.context.messages import Message
from chatapp.engine.client import EngineOptions, LocalEngine
from chatapp.engine.evaluation import BLOCK
from chatapp.engine.protocol import Done, Generate, Prefill, Sampling, Score, Sent, Token
from chatapp.engine.shelf import Shelf, common_blocks

WORDS = "sea whale river stone lamp seven Ankara green why ½ 12 日本 don't\n the of and".split(" ")


def conversation(rng: random.Random, turns: int) -> list[Message]:
    """A transcript of odd words that ends with a person's message."""
    found: list[Message] = []
    for _ in range(turns):
        found.append(Message("user", " ".join(rng.choices(WORDS, k=rng.randrange(5, 40)))))
        found.append(Message("assistant", " ".join(rng.choices(WORDS, k=rng.randrange(5, 40)))))
    return [*found, Message("user", "What " + " ".join(rng.choices(WORDS, k=5)))]


async def bits(
    engine: LocalEngine, messages: Sequence[Message], sampling: Sampling
) -> tuple[list[tuple[int | None, str | None]], int]:
    """The token ids and logits hashes of an answer, and how many tokens were reused."""
    request = Generate(messages=messages, sampling=sampling, hashes=True)
    found, reused = [], 0
    async for event in engine.generate(request):
        if isinstance(event, Token) and event.token is not None:
            found.append((event.token, event.logits))
        if isinstance(event, Sent):
            reused = event.reused or 0
    assert found
    return found, reused


GREEDY = Sampling(max_tokens=8)
DRAWN = Sampling(temperature=1.1, top_k=0, top_p=0.98, min_p=0.0, seed=11, max_tokens=8)


@pytest.fixture(scope="module")
async def fresh(default_model: Path) -> LocalEngine:
    """An engine that computes everything anew every time."""
    return LocalEngine(default_model, EngineOptions(reuse=False))


@pytest.mark.parametrize("sampling", [GREEDY, DRAWN], ids=["greedy", "drawn"])
async def test_reuse_changes_no_bit(
    engine: LocalEngine, fresh: LocalEngine, sampling: Sampling
) -> None:
    rng = random.Random(5)
    kept = 0
    for _ in range(4):
        messages = conversation(rng, rng.randrange(1, 4))
        expected, none = await bits(fresh, messages, sampling)
        assert none == 0
        assert (await bits(engine, messages, sampling))[0] == expected
        # Something else in between, then the same again.
        await bits(engine, conversation(rng, 2), sampling)
        again, reused = await bits(engine, messages, sampling)
        assert again == expected
        kept += reused
    assert kept > 0


async def test_a_conversation_that_goes_on_reads_its_reply_back_while_idle(
    engine: LocalEngine, fresh: LocalEngine
) -> None:
    messages = [Message("user", "Tell me a story about a lighthouse and the sea.")]
    request = Generate(messages=messages, sampling=Sampling(max_tokens=150))
    text = ""
    async for event in engine.generate(request):
        if isinstance(event, Done):
            text = event.text
    messages += [Message("assistant", text), Message("user", "And then?")]
    prompt = await engine.render(messages)
    assert prompt is not None
    for _ in range(200):  # idle time
        await asyncio.sleep(0.05)
        if (await engine.render(messages)) is None:
            break
        found = await engine.score(Score(messages=messages, continuations=["x"]))
        if found.reused:
            break
    new = len(prompt) - len((await engine.render(messages[:2], answer=False) or prompt).tokens)
    again, reused = await bits(engine, messages, GREEDY)
    assert len(prompt) - reused <= new + BLOCK
    assert again == (await bits(fresh, messages, GREEDY))[0]


async def test_switching_between_two_conversations_keeps_both(
    engine: LocalEngine, fresh: LocalEngine
) -> None:
    rng = random.Random(9)
    one, two = conversation(rng, 4), conversation(rng, 4)
    expected = [(await bits(fresh, messages, GREEDY))[0] for messages in (one, two)]
    for turn in range(3):
        for messages, bit in zip((one, two), expected, strict=True):
            found, reused = await bits(engine, messages, GREEDY)
            assert found == bit
            if turn:
                prompt = await engine.render(messages)
                assert prompt is not None
                assert len(prompt) - reused <= BLOCK


async def test_an_aborted_prefill_leaves_the_same_bits(
    engine: LocalEngine, fresh: LocalEngine
) -> None:
    messages = conversation(random.Random(3), 8)
    expected, _ = await bits(fresh, messages, GREEDY)
    for blocks in (1, 2):
        request = Generate(messages=messages)
        async for event in engine.generate(request):
            if isinstance(event, Prefill) and event.done >= blocks * BLOCK:
                await engine.cancel(request) if event.done == event.total else None
                break
        found, _ = await bits(engine, messages, GREEDY)
        assert found == expected
        await bits(engine, conversation(random.Random(blocks), 1), GREEDY)


async def test_a_new_process_computes_the_same_bits(
    engine: LocalEngine, default_model: Path
) -> None:
    messages = conversation(random.Random(4), 2)
    expected, _ = await bits(engine, messages, DRAWN)
    other = LocalEngine(default_model, EngineOptions(window=1024))
    assert (await bits(other, messages, DRAWN))[0] == expected
    assert other.pid is not None
    os.kill(other.pid, signal.SIGKILL)
    while other.state == "ready":
        await asyncio.sleep(0.01)
    assert (await bits(other, messages, DRAWN))[0] == expected
    await other.close()


async def test_an_ordinary_prefix_cache_would_not_hold(default_model: Path) -> None:
    """The reason for all this: entries left by generation differ from entries that were read."""
    script = """
import hashlib, sys
from chatapp.engine.llama import Context, Model, quiet
from chatapp.engine.pace import Pace
quiet()
context = Context(Model(sys.argv[1]), window=512, pace=Pace(1), batch=64)
tokens = [(n * 7919) % 40000 + 20 for n in range(100)]
def logits(): return hashlib.sha256(context.logits().tobytes()).hexdigest()
context.evaluate(tokens[:64]); context.evaluate(tokens[64:]); read = logits()
context.cut(64)
for token in tokens[64:]: context.evaluate([token])
print(read == logits())
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(default_model)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "False"


async def test_scores_equal_the_logprobs_of_the_same_tokens_generated(engine: LocalEngine) -> None:
    messages = [Message("user", "What is the capital of Turkey?")]
    generated: list[Token] = []
    async for event in engine.generate(Generate(messages=messages, hashes=True)):
        if isinstance(event, Token) and event.token is not None and not event.ends:
            generated.append(event)
    text = "".join(token.text for token in generated)
    found = await engine.score(
        Score(messages=messages, continuations=[text, "No idea.", text[:20], text], alternatives=3)
    )
    whole = found.scores[0]
    assert list(whole.tokens) == [token.token for token in generated]
    assert list(whole.logprobs) == [token.logprob for token in generated]  # exactly
    assert found.scores[3] == whole
    assert found.logits == generated[0].logits
    assert found.scores[1].logprob < whole.logprob
    assert whole.logprob == math.fsum(whole.logprobs)
    assert found.alternatives[0].token == generated[0].token


async def test_scores_after_a_prefix(engine: LocalEngine) -> None:
    messages = [Message("user", "What is the capital of Turkey?")]
    words = [" Ankara", " Istanbul", " Ankara is", " Ank"]
    many = await engine.score(
        Score(messages=messages, prefix="The capital of Turkey is", continuations=words)
    )
    for word, scored in zip(words, many.scores, strict=True):
        alone = await engine.score(
            Score(messages=messages, prefix="The capital of Turkey is", continuations=[word])
        )
        assert alone.scores[0] == scored
        assert alone.logits == many.logits
    assert many.scores[1].logprob > many.scores[0].logprob  # confidently wrong
    assert sum(math.exp(s.logprob) for s in many.scores[:2]) <= 1


async def test_the_distribution_and_the_draw_are_told(engine: LocalEngine) -> None:
    sampling = Sampling(temperature=1.5, top_k=5, top_p=1.0, min_p=0.0, seed=3, max_tokens=6)
    request = Generate(
        messages=[Message("user", "Name an animal.")], sampling=sampling, alternatives=8
    )
    position = 0
    async for event in engine.generate(request):
        if isinstance(event, Sent):
            position = len(event.prompt or ())
        if isinstance(event, Token) and event.token is not None:
            assert event.kept == 5
            assert [other.share == 0 for other in event.alternatives] == [False] * 5 + [True] * 3
            assert sum(other.share or 0 for other in event.alternatives) == pytest.approx(1)
            digest = hashlib.sha256(f"3:{position}".encode()).hexdigest()
            assert event.draw == (int(digest[:16], 16) >> 11) / 2**53
            edge = 0.0
            for other in event.alternatives:
                edge += other.share or 0
                if event.draw < edge:
                    assert other.token == event.token
                    break
            # The heated shares, by hand from the log-probabilities.
            heated = [math.exp(other.logprob / 1.5) for other in event.alternatives[:5]]
            shares = [weight / sum(heated) for weight in heated]
            found = [other.share for other in event.alternatives[:5]]
            assert found == pytest.approx(shares, rel=1e-5)
            position += 1


async def test_the_fingerprint_names_the_file_on_disk(
    engine: LocalEngine, default_model: Path
) -> None:
    before = await engine.fingerprint()
    async for _ in engine.generate(Generate(messages=[Message("user", "Hi.")], sampling=GREEDY)):
        pass
    after = await engine.fingerprint()
    assert before == after
    by_hand = subprocess.run(
        ["sha256sum", str(default_model)], capture_output=True, text=True, check=True
    )
    assert before.sha256 == by_hand.stdout.split()[0]
    assert before.bytes == default_model.stat().st_size
    assert before.mapping == "read-only"
    assert before.repeatable


async def test_the_self_test_reports_by_itself(default_model: Path) -> None:
    engine = LocalEngine(default_model, EngineOptions(window=512))
    told = asyncio.Event()
    engine.on_checked = lambda _: told.set()
    await engine.start()
    await asyncio.wait_for(told.wait(), 30)
    assert engine.checked is not None
    assert engine.checked.repeatable
    assert engine.checked.reuse
    assert engine.checked.logits == (await engine.fingerprint()).logits
    await engine.close()


def test_the_shelf_is_bounded_and_lets_the_oldest_go() -> None:
    shelf = Shelf(room=100)
    for n in range(5):
        shelf.put([n] * BLOCK, bytes(30))
    assert shelf.size <= 100
    assert shelf.best([0] * BLOCK, BLOCK) == (0, None)
    shared, saved = shelf.best([4] * BLOCK, BLOCK)
    assert shared == BLOCK
    assert saved is not None
    shelf.put([1], bytes(200))  # larger than the shelf: not kept
    assert shelf.size <= 100


def test_a_longer_cache_of_the_same_text_replaces_the_shorter() -> None:
    shelf = Shelf()
    shelf.put([1] * BLOCK, b"short")
    shelf.put([1] * 2 * BLOCK, b"long")
    assert shelf.size == len(b"long")


def test_common_blocks_counts_whole_blocks_only() -> None:
    assert common_blocks([1, 2, 3, 4, 5], [1, 2, 3, 4, 6], 2) == 4
    assert common_blocks([1, 2, 3], [1, 2, 3], 2) == 2
    assert common_blocks([], [1], 2) == 0


async def test_the_same_prompt_again_computes_nothing_and_changes_nothing(
    engine: LocalEngine, fresh: LocalEngine
) -> None:
    rng = random.Random(21)
    messages, other = conversation(rng, 2), conversation(rng, 1)
    expected, _ = await bits(fresh, messages, DRAWN)
    assert (await bits(engine, messages, DRAWN))[0] == expected
    again, reused = await bits(engine, messages, DRAWN)
    prompt = await engine.render(messages)
    assert prompt is not None
    assert (again, reused) == (expected, len(prompt))
    score = Score(messages=messages, continuations=[" Ankara", " sea"], prefix="It is")
    scored = await engine.score(score)
    assert scored.reused == len(prompt)
    assert scored.logits == (await fresh.score(score)).logits
    await bits(engine, other, GREEDY)
    assert (await bits(engine, messages, DRAWN))[0] == expected


def test_a_scope_finds_only_its_own_and_displaces_first_what_is_its_own() -> None:
    shelf = Shelf(room=100)
    shelf.put([1] * BLOCK, bytes(30), "calm")
    for n in range(2, 6):
        shelf.put([n] * BLOCK, bytes(30), "flood")
    assert shelf.size <= 100
    assert shelf.best([1] * BLOCK, BLOCK, "calm")[0] == BLOCK
    assert shelf.best([1] * BLOCK, BLOCK, "flood") == (0, None)
    assert shelf.best([1] * BLOCK, BLOCK) == (0, None)
    assert shelf.best([2] * BLOCK, BLOCK, "flood") == (0, None)  # the oldest of its own has left
    assert shelf.best([5] * BLOCK, BLOCK, "flood")[0] == BLOCK
