"""Where there is no terminal, the screen is refused with a sentence, and what works is named."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pty = pytest.importorskip("pty", reason="this system has no terminals of that kind")

MAIN = [sys.executable, "-m", "chatapp.cli.main"]


def refused(home: Path, *argv: str, **streams: int) -> subprocess.CompletedProcess[str]:
    """Each stream that is not named is a terminal."""
    """With these streams; one that is not named is a terminal."""
    master, slave = pty.openpty()
    try:
        return subprocess.run(
            [*MAIN, *argv],
            **{"stdin": slave, "stdout": subprocess.PIPE, "stderr": slave, **streams},
            cwd=home,
            env={**os.environ, "CHATAPP_HOME": str(home), "TERM": "xterm-256color"},
            text=True,
            timeout=60,
            check=False,
        )
    finally:
        os.close(master)
        os.close(slave)


@pytest.mark.parametrize("argv", [[], ["chat"], ["-m", "no-such-model.gguf"]])
@pytest.mark.parametrize("stdin", [subprocess.DEVNULL, subprocess.PIPE])
def test_the_screen_is_refused_before_anything_is_fetched(
    tmp_path: Path, argv: list[str], stdin: int
) -> None:
    done = refused(tmp_path, *argv, stdin=stdin, stderr=subprocess.PIPE)
    assert done.returncode == 1
    assert done.stderr == (
        "chatapp: The screen needs a terminal, and this program's input is none. "
        'Without one: chatapp ask "What is a token?"\n'
    )
    assert done.stdout == ""
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_so_it_is_where_nothing_could_be_painted(tmp_path: Path) -> None:
    done = refused(tmp_path, stderr=subprocess.PIPE)
    assert done.returncode == 1
    assert "this program's error output is none" in done.stderr


@pytest.mark.parametrize(
    ("more", "way"),
    [([], "--headless"), (["--still", "a.svg"], "--record FILE.cast")],
)
def test_a_lesson_names_the_way_that_works(tmp_path: Path, more: list[str], way: str) -> None:
    argv = ["lesson", "correction", *more]
    done = refused(tmp_path, *argv, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert done.returncode == 1
    assert f"Without one: chatapp lesson correction {way}\n" in done.stderr
