"""``chatapp paths``."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.conftest import Run


def test_prints_them_all(run: Run, home: Path) -> None:
    said = run("paths")
    assert (said.status, said.err) == (0, "")
    for name in ("models", "transcripts", "settings.toml", "cache", "logs/engine.log"):
        assert str(home / name) in said.out
    assert f"{home / 'transcripts'} - not there yet" in said.out
    assert f"{home / 'models'}\n" in said.out
    assert "named in $CHATAPP_HOME" in said.out


def test_json(run: Run, home: Path) -> None:
    document = json.loads(run("paths", "--json").out)
    assert document == {
        "home": str(home),
        "models": str(home / "models"),
        "transcripts": str(home / "transcripts"),
        "lessons": str(home / "lessons"),
        "settings": str(home / "settings.toml"),
        "cache": str(home / "cache"),
        "logs": str(home / "logs"),
        "engine_log": str(home / "logs" / "engine.log"),
    }


def test_nothing_is_made(run: Run, tmp_path: Path) -> None:
    run("--home", str(tmp_path / "new"), "paths")
    assert not (tmp_path / "new").exists()


def test_broken_settings_do_not_hide_where_they_are(run: Run, home: Path) -> None:
    (home / "settings.toml").write_text("window = 1\n")
    assert str(home / "settings.toml") in run("paths").out


def test_a_home_with_an_escape_sequence_is_shown_harmless(run: Run, tmp_path: Path) -> None:
    said = run("--home", str(tmp_path / "\x1b[31m"), "paths")
    assert "\x1b" not in said.out
