"""The options for recording a lesson, and the command that plays it alone."""

from __future__ import annotations

import argparse

import pytest

from chatapp.cli.lesson_screen import child_of
from chatapp.cli.main import main
from chatapp.cli.recording import add_recording_options


def parsed(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_recording_options(parser)
    return parser.parse_args(words)


def test_sizes_and_paces():
    assert parsed().size == (100, 30)
    assert parsed("--size", "80x24").size == (80, 24)
    assert parsed("--pace", "0.5").pace == 0.5


@pytest.mark.parametrize(
    "words",
    [
        ["--size", "80"],
        ["--size", "5x5"],
        ["--size", "999x24"],
        ["--pace", "-1"],
        ["--pace", "nan"],
        ["--pace", "x"],
    ],
)
def test_odd_ones_are_refused(words, capsys):
    with pytest.raises(SystemExit):
        parsed(*words)
    assert "must be" in capsys.readouterr().err


@pytest.mark.parametrize("record", [["--record", "a.cast"], ["--record=a.cast"], ["--rec", "a"]])
def test_the_child_plays_alone_what_was_asked_for_and_does_not_record(
    record, monkeypatch, tmp_path
):
    played, recorded = [], []
    monkeypatch.setattr("chatapp.tui.app.run", lambda given: played.append(given) or 0)
    monkeypatch.setattr("chatapp.cli.lesson_screen._record", lambda *_: recorded.append(1) or 0)
    monkeypatch.setattr("chatapp.cli.first_run.ensure_model", lambda *_, **__: tmp_path / "m.gguf")
    monkeypatch.setattr("chatapp.cli.lesson_screen.need_terminal", lambda instead: None)
    words = ["lesson", "correction", *record, "--pace", "2", "--home", str(tmp_path)]
    assert main(words) == 0
    assert (len(played), len(recorded)) == (0, 1)
    child = child_of(words)
    assert child[1:3] == ["-m", "chatapp.cli.main"]
    assert main(child[3:]) == 0
    assert (len(played), len(recorded)) == (1, 1)
    assert played[0].autoplay.pace == 2
    assert played[0].play.name == "correction"


def test_a_place_that_cannot_be_written_is_said(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("sys.argv", ["chatapp", "lesson", "correction"])
    path = tmp_path / "no" / "a.cast"
    words = ["lesson", "correction", "--record", str(path), "--home", str(tmp_path)]
    assert main(words) == 1
    assert "cannot be written" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--handout", "--still"])
def test_a_page_that_cannot_be_written_is_said_before_the_lesson(option, tmp_path, capsys):
    words = ["lesson", "correction", option, str(tmp_path), "--home", str(tmp_path)]
    assert main(words) == 1
    assert "is not a file" in capsys.readouterr().err
