"""The mark of the weights is looked at, not assumed."""

from __future__ import annotations

import hashlib
from pathlib import Path

from chatapp.engine.counter import Counter
from chatapp.engine.protocol import Checked
from chatapp.tui.given import Model
from chatapp.tui.weights import WeightsWatch
from tests.scripted import Reply, ScriptedEngine
from tests.tui.conftest import Open


def mark_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


async def test_the_header_shows_the_files_hash_and_that_it_is_unchanged(
    chatting: Open, tmp_path: Path
) -> None:
    weights = tmp_path / "weights"
    weights.write_bytes(b"frozen")
    engine = ScriptedEngine()

    async def open_model(name: str, window: int | None) -> Model:
        return Model(engine, Counter(engine, None), "scripted", lambda: mark_of(weights))

    short = mark_of(weights)[:8]
    async with chatting(
        Reply("one"), Reply("two"), engine=engine, open_model=open_model, size=(140, 40)
    ) as chat:
        await chat.sees(f"weights {short}")
        await chat.say("hello")
        await chat.sees(f"weights {short} unchanged")
        weights.write_bytes(b"thawed")
        await chat.say("hello again")
        await chat.sees(f"weights {short} CHANGED to {mark_of(weights)[:8]}")


async def test_a_file_that_is_gone_is_said(tmp_path: Path) -> None:
    watch = WeightsWatch(lambda: mark_of(tmp_path / "nothing"))
    assert await watch.look(ScriptedEngine()) == "weights: the file cannot be read now"


async def test_what_the_self_test_found_is_shown() -> None:
    class Tested(ScriptedEngine):
        checked = Checked(repeatable=False, reuse=False, reason="", logits="")

    assert await WeightsWatch(lambda: "a" * 64).look(Tested()) == (
        "weights aaaaaaaa · repeatable: no"
    )
    Tested.checked = Checked(repeatable=True, reuse=True, reason="", logits="")
    assert (await WeightsWatch(lambda: "a" * 64).look(Tested())).endswith(" · repeatable")


async def test_a_servers_weights_are_not_guessed() -> None:
    assert await WeightsWatch(None).look(ScriptedEngine()) == ""
