"""``chatapp ask --attach``."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Run


@pytest.fixture(autouse=True)
def nothing_piped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)


def test_files_stand_before_the_question(run: Run, default_model: Path, tmp_path: Path) -> None:
    for name, text in (("a.md", "one\n"), ("b.py", "two\n")):
        (tmp_path / name).write_text(text)
    said = run(
        *("ask", "-m", str(default_model), "--show-prompt", "Why?"),
        *("--attach", str(tmp_path / "a.md"), "--attach", str(tmp_path / "b.py")),
    )
    assert said.err == ""
    assert (
        "<|im_start|>user\nFile a.md:\n```\none\n```\n\nFile b.py:\n```\ntwo\n```\n\nWhy?<|im_end|>"
        in said.out
    )


def test_json_tells_what_each_part_costs(run: Run, default_model: Path, tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("The dog is called Biscuit.")
    run("notes", "add", "I like tea.")
    said = run(
        *("ask", "-m", str(default_model), "--json", "--max-tokens", "2", "--notes"),
        *("--attach", str(tmp_path / "a.md"), "Why?"),
    )
    document = json.loads(said.out)
    notes, file = document["parts"]
    assert (notes["kind"], file["kind"], file["label"]) == ("notes", "file", "a.md")
    assert file["characters"] == 26
    assert 0 < file["tokens"] < document["tokens_sent"]


def test_a_file_alone_is_a_message(run: Run, default_model: Path, tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("one")
    said = run("ask", "-m", str(default_model), "--show-prompt", "--attach", str(tmp_path / "a.md"))
    assert "File a.md:\n```\none\n```<|im_end|>" in said.out


def test_what_cannot_be_attached_is_one_sentence(run: Run, tmp_path: Path) -> None:
    said = run("ask", "--attach", str(tmp_path / "none.md"), "Why?")
    sentence = f"chatapp: There is no file “none.md” in “{tmp_path}”.\n"
    assert (said.status, said.err) == (1, sentence)


def test_what_does_not_fit_is_said_with_its_tokens(
    run: Run, default_model: Path, tmp_path: Path
) -> None:
    (tmp_path / "long.txt").write_text("word " * 3000)
    said = run(
        *("ask", "-m", str(default_model), "--window", "512", "--max-tokens", "64", "Why?"),
        *("--attach", str(tmp_path / "long.txt")),
    )
    assert said.status == 1
    assert "This message does not fit: 3,0" in said.err
    assert "448" in said.err
