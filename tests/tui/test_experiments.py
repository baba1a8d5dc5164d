"""Experiments on the screen: claims tested with the chat's weights, and what they left behind."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Input

from chatapp.engine.client import EngineOptions
from chatapp.errors import ChatappError, EngineError
from chatapp.proofs.evidence import Plot, Table
from chatapp.proofs.experiment import Experiment
from chatapp.proofs.lab import Lab
from chatapp.proofs.record import Record, Untested
from chatapp.tui.evidence_rows import cell, plot_lines, table_lines
from chatapp.tui.screens.evidence import EvidenceScreen
from chatapp.tui.screens.experiments import ExperimentsScreen
from tests.proofs import samples
from tests.scripted import Reply, ScriptedEngine
from tests.tui.conftest import Chat, Open


def experiment(name: str, held: bool | Exception, gate: asyncio.Event | None = None) -> Experiment:
    async def run(lab: Lab, record: Record) -> None:
        assert lab.engine.kind == "local"
        record.progress(0.5, f"in the middle of {name}")
        if gate is not None:
            await gate.wait()
        if isinstance(held, Exception):
            raise held
        record.check(f"{name} is so [/x]", held, expected="this", found="that")

    return Experiment(name=name, title=f"Title of {name}", claim=f"Claim of {name}.", run=run)


@asynccontextmanager
async def at_the_list(
    chatting: Open,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    *experiments: Experiment,
    **given: Any,
) -> AsyncIterator[Chat]:
    def nothing() -> None:
        raise ChatappError("not here")

    monkeypatch.setattr("chatapp.proofs.lab.about", nothing)
    monkeypatch.setattr(
        "chatapp.proofs.experiments.EXPERIMENTS", {one.name: one for one in experiments}
    )
    monkeypatch.chdir(tmp_path)
    engine = ScriptedEngine()
    weights = tmp_path / "toy.gguf"
    weights.write_bytes(b"frozen")
    engine.weights = weights  # type: ignore[attr-defined]
    engine.options = EngineOptions()  # type: ignore[attr-defined]
    async with chatting(engine=engine, **given) as chat:
        await chat.press("ctrl+o")
        await chat.until(lambda: isinstance(chat.app.screen, ExperimentsScreen), "the list")
        await chat.pilot.pause()
        yield chat


async def test_enter_runs_one_and_shows_its_evidence(
    chatting: Open, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    both = experiment("one", True), experiment("two", False)
    async with at_the_list(chatting, monkeypatch, tmp_path, *both, size=(80, 24)) as chat:
        await chat.sees("Title of one", "Claim of two.")
        await chat.press("down", "enter")
        await chat.until(lambda: isinstance(chat.app.screen, EvidenceScreen), "the evidence")
        await chat.sees("✗ did not hold: This did not hold: two is so [/x]")
        await chat.sees("expected  this", "found     that", "Claim of two.")
        await chat.press("escape")
        await chat.sees("Title of two · ✗ did not hold")
        await chat.press("v")
        await chat.until(lambda: isinstance(chat.app.screen, EvidenceScreen), "the evidence again")
        await chat.press("escape", "escape")
        await chat.until(lambda: chat.app.screen is chat.screen, "the chat")
        await chat.say("hello")
        assert [node.content for node in chat.nodes] == ["hello", "ok"]
        # The list remembers what was found in this run.
        await chat.press("ctrl+g")
        await chat.sees("Title of two · ✗ did not hold")


async def test_all_are_run_and_counted(
    chatting: Open, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    some = (
        experiment("one", True),
        experiment("two", False),
        experiment("three", Untested("no base model")),
        experiment("four", EngineError("[gone]")),
    )
    async with at_the_list(chatting, monkeypatch, tmp_path, *some) as chat:
        await chat.press("a")
        await chat.sees("✓ held: 1 · ✗ did not hold: 1 · ? not tested: 2")


async def test_escape_stops_it_and_frees_the_model(
    chatting: Open, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    gate = asyncio.Event()
    one = experiment("one", True, gate)
    async with at_the_list(chatting, monkeypatch, tmp_path, one, size=(80, 24)) as chat:
        await chat.press("enter")
        await chat.sees("in the middle of one", "50%")
        await chat.press("enter")
        await chat.sees("An experiment is running.")
        await chat.press("escape")
        await chat.sees("Stopped.")
        await chat.press("escape")
        await chat.until(lambda: chat.app.screen is chat.screen, "the chat")
        await chat.say("hello")
        assert chat.nodes[-1].content == "ok"


async def test_an_experiment_waits_for_the_turn_that_is_under_way(
    chatting: Open, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    go = asyncio.Event()
    one = experiment("one", True)
    async with at_the_list(chatting, monkeypatch, tmp_path, one, size=(80, 24)) as chat:
        await chat.press("escape")
        await chat.until(lambda: chat.app.screen is chat.screen, "the chat")
        chat.engine.replies.append(Reply(("done",), go=go))
        await chat.send("hello")
        await chat.press("ctrl+o")
        await chat.until(lambda: isinstance(chat.app.screen, ExperimentsScreen), "the list")
        await chat.pilot.pause()
        await chat.press("enter")
        await chat.sees("waiting: a session is being answered")
        go.set()
        await chat.until(lambda: isinstance(chat.app.screen, EvidenceScreen), "the evidence")
        assert chat.nodes[-1].content == "done"


async def test_the_report_is_saved_with_its_json(
    chatting: Open, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    one = experiment("one", True)
    async with at_the_list(chatting, monkeypatch, tmp_path, one) as chat:
        await chat.press("s")
        await chat.sees("There is nothing to save yet.")
        await chat.press("a")
        await chat.sees("✓ held: 1")
        for again in (False, True):
            await chat.press("s")
            await chat.sees("Save the evidence")
            await chat.pilot.pause()
            chat.app.screen.query_one(Input).value = str(tmp_path / "found")
            await chat.press("enter")
            if again:
                await chat.sees("will be replaced")
                await chat.press("enter")
            await chat.until(lambda: isinstance(chat.app.screen, ExperimentsScreen), "the list")
            await chat.until(lambda: (tmp_path / "found.json").exists(), "the JSON")
        assert "Claim of one." in (tmp_path / "found.html").read_text("utf-8")
        found = json.loads((tmp_path / "found.json").read_text("utf-8"))
        assert found["experiments"][0]["name"] == "one"


async def test_a_path_that_cannot_be_written_is_said(
    chatting: Open, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async with at_the_list(chatting, monkeypatch, tmp_path, experiment("one", True)) as chat:
        await chat.press("a")
        await chat.sees("✓ held: 1")
        await chat.press("s")
        await chat.sees("Save the evidence")
        await chat.pilot.pause()
        chat.app.screen.query_one(Input).value = str(tmp_path / "no" / "where.html")
        await chat.press("enter")
        await chat.sees("cannot be written")


async def test_a_server_has_no_experiments(chatting: Open) -> None:
    async with chatting(engine=ScriptedEngine(kind="server")) as chat:
        await chat.press("ctrl+o")
        await chat.sees("nothing can")
        assert chat.app.screen is chat.screen


@pytest.mark.parametrize("size", [(120, 40), (80, 24), (40, 20), (12, 6)])
async def test_evidence_of_every_kind_is_shown_at_every_size(
    chatting: Open, size: tuple[int, int]
) -> None:
    async with chatting(size=size) as chat:
        for evidence in samples.all_of_them():
            screen = EvidenceScreen(evidence, lambda: None)
            chat.app.push_screen(screen)
            await chat.until(lambda s=screen: chat.app.screen is s, "the evidence")
            for folded in screen.query("Collapsible"):
                folded.collapsed = False  # type: ignore[attr-defined]
            for _ in range(12):
                await chat.pilot.pause()
                assert not set(chat.text) & {"\x1b", "\x00", "\u202e"}
                await chat.press("pagedown")
            await chat.press("escape")
            await chat.until(lambda: chat.app.screen is chat.screen, "the chat")


@pytest.mark.parametrize("width", [10, 38, 76, 116])
def test_tables_and_plots_keep_to_their_width(width: int) -> None:
    for evidence in samples.all_of_them():
        for block in evidence.blocks:
            if isinstance(block, Plot):
                assert list(plot_lines(block, width))
            if isinstance(block, Table):
                lines = [text for text, _ in table_lines(block, width)]
                assert lines
                if width > 38:
                    body = [line for line in lines if line not in (block.title, block.note)]
                    assert all(len(line) <= width for line in body)


def test_a_log_scale_keeps_small_values_apart() -> None:
    plot = Plot(title="t", shape="bars", labels=["a", "b"], series={"p": [1e-9, 0.5]}, log=True)
    small, large = [text for text, _ in plot_lines(plot, 60)][1:]
    assert 0 < small.count("█") < large.count("█")
    assert "0.000 000 001" in small


def test_values_that_are_not_known_break_a_line() -> None:
    plot = Plot(title="t", shape="lines", labels=["a", "b", "c"], series={"p": [1.0, None, 1.0]})
    lines = [text for text, _ in plot_lines(plot, 3)]
    assert lines[2:6] == ["█ █"] * 4


def test_cells() -> None:
    assert [cell(True), cell(None), cell(1234), cell(0.66), cell(12.5), cell("a" * 64)] == [
        "yes", "–", "1,234", "0.66", "12.5", "a" * 16 + "…",
    ]  # fmt: skip
