"""Adapters on the real model: exact like the base, changed in place, and never a crash."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from chatapp.context.messages import Message
from chatapp.engine.client import EngineOptions, LocalEngine
from chatapp.engine.protocol import Generate, Prefill, Sampling, Score, Sent, Token
from chatapp.errors import EngineError
from tests.weights.adapters import lora, write

WORDS = "sea whale river stone lamp seven Ankara green why ½ 12 日本 don't the of and".split(" ")
GREEDY = Sampling(max_tokens=4)
DRAWN = Sampling(temperature=1.1, top_k=0, top_p=0.98, min_p=0.0, seed=11, max_tokens=4)
LONG = [
    Message("user", "Tell me of the sea, of whales and of the lighthouse on the rock. " * 8),
    Message("assistant", "The sea is wide. " * 8),
    Message("user", "And then?"),
]
SHORT = [Message("user", "What is the capital of Turkey?")]
OTHER = [Message("user", "Name a river, a stone and a whale.")]

Bits = list[tuple[int | None, str | None]]


@pytest.fixture(scope="module")
def turkey(tmp_path_factory: pytest.TempPathFactory, default_model: Path) -> Path:
    path = tmp_path_factory.mktemp("adapters") / "turkey" / "adapter.gguf"
    return write(path, lora(default_model, seed=1), base=default_model)


@pytest.fixture(scope="module")
def whales(tmp_path_factory: pytest.TempPathFactory, default_model: Path) -> Path:
    path = tmp_path_factory.mktemp("adapters") / "whales.gguf"
    return write(path, lora(default_model, seed=2, kind=np.float16))


@pytest.fixture(scope="module")
async def one(default_model: Path) -> AsyncIterator[LocalEngine]:
    """An engine whose adapter the tests change."""
    engine = LocalEngine(default_model, EngineOptions(window=512))
    await engine.start()
    yield engine
    await engine.close()


@pytest.fixture(autouse=True)
async def back(one: LocalEngine) -> None:
    """Each test begins with the base alone."""
    await one.use_adapter(None)


async def bits(engine: LocalEngine, messages: list[Message], sampling: Sampling = GREEDY) -> Bits:
    """The token ids of an answer, and the hash of all logits at each."""
    request = Generate(messages=messages, sampling=sampling, hashes=True)
    found = [
        (event.token, event.logits)
        async for event in engine.generate(request)
        if isinstance(event, Token) and event.logits
    ]
    assert found
    return found


async def fresh(base: Path, adapter: Path | None, scale: float = 1.0) -> dict[str, Bits]:
    """What a process gives that has computed nothing else, each prompt afresh."""
    options = EngineOptions(window=512, reuse=False, adapter=adapter, adapter_scale=scale)
    engine = LocalEngine(base, options)
    try:
        return {
            "long": await bits(engine, LONG),
            "short": await bits(engine, SHORT),
            "drawn": await bits(engine, SHORT, DRAWN),
        }
    finally:
        await engine.close()


async def all_of(engine: LocalEngine) -> dict[str, Bits]:
    return {
        "long": await bits(engine, LONG),
        "short": await bits(engine, SHORT),
        "drawn": await bits(engine, SHORT, DRAWN),
    }


# ── exactness ───────────────────────────────────────────────────────────────────────────────────


async def test_every_swap_is_exact_whatever_was_computed_before(
    one: LocalEngine, default_model: Path, turkey: Path, whales: Path
) -> None:
    wanted = {
        path and path.name + str(scale): await fresh(default_model, path, scale)
        for path, scale in ((None, 1.0), (turkey, 1.0), (turkey, 0.5), (whales, 1.0))
    }
    assert len({json.dumps(answers) for answers in wanted.values()}) == len(wanted)
    for path, scale in (
        (turkey, 1.0),
        (None, 1.0),
        (turkey, 0.5),
        (whales, 1.0),
        (turkey, 1.0),
        (None, 1.0),
    ):
        await one.use_adapter(path, scale)
        for _ in range(2):  # the second time with what the first has left behind
            assert await all_of(one) == wanted[path and path.name + str(scale)]
            await bits(one, OTHER)


async def test_under_an_adapter_histories_change_no_bit(
    one: LocalEngine, default_model: Path, turkey: Path
) -> None:
    await one.use_adapter(turkey)
    rng = random.Random(4)
    wanted = await fresh(default_model, turkey)
    reused = 0
    for _ in range(6):
        words = " ".join(rng.choices(WORDS, k=rng.randrange(4, 150)))
        other = Generate(messages=[Message("user", words)], sampling=Sampling(max_tokens=4))
        async for event in one.generate(other):
            if isinstance(event, Prefill) and rng.random() < 0.5:
                break  # whoever asked has left: the prefill is aborted
        key, messages = rng.choice([("long", LONG), ("short", SHORT)])
        async for event in one.generate(Generate(messages=messages, sampling=GREEDY)):
            reused += (event.reused or 0) if isinstance(event, Sent) else 0
        assert await bits(one, messages) == wanted[key]
    assert reused > 0


async def test_scale_0_is_the_base_and_a_zero_adapter_changes_nothing(
    one: LocalEngine, default_model: Path, turkey: Path, tmp_path: Path
) -> None:
    base = await all_of(one)
    ready = await one.use_adapter(turkey, 0.0)
    assert (ready.adapter, ready.adapter_scale) == ("turkey", 0.0)
    assert await all_of(one) == base
    zero = write(tmp_path / "zero.gguf", lora(default_model, size=0.0), base=default_model)
    await one.use_adapter(zero)
    assert await all_of(one) == base
    await one.use_adapter(turkey)
    assert await all_of(one) != base


async def test_scores_come_from_the_adapter_too(one: LocalEngine, turkey: Path) -> None:
    request = Score(messages=SHORT, continuations=["Ankara", "Istanbul"])
    base = await one.score(request)
    await one.use_adapter(turkey)
    added = await one.score(request)
    assert added.logits != base.logits
    await one.use_adapter(None)
    assert await one.score(request) == base


async def test_a_swap_waits_for_the_answer_that_is_under_way(
    one: LocalEngine, turkey: Path
) -> None:
    sampling = Sampling(max_tokens=40)
    base = await bits(one, SHORT, sampling)
    found: Bits = []
    swap: asyncio.Task[Any] | None = None
    request = Generate(messages=SHORT, sampling=sampling, hashes=True)
    async for event in one.generate(request):
        if swap is None:
            swap = asyncio.create_task(one.use_adapter(turkey))
        if isinstance(event, Token) and event.logits:
            found.append((event.token, event.logits))
    assert swap is not None
    assert (await swap).adapter == "turkey"
    assert found == base
    assert await bits(one, SHORT, sampling) != base


# ── what it says of itself ──────────────────────────────────────────────────────────────────────


async def test_everything_names_the_adapter(
    one: LocalEngine, default_model: Path, turkey: Path
) -> None:
    sha256 = hashlib.sha256(turkey.read_bytes()).hexdigest()
    before = await one.fingerprint()
    assert (before.adapter, before.adapter_sha256, before.adapter_scale) == (None, None, None)
    assert before.mapping == "read-only" or not sys.platform.startswith("linux")
    ready = await one.use_adapter(turkey, 2)
    assert (ready.adapter, ready.adapter_sha256, ready.adapter_scale) == ("turkey", sha256, 2.0)
    assert one.info == ready
    assert one.checked is None
    during = await one.fingerprint()
    assert (during.adapter, during.adapter_sha256, during.adapter_scale) == ("turkey", sha256, 2.0)
    assert during.repeatable
    assert during.logits != before.logits
    # The base's file and its mapping are what they were.
    assert (during.sha256, during.mapping) == (before.sha256, before.mapping)
    await one.use_adapter(None)
    assert await one.fingerprint() == before
    assert hashlib.sha256(default_model.read_bytes()).hexdigest() == before.sha256


async def test_a_process_that_was_killed_gets_it_again(
    default_model: Path, turkey: Path, whales: Path
) -> None:
    engine = LocalEngine(default_model, EngineOptions(window=256, adapter=whales))
    try:
        assert (await engine.start()).adapter == "whales"
        await engine.use_adapter(turkey, 0.5)
        wanted = await bits(engine, SHORT)
        assert engine.pid
        os.kill(engine.pid, signal.SIGKILL)
        assert await bits(engine, SHORT) == wanted
        assert engine.starts == 2
        assert engine.info
        assert (engine.info.adapter, engine.info.adapter_scale) == ("turkey", 0.5)
        # And one that is not running starts with what is chosen then.
        await engine.close()
        assert (await engine.use_adapter(None)).adapter is None
        assert await bits(engine, SHORT) == (await fresh(default_model, None))["short"]
    finally:
        await engine.close()


# ── what cannot be used ─────────────────────────────────────────────────────────────────────────


def _damaged(kind: str, base: Path, folder: Path) -> Path:
    path = folder / f"{kind}.gguf"
    tensors = lora(base, targets=("attn_q",))
    first = next(iter(tensors))
    if kind == "missing":
        return path
    if kind == "nan":
        tensors[first][0, 0] = np.nan
    elif kind == "other sizes":
        tensors[first] = np.ones((4, 577), np.float32)
    elif kind == "embeddings":
        tensors = {
            "token_embd.weight.lora_a": np.ones((49152, 4), np.float32),
            "token_embd.weight.lora_b": np.ones((576, 4), np.float32),
        }
    elif kind == "whole numbers":
        tensors = {name: numbers.astype(np.int8) for name, numbers in tensors.items()}
    write(path, tensors, base_sha256="a" * 64 if kind == "other base" else None)
    if kind == "cut short":
        path.write_bytes(path.read_bytes()[:-1000])
    if kind == "garbage":
        path.write_bytes(b"GGUF" + bytes(5000))
    if kind == "a whole model":
        return base
    return path


KINDS = (
    "missing",
    "nan",
    "other sizes",
    "other base",
    "embeddings",
    "whole numbers",
    "cut short",
    "garbage",
    "a whole model",
)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_bad_file_gets_a_sentence_and_changes_nothing(
    one: LocalEngine, default_model: Path, turkey: Path, tmp_path: Path, kind: str
) -> None:
    await one.use_adapter(turkey)
    wanted, pid, info = await bits(one, SHORT), one.pid, one.info
    with pytest.raises(EngineError) as caught:
        await one.use_adapter(_damaged(kind, default_model, tmp_path))
    assert caught.value.kind == "adapter"
    sentence = str(caught.value)
    assert sentence.endswith(".")
    assert "\n" not in sentence
    assert (one.pid, one.info) == (pid, info)
    assert await bits(one, SHORT) == wanted


@pytest.mark.parametrize("kind", ["missing", "nan", "other base"])
async def test_one_that_does_not_start_with_a_bad_file(
    default_model: Path, turkey: Path, tmp_path: Path, kind: str
) -> None:
    bad = _damaged(kind, default_model, tmp_path)
    engine = LocalEngine(default_model, EngineOptions(window=128, adapter=bad))
    try:
        with pytest.raises(EngineError) as caught:
            await engine.start()
        assert caught.value.kind == "adapter"
        # Another choice, and it goes on.
        assert (await engine.use_adapter(turkey)).adapter == "turkey"
        await engine.close()
        with pytest.raises(EngineError):
            await engine.use_adapter(bad)
        assert await bits(engine, SHORT)
        assert engine.info
        assert engine.info.adapter == "turkey"
    finally:
        await engine.close()


@pytest.mark.parametrize("scale", [-0.1, 10.5, float("nan"), float("inf")])
async def test_a_scale_has_bounds(one: LocalEngine, turkey: Path, scale: float) -> None:
    with pytest.raises(EngineError, match="0"):
        await one.use_adapter(turkey, scale)
    assert one.info
    assert one.info.adapter is None
    assert await bits(one, SHORT)


def test_by_hand(default_model: Path, turkey: Path) -> None:
    """The protocol alone, as anyone can pipe it in; odd requests are answered with errors."""
    ask = {"type": "generate", "messages": [{"role": "user", "content": "Hi"}]}
    ask["sampling"] = {"max_tokens": 1}
    requests = [
        ask,
        {"type": "adapter", "path": str(turkey), "scale": 0.5},
        {"type": "info"},
        ask,
        {"type": "adapter", "path": 3},
        {"type": "adapter"},
        {"type": "adapter", "path": "a\0b"},
        {"type": "adapter", "path": "\udcff.gguf"},
        {"type": "adapter", "path": str(turkey), "scale": "much"},
        {"type": "adapter", "path": str(turkey), "scale": 1e999},
        {"type": "adapter", "path": None},
        ask,
    ]
    lines = "".join(json.dumps({"id": n, **one}) + "\n" for n, one in enumerate(requests, 1))
    command = [sys.executable, "-m", "chatapp.engine", str(default_model), "--window", "128"]
    done = subprocess.run(command, input=lines, capture_output=True, text=True, check=True)
    events = [json.loads(line) for line in done.stdout.splitlines()]
    last = {event["id"]: event for event in events if event["type"] != "loading"}
    first = {e["id"]: e["logits"] for e in events if e["type"] == "token" and "logits" in e}
    assert last[2]["adapter"] == "turkey"
    assert last[2]["adapter_scale"] == 0.5
    assert last[2]["adapter_sha256"] == hashlib.sha256(turkey.read_bytes()).hexdigest()
    assert [last[n]["type"] for n in range(5, 11)] == ["error"] * 6
    assert [last[n]["kind"] for n in (5, 6, 7, 8, 9, 10)] == ["request"] * 3 + ["adapter"] + [
        "request"
    ] * 2
    assert last[11]["adapter"] is None
    assert first[1] != first[4]
    assert first[1] == first[12]


async def test_many_swaps_take_no_memory_for_good(
    one: LocalEngine, turkey: Path, whales: Path
) -> None:
    def resident() -> int:
        with open(f"/proc/{one.pid}/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    if not sys.platform.startswith("linux"):
        pytest.skip("only Linux tells")
    for path in (turkey, whales):
        await one.use_adapter(path)
        await bits(one, SHORT)
    before = resident()
    for _ in range(30):
        for path in (turkey, whales):
            await one.use_adapter(path)
    assert resident() - before < 10 * turkey.stat().st_size
