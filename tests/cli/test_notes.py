"""What was asked of the engine and could not be had is said, on stderr."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Run

NOTE = "chatapp: This model was trained with a window of 8,192 tokens; that is the window used.\n"


def test_a_window_beyond_training(
    run: Run, default_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    ask = ["ask", "-m", str(default_model), "--max-tokens", "1", "Hello"]
    said = run(*ask, "--window", "9000")
    assert said.err == NOTE
    assert NOTE not in said.out
    assert run(*ask).err == ""
