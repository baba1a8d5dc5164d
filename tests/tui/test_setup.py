"""The model and the settings on the screen; what must not happen before the first frame."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pytest

from chatapp.engine.counter import Counter
from chatapp.engine.protocol import Ready, Sampling
from chatapp.errors import HomeError, WeightsError
from chatapp.tui.dialogs.model_rows import ModelRow
from chatapp.tui.dialogs.models import ModelsDialog
from chatapp.tui.dialogs.settings import SettingsDialog, SettingsResult
from chatapp.tui.given import Chosen, Model, Values
from tests.scripted import Reply, ScriptedEngine
from tests.tui.conftest import Open

HEAVY = (
    "chatapp.proofs",
    "tiktoken",
    "jinja2",
    "numpy",
    "httpx",
    "markdown_it",
    "llama_cpp",
    "pygments.lexers",
)


def test_the_first_frame_waits_for_nothing_heavy() -> None:
    code = (
        "import sys; import chatapp.tui.app; from chatapp.tui.given import Given;"
        "chatapp.tui.app.ChatApp(Given(open_model=None, model='x', values=None));"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert found.stdout.strip() == "[]"


async def test_another_model_gets_the_same_transcript(
    chatting: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    engines = [ScriptedEngine(), ScriptedEngine([Reply(("I am the other one",))])]
    opened: list[tuple[str, int | None]] = []

    async def open_model(name: str, window: int | None) -> Model:
        opened.append((name, window))
        engine = engines[len(opened) - 1]
        return Model(engine, Counter(engine, None), f"label of {name}")

    row = ModelRow("other", "other.gguf", "base", 1, "", "", "", installed=True)
    async with chatting(engine=engines[0], open_model=open_model, models=lambda: [row]) as chat:
        await chat.say("hello")
        await chat.press("f3")
        await chat.until(lambda: isinstance(chat.app.screen, ModelsDialog), "the dialog")
        chat.app.screen.dismiss(Chosen("other"))
        await chat.sees("label of other")
        assert engines[0].closed
        assert chat.kept == [Chosen("other")]
        await chat.until(lambda: engines[1].state == "ready", "loaded")
        await chat.say("who are you")
        assert [message.content for message in engines[1].requests[0].messages] == [
            "hello",
            "ok",
            "who are you",
        ]
        await chat.sees("I am the other one")


async def test_a_model_that_cannot_be_opened_leaves_the_old_one(chatting: Open) -> None:
    engine = ScriptedEngine()

    async def open_model(name: str, window: int | None) -> Model:
        if name == "bad":
            raise WeightsError("bad.gguf is not a model.")
        return Model(engine, Counter(engine, None), name)

    async with chatting(engine=engine, open_model=open_model, models=list) as chat:
        await chat.press("f3")
        await chat.until(lambda: isinstance(chat.app.screen, ModelsDialog), "the dialog")
        chat.app.screen.dismiss(Chosen("bad"))
        await chat.sees("bad.gguf is not a model.")
        await chat.say("still there?")
        assert chat.nodes[-1].content == "ok"


async def test_settings_are_used_at_once_and_kept(chatting: Open) -> None:
    async with chatting() as chat:
        await chat.say("hello")
        await chat.press("f4")
        await chat.until(lambda: isinstance(chat.app.screen, SettingsDialog), "the dialog")
        chosen = Sampling(temperature=0.7, max_tokens=33)
        chat.app.screen.dismiss(SettingsResult("Be kind.", chosen, "summary", None))
        await chat.until(lambda: chat.kept, "kept")
        assert chat.kept[0].system == "Be kind."
        await chat.say("again")
        request = chat.engine.requests[-1]
        assert request.messages[0].content == "Be kind."
        assert (request.sampling.temperature, request.sampling.max_tokens) == (0.7, 33)
        assert chat.talk.policy == "summary"


async def test_the_cache_is_switched_in_all_open_conversations_and_kept(chatting: Open) -> None:
    async with chatting() as chat:
        await chat.say("hello")
        await chat.press("ctrl+n")
        await chat.press("f4")
        await chat.until(lambda: isinstance(chat.app.screen, SettingsDialog), "the dialog")
        chat.app.screen.query_one("#reuse").focus()
        await chat.press("space", "ctrl+s")
        await chat.until(lambda: chat.kept, "kept")
        assert not chat.kept[0].reuse
        await chat.sees("cache: off")
        await chat.say("new")
        await chat.press("ctrl+pageup")
        await chat.say("old")
        assert [request.reuse for request in chat.engine.requests] == [True, False, False]
        # F9 is for this run; the dialog shows how things stand.
        await chat.press("f9")
        await chat.sees_not("cache: off")
        assert len(chat.kept) == 1
        await chat.press("f4")
        await chat.until(lambda: isinstance(chat.app.screen, SettingsDialog), "the dialog")
        assert "[x] Use the arithmetic cache" in str(chat.app.screen.query_one("#reuse").content)


async def test_a_cache_switched_off_in_the_settings_file_can_be_switched_on(
    chatting: Open,
) -> None:
    def values() -> Values:
        return Values("", Sampling(max_tokens=100), "stop", None, reuse=False)

    async with chatting(values=values) as chat:
        await chat.sees("cache: off")
        await chat.say("hello")
        await chat.press("f9")
        await chat.say("again")
        assert [request.reuse for request in chat.engine.requests] == [False, True]


async def test_another_window_opens_the_same_model_anew(chatting: Open) -> None:
    opened: list[tuple[str, int | None]] = []

    async def open_model(name: str, window: int | None) -> Model:
        opened.append((name, window))
        engine = ScriptedEngine(window=window or 2048)
        return Model(engine, Counter(engine, None), name)

    async with chatting(open_model=open_model, ready=False) as chat:
        await chat.sees("of 2,048 tokens")
        await chat.press("f4")
        await chat.until(lambda: isinstance(chat.app.screen, SettingsDialog), "the dialog")
        chat.app.screen.dismiss(SettingsResult("", Sampling(), "stop", 512))
        await chat.sees("of 512 tokens")
        assert opened == [("scripted", None), ("scripted", 512)]


async def test_a_choice_that_cannot_be_kept_is_used_and_said(chatting: Open) -> None:
    def keep(_: object) -> None:
        raise HomeError("settings.toml cannot be written.")

    async with chatting(keep_theme=keep) as chat:
        chat.app.theme = "nord"
        await chat.sees("Used now, but not kept", "settings.toml cannot be written.")
        assert chat.app.theme == "nord"


async def test_loading_shows_its_progress(chatting: Open) -> None:
    class Loading(ScriptedEngine):
        on_loading = None

    import asyncio

    engine = Loading(load=asyncio.Event())
    async with chatting(engine=engine, ready=False) as chat:
        await chat.until(lambda: engine.on_loading, "listening")
        assert engine.on_loading is not None
        engine.on_loading(0.4)
        await chat.sees("loading the model… 40%")


async def test_the_process_ends_with_the_screen(chatting: Open) -> None:
    async with chatting() as chat:
        engine = chat.engine
        assert not engine.closed
    assert engine.closed


async def test_a_model_without_a_chat_template_is_announced(chatting: Open) -> None:
    class Base(ScriptedEngine):
        async def start(self) -> Ready:
            return replace(await super().start(), own_template=False, note="The window was cut.")

    async with chatting(engine=Base()) as chat:
        await chat.sees("This model has no chat template")
        await chat.sees("The window was cut.")
