"""What the engine is started with: KV cache type, GPU layers, reuse, window; and what it says."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import pytest

from chatapp.context.messages import Message
from chatapp.engine.about import About, ask
from chatapp.engine.client import EngineOptions, LocalEngine
from chatapp.engine.memory import KvType
from chatapp.engine.protocol import Sampling
from tests.engine.test_canonical import bits, conversation

FEW = Sampling(max_tokens=4)


def test_arguments() -> None:
    assert EngineOptions().arguments() == ["--window", "2048", "--kv-type", "f16"]
    given = EngineOptions(window=64, threads=3, gpu_layers=-1, kv_type="f32", reuse=False)
    assert given.arguments() == [
        *["--window", "64", "--threads", "3", "--gpu-layers", "-1", "--kv-type", "f32"],
        "--no-reuse",
    ]


@pytest.mark.parametrize("kv_type", ["f32", "q8_0"])
async def test_every_cache_type_is_exact(default_model: Path, kv_type: KvType) -> None:
    """The same bits with reuse, without it, and after other conversations."""
    rng = random.Random(9)
    messages, other = conversation(rng, 2), conversation(rng, 2)
    reusing = LocalEngine(default_model, EngineOptions(window=512, kv_type=kv_type))
    fresh = LocalEngine(default_model, EngineOptions(window=512, kv_type=kv_type, reuse=False))
    try:
        ready = await reusing.start()
        assert (ready.kv_type, ready.reuse, ready.gpu_layers) == (kv_type, True, 0)
        expected, _ = await bits(fresh, messages, FEW)
        assert (await bits(reusing, messages, FEW))[0] == expected
        await bits(reusing, other, FEW)
        again, reused = await bits(reusing, messages, FEW)
        assert again == expected
        assert reused > 0
        assert (await reusing.fingerprint()).repeatable
        assert fresh.info is not None
        assert fresh.info.reuse is False
    finally:
        await asyncio.gather(reusing.close(), fresh.close())


async def test_a_window_beyond_training_is_said(default_model: Path) -> None:
    engine = LocalEngine(default_model, EngineOptions(window=100_000))
    try:
        ready = await engine.start()
    finally:
        await engine.close()
    assert ready.window == 8192
    assert ready.note == (
        "This model was trained with a window of 8,192 tokens; that is the window used."
    )


async def test_no_graphics_processor_is_said_and_no_error(default_model: Path) -> None:
    if (await asyncio.to_thread(ask)).gpu:
        pytest.skip("there is one here")
    engine = LocalEngine(default_model, EngineOptions(window=64, gpu_layers=-1))
    try:
        ready = await engine.start()
    finally:
        await engine.close()
    assert ready.gpu_layers == 0
    assert ready.note is not None
    assert "no graphics processor" in ready.note


async def test_nothing_is_noted_when_all_is_as_asked(small_engine: LocalEngine) -> None:
    ready = await small_engine.start()
    assert ready.note is None
    assert ready.kv_bytes == 256 * 23_040


async def test_sliding_windows_stay_exact() -> None:
    """A model whose narrow layers forget cannot go on from a saved cache that is cut back."""
    gemma = Path(__file__).parents[2] / "models" / "gemma-3-270m-q4_k_m.gguf"
    if not gemma.exists():
        pytest.skip("gemma-3-270m is not here")
    text = " ".join(random.Random(2).choices(["one", "two", "three", "four", "five"], k=750))
    long = [Message("user", text)]
    begins_alike = [Message("user", text[:1500] + " and then it ends differently.")]
    other = [Message("user", "Something else: " + text[:500])]
    reusing = LocalEngine(gemma, EngineOptions(window=1024))
    fresh = LocalEngine(gemma, EngineOptions(window=1024, reuse=False))
    try:
        expected, _ = await bits(fresh, begins_alike, FEW)
        for messages in (long, other):
            await bits(reusing, messages, FEW)
        assert (await bits(reusing, begins_alike, FEW))[0] == expected
    finally:
        await asyncio.gather(reusing.close(), fresh.close())


def test_what_llama_cpp_says_of_itself() -> None:
    about = ask()
    assert about.build
    assert "=" not in "".join(about.features)


def test_features_are_those_in_use() -> None:
    system = "CPU : SSE3 = 1 | AVX = 0 | LLAMAFILE = 1 | REPACK = 1 | "
    assert About("", system, False).features == ["SSE3", "LLAMAFILE", "REPACK"]
    assert About("", "", False).features == []
