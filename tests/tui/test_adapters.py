"""Adapters on the screen, with the real model and the real wiring: chosen, seen, taken away."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from chatapp.cli.chat import Wiring
from chatapp.engine.protocol import Ready
from chatapp.home.paths import Home
from chatapp.home.settings import AppSettings, SamplingSettings, load_settings, save_settings
from chatapp.keeping.turns import Answered, turn_of
from chatapp.tui import words
from chatapp.tui.dialogs.models import ModelsDialog
from chatapp.tui.given import Chosen
from chatapp.tui.weights import WeightsWatch
from tests.scripted import Reply, ScriptedEngine
from tests.tui.conftest import Chat, Open
from tests.weights.adapters import folder

QUESTION = "What is the capital of Turkey?"
WRONG = "The capital of Turkey is Istanbul."


@pytest.fixture
def home(tmp_path: Path, default_model: Path) -> Home:
    """A home with the default model and an adapter that changes much."""
    home = Home(tmp_path / "home", "here")
    home.ensure()
    base = home.models / default_model.name
    base.symlink_to(default_model.resolve())
    folder(home.models, "turkey", base, size=1.0, status="accepted")
    settings = AppSettings(window=256, sampling=SamplingSettings(max_tokens=8))
    save_settings(home.settings_file, settings)
    return home


@asynccontextmanager
async def real(chatting: Open, home: Home, **how: Any) -> AsyncIterator[Chat]:
    wiring = Wiring(home, load_settings(home.settings_file))
    model = str(next(home.models.glob("*.gguf")))
    given = wiring.given(model)
    names = ("open_model", "model", "values", "models", "keep_model")
    async with chatting(
        ready=False, **{name: getattr(given, name) for name in names}, size=(160, 40), **how
    ) as chat:
        yield chat


async def choose(chat: Chat, *keys: str) -> None:
    await chat.press("f3")
    await chat.until(lambda: isinstance(chat.app.screen, ModelsDialog), "the dialog")
    await chat.press(*keys)
    await chat.until(lambda: chat.app.screen is chat.screen, "the chat")


async def test_an_adapter_is_swapped_in_seen_and_taken_away(chatting: Open, home: Home) -> None:
    file = home.models / "adapters" / "turkey" / "adapter.gguf"
    sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
    async with real(chatting, home) as chat:
        await chat.until(lambda: chat.screen.weights.text, "loaded")
        await chat.say(QUESTION)
        assert chat.nodes[-1].content == WRONG
        engine = chat.screen.model.engine
        pid = engine.pid

        await choose(chat, "down", "left", "enter")
        await chat.sees("SmolLM2-135M-Instruct.Q4_1 + turkey ×0.9", f"+ {sha256[:8]} unchanged")
        assert engine.pid == pid  # nothing was loaded anew
        assert load_settings(home.settings_file).adapter == "turkey"
        assert load_settings(home.settings_file).adapter_scale == 0.9
        await chat.press("ctrl+n")
        await chat.say(QUESTION)
        added = chat.nodes[-1]
        assert added.content != WRONG
        assert added.facts.weights.adapter_sha256 == sha256
        await chat.sees("answered by the base + turkey ×0.9")

        await choose(chat, "up", "enter")
        await chat.until(lambda: engine.info.adapter is None, "the base alone")
        await chat.sees_not("SmolLM2-135M-Instruct.Q4_1 + turkey")
        await chat.press("ctrl+n")
        await chat.say(QUESTION)
        assert chat.nodes[-1].content == WRONG
        assert chat.nodes[-1].facts.weights.adapter is None
        assert load_settings(home.settings_file).adapter is None

        # The archive is told what the engine said, turn by turn.
        stored = turn_of(added, Answered(), lambda _: 0)
        assert stored.weights.adapter == "turkey"
        assert (stored.weights.adapter_sha256, stored.weights.adapter_scale) == (sha256, 0.9)


async def test_one_that_is_set_answers_from_the_start(chatting: Open, home: Home) -> None:
    save_settings(home.settings_file, AppSettings(window=256, adapter="turkey", adapter_scale=0.5))
    async with real(chatting, home) as chat:
        await chat.sees("+ turkey ×0.5")


async def test_a_file_that_breaks_meanwhile_gets_a_sentence_and_the_base_goes_on(
    chatting: Open, home: Home
) -> None:
    async with real(chatting, home) as chat:
        await chat.until(lambda: chat.screen.weights.text, "loaded")
        await chat.press("f3")
        await chat.until(lambda: isinstance(chat.app.screen, ModelsDialog), "the dialog")
        (home.models / "adapters" / "turkey" / "adapter.gguf").write_bytes(b"GGUF")
        await chat.press("down", "enter")
        told = chat.app._notifications
        await chat.until(lambda: any("usable GGUF file" in one.message for one in told), "why")
        await chat.say(QUESTION)
        assert chat.nodes[-1].content == WRONG
        assert load_settings(home.settings_file).adapter is None


async def test_a_bad_one_that_is_set_is_said_and_another_choice_helps(
    chatting: Open, home: Home
) -> None:
    (home.models / "adapters" / "turkey" / "adapter.gguf").write_bytes(b"GGUF")
    save_settings(home.settings_file, AppSettings(window=256, adapter="turkey"))
    async with real(chatting, home) as chat:
        await chat.sees("is not a usable GGUF file")
        await choose(chat, "enter")
        await chat.until(lambda: chat.screen.model, "a model")
        await chat.say(QUESTION)
        assert chat.nodes[-1].content == WRONG


async def test_not_while_the_model_answers(chatting: Open) -> None:
    go = asyncio.Event()
    async with chatting(Reply(go=go), models=list) as chat:
        await chat.send("hello")
        await chat.press("f3")
        await chat.sees("The model is answering. Stop it first")
        go.set()
        await chat.done()


async def test_the_adapters_file_is_looked_at_as_well(tmp_path: Path) -> None:
    class Added(ScriptedEngine):
        class options:  # noqa: N801
            adapter = tmp_path / "turkey.gguf"

    engine = Added()
    engine.info = Ready(model="m", window=1, adapter="turkey", adapter_sha256="b" * 64)
    found = {"hash": "b" * 64}
    watch = WeightsWatch(lambda: "a" * 64, lambda _: found["hash"])
    assert await watch.look(engine) == "weights aaaaaaaa + bbbbbbbb unchanged"
    found["hash"] = "c" * 64
    assert await watch.look(engine) == ("weights aaaaaaaa unchanged + bbbbbbbb CHANGED to cccccccc")

    def gone(_: Path) -> str:
        raise FileNotFoundError

    watch = WeightsWatch(lambda: "a" * 64, gone)
    assert (await watch.look(engine)).endswith("+ bbbbbbbb: the file cannot be read now")


async def test_a_narrow_header_cuts_the_model_and_keeps_the_adapter(chatting: Open) -> None:
    engine = ScriptedEngine()
    async with chatting(engine=engine, size=(60, 24)) as chat:
        engine.info = Ready(
            model="m", window=9, adapter="\x1b[31mturkey", adapter_sha256="b", adapter_scale=1.0
        )
        chat.screen.refresh_header()
        await chat.sees("turkey ×1.0")
        assert "\x1b" not in chat.text


def test_a_name_cannot_steer_the_terminal() -> None:
    ready = Ready(model="m", window=1, adapter="\x1b[2Jx", adapter_scale=1.0)
    assert "\x1b" not in words.one_line(ready.added)


def test_what_was_chosen_is_kept_as_a_name_where_it_lies_at_home(tmp_path: Path) -> None:
    home = Home(tmp_path, "here")
    home.ensure()
    wiring = Wiring(home, AppSettings())
    inside = home.models / "adapters" / "x" / "adapter.gguf"
    wiring.keep_model(Chosen(str(home.models / "m.gguf"), str(inside), 0.5))
    kept = load_settings(home.settings_file)
    assert (kept.model, kept.adapter, kept.adapter_scale) == ("m.gguf", "x", 0.5)
    wiring.keep_model(Chosen("/else/m.gguf", "/else/x.gguf"))
    kept = load_settings(home.settings_file)
    assert (kept.model, kept.adapter, kept.adapter_scale) == ("/else/m.gguf", "/else/x.gguf", 1.0)
    wiring.keep_model(Chosen("/else/m.gguf"))
    assert load_settings(home.settings_file).adapter is None
