"""Recordings: what a program shows in a terminal of its own, in asciinema's format."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from chatapp.errors import ShowingError
from chatapp.showing.cast import Writing, read
from chatapp.showing.recorder import record

PROGRAM = """
import os, sys, time
print(os.get_terminal_size(), sys.stdin.isatty(), os.environ["TERM"], os.environ["COLORTERM"])
sys.stdout.flush(); time.sleep(0.3); print("später 猫")
"""


def test_a_program_is_recorded_in_a_terminal_of_the_size_asked_for(tmp_path: Path):
    path = tmp_path / "a.cast"
    times: list[float] = []
    command = [sys.executable, "-c", PROGRAM]
    assert record(command, path, size=(61, 17), title="Try", told=times.append) == 0
    cast = read(path.read_text("utf-8"))
    assert (cast.columns, cast.lines, cast.title) == (61, 17, "Try")
    assert "columns=61, lines=17" in cast.text
    assert "True xterm-256color truecolor" in cast.text
    assert "später 猫\r\n" in cast.text
    seconds = [at for at, _ in cast.events]
    assert seconds == sorted(seconds)
    assert seconds[-1] - seconds[0] > 0.2
    assert len(times) == len(seconds)
    assert path.stat().st_mode & 0o077 == 0
    assert [*tmp_path.iterdir()] == [path]


def test_the_lines_are_what_the_format_says(tmp_path: Path):
    path = tmp_path / "a.cast"
    record([sys.executable, "-c", "print('x')"], path)
    header, *events = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    assert header["version"] == 2
    assert all(isinstance(header[key], int) for key in ("width", "height"))
    assert events
    for seconds, kind, data in events:
        assert isinstance(seconds, float)
        assert (kind, type(data)) == ("o", str)


def test_a_character_that_comes_in_two_parts_is_whole():
    writing = Writing(80, 24, "")
    cat = "猫".encode()
    assert writing.event(0.1, b"a" + cat[:1]) == '[0.1, "o", "a"]\n'
    assert writing.event(0.2, cat[1:2]) == ""
    assert writing.event(0.3, cat[2:]) == '[0.3, "o", "猫"]\n'
    writing.event(0.4, cat[:2])
    assert "\ufffd" in writing.event(0.5, b"", final=True)


def test_the_status_is_the_programs(tmp_path: Path):
    assert record([sys.executable, "-c", "raise SystemExit(3)"], tmp_path / "a.cast") == 3


def test_what_cannot_be_done_is_said_and_leaves_nothing(tmp_path: Path):
    with pytest.raises(ShowingError, match="cannot be run"):
        record([str(tmp_path / "missing")], tmp_path / "a.cast")
    assert not [*tmp_path.iterdir()]
    with pytest.raises(ShowingError, match="cannot be written"):
        record([sys.executable, "-c", ""], tmp_path / "no" / "a.cast")


@pytest.mark.parametrize("text", ["", "{}", "x", '{"version": 1}', '{"version": 2}\n[1]', "[]"])
def test_what_is_no_recording_is_said(text):
    with pytest.raises(ShowingError):
        read(text)
