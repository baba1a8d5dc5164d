"""``chatapp ask --retrieve``."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Run


@pytest.fixture(autouse=True)
def nothing_piped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)


def test_passages_are_told_and_pasted(
    run: Run, home: Path, default_model: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "pets.md").write_text("The dog is called Biscuit.\n")
    (folder / "tea.md").write_text("Tea is drunk at four.\n")
    ask = ["ask", "-m", str(default_model), "--show-prompt", "--retrieve", str(folder)]
    said = run(*ask, "What is the dog called?")
    assert said.err.startswith("chatapp: pasted [1] pets.md, line 1 (score ")
    assert said.err.count("\n") == 1
    assert (
        "user\n[1] pets.md, line 1:\n```\nThe dog is called Biscuit.\n```\n\nAnswer from the "
        "numbered passages above, and point to the one you used like this: [1].\n\n"
        "What is the dog called?<|im_end|>"
    ) in said.out
    assert len(list((home / "cache" / "search").glob("*.db"))) == 1
    said = run(*ask, "zebra?")
    assert "no passage holds a word of the question" in said.err
    assert "<|im_start|>user\nzebra?<|im_end|>" in said.out


def test_what_is_no_folder_is_one_sentence(run: Run, tmp_path: Path) -> None:
    said = run("ask", "--retrieve", str(tmp_path / "none"), "Why?")
    assert (said.status, said.out) == (1, "")
    assert said.err == f"chatapp: “{tmp_path / 'none'}” is not a folder that can be read.\n"
