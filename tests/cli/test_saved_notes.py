"""``chatapp notes``, and ``chatapp ask --notes``."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Run


def test_from_the_first_note_to_the_last(run: Run, home: Path) -> None:
    said = run("notes")
    assert "No notes are saved" in said.out
    assert not (home / "notes.toml").exists()
    assert "  1  I like tea." in run("notes", "add", "I like\ntea.").out
    assert "off: nothing is pasted" in run("notes").out
    assert "on: Pasted into the system prompt" in run("notes", "on").out
    run("notes", "add", "I like \x1b[31mred.")
    assert "\x1b" not in run("notes").out
    document = json.loads(run("notes", "--json").out)
    assert document["on"] is True
    assert document == json.loads(run("notes", "list", "--json").out)
    run("notes", "remove", "1")
    assert json.loads(run("notes", "--json").out)["notes"] == ["I like \x1b[31mred."]
    assert "off: nothing" in run("notes", "off").out


def test_errors_are_one_sentence(run: Run) -> None:
    said = run("notes", "remove", "3")
    assert (said.status, said.err) == (1, "chatapp: There is no note 3: there are none.\n")
    assert run("notes", "remove", "x").status == 2


def test_ask_pastes_them_if_told_to(
    run: Run, default_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    ask = ["ask", "-m", str(default_model), "--show-prompt", "What is my dog called?"]
    said = run(*ask, "--notes")
    assert said.status == 1
    assert "No notes are saved" in said.err
    run("notes", "add", "My dog is called Biscuit.")
    run("notes", "on")
    assert "Biscuit" not in run(*ask).out
    said = run(*ask, "--notes", "--system", "Be kind.")
    assert (
        "system\nBe kind.\n\nThe user's saved notes:\n- My dog is called Biscuit.<|im_end|>"
        in said.out
    )
