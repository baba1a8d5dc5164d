"""``chatapp models adapter retrain``: from what may still train, in the adapter's place."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from chatapp.archive import marks, reviews
from chatapp.archive.review import decide
from chatapp.archive.store import NAME, Store
from chatapp.archive.writing import set_state
from chatapp.engine.weights.library import Library
from tests.cli.conftest import Run
from tests.cli.test_transcripts import _say
from tests.weights.maker import gguf

NAMES = ["a" * 16, "b" * 16]


@pytest.fixture
def adapter(home: Path) -> Path:
    """An adapter that says that it rests on two sessions, each with a reviewed record."""
    (home / "transcripts").mkdir()
    base = home / "models" / "tiny.gguf"
    base.write_bytes(gguf())
    with Store(home / "transcripts" / NAME) as store:
        for name in NAMES:
            ids = _say(store, name, "training", f"Question {name[0]}?", "Wrong.")
            marks.correct(store, name, ids[1], chosen=f"Right {name[0]}.", right="Right")
        for example in list(reviews.waiting(store)):
            reviews.put(store, decide(example, "approved"))
    folder = home / "models" / "adapters" / "two"
    folder.mkdir(parents=True)
    told = {
        "sessions": NAMES,
        "base_sha256": Library(home / "models", home / "cache").sha256(base),
        "seed": 7,
        "recipe": {"train": {"max_steps": 3}},
    }
    (folder / "provenance.json").write_text(json.dumps(told))
    return folder


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What the training program was started with, and what it would have read."""
    seen: list[dict[str, Any]] = []

    def program(command: list[str], check: bool) -> object:
        export, recipe = Path(command[3]), Path(command[command.index("--recipe") + 1])
        rows = [json.loads(line) for line in (export / "train.jsonl").read_text().splitlines()]
        seen.append({"command": command, "rows": rows, "recipe": recipe.read_text()})
        return SimpleNamespace(returncode=0)

    monkeypatch.setattr(subprocess, "run", program)
    return seen


def test_what_was_withdrawn_is_left_out_and_all_else_is_as_it_was(
    run: Run, home: Path, adapter: Path, started: list[dict[str, Any]]
) -> None:
    with Store(home / "transcripts" / NAME) as store:
        set_state(store, NAMES[0], "kept")
    said = run("models", "adapter", "retrain", "two")
    assert said.status == 0, said.err
    assert "1 of 2 sessions were withdrawn" in said.out
    (one,) = started
    assert [row["session"] for row in one["rows"]] == [NAMES[1]]
    command = one["command"]
    assert command[1:3] == ["-m", "chatapp.training"]
    assert command[command.index("--out") + 1] == str(adapter)
    assert command[command.index("--seed") + 1] == "7"
    assert "--replace" in command
    assert "max_steps = 3" in one["recipe"]


def test_where_nothing_may_train_nothing_is_started(
    run: Run, home: Path, adapter: Path, started: list[dict[str, Any]]
) -> None:
    with Store(home / "transcripts" / NAME) as store:
        set_state(store, NAMES[0], "off")
        set_state(store, NAMES[1], "kept")
    said = run("models", "adapter", "retrain", "two")
    assert said.status == 1
    assert "may train any more" in said.err
    assert started == []


def test_an_adapter_that_says_nothing_and_a_base_that_is_gone(
    run: Run, home: Path, adapter: Path, started: list[dict[str, Any]]
) -> None:
    assert "does not say" in run("models", "adapter", "retrain", "none").err
    (home / "models" / "tiny.gguf").unlink()
    assert (
        "base that it was trained on is not here" in run("models", "adapter", "retrain", "two").err
    )
