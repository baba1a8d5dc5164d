"""Which folder is home, and that making it is private and tolerant."""

from __future__ import annotations

from pathlib import Path

import platformdirs
import pytest

from chatapp.errors import HomeError
from chatapp.home.paths import find_home
from tests.weights.conftest import unwritable

__all__ = ["unwritable"]  # the fixture, shared with the weights' tests


def home_at(folder: Path) -> Path:
    (folder / "models").mkdir(parents=True)
    (folder / "transcripts").mkdir()
    return folder


def test_the_rule_in_its_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    upwards = home_at(tmp_path / "a")
    cwd = upwards / "b" / "c"
    cwd.mkdir(parents=True)
    env = {"CHATAPP_HOME": str(tmp_path / "env")}
    named = find_home(str(tmp_path / "named"), env, cwd)
    assert (named.root, named.found) == (tmp_path / "named", "named with --home")
    by_env = find_home(None, env, cwd)
    assert (by_env.root, by_env.found) == (tmp_path / "env", "named in $CHATAPP_HOME")
    assert find_home(None, {}, cwd).root == upwards
    assert find_home(None, {}, upwards).root == upwards
    assert find_home(None, {"CHATAPP_HOME": ""}, cwd).root == upwards
    monkeypatch.setattr(platformdirs, "user_data_dir", lambda *_, **__: str(tmp_path / "data"))
    assert find_home(None, {}, tmp_path).root == tmp_path / "data"


def test_the_nearest_folder_upwards_wins_and_needs_both(tmp_path: Path) -> None:
    home_at(tmp_path)
    inner = tmp_path / "inner"
    (inner / "models").mkdir(parents=True)
    assert find_home(None, {}, inner).root == tmp_path
    (inner / "transcripts").write_text("a file is not enough")
    assert find_home(None, {}, inner).root == tmp_path
    (inner / "transcripts").unlink()
    (inner / "transcripts").mkdir()
    assert find_home(None, {}, inner).root == inner


def test_nothing_is_made_by_looking(tmp_path: Path) -> None:
    find_home(str(tmp_path / "new"), {}, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_relative_home_is_seen_from_the_current_folder(tmp_path: Path) -> None:
    assert find_home("here", {}, tmp_path).root == tmp_path / "here"


def test_a_tilde_is_the_users_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert find_home("~/x", {}, Path("/")).root == tmp_path / "x"


@pytest.mark.parametrize("name", ["", "file", "a\0b", "x" * 5000, "~nobody-such/x"])
def test_a_home_that_is_no_folder_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(HomeError, match="--home must name a folder"):
        find_home(name, {}, tmp_path)
    if name and "\0" not in name:
        with pytest.raises(HomeError, match=r"\$CHATAPP_HOME must name a folder"):
            find_home(None, {"CHATAPP_HOME": name}, tmp_path)


def test_ensure_makes_private_folders(tmp_path: Path) -> None:
    home = find_home(str(tmp_path / "new"), {}, tmp_path)
    home.ensure()
    home.ensure()
    for folder in (home.root, home.models, home.transcripts, home.cache, home.logs):
        assert folder.stat().st_mode & 0o777 == 0o700
    assert home.engine_log.parent == home.logs
    assert home.settings_file.parent == home.root
    assert list(home.transcripts.iterdir()) == []


def test_ensure_leaves_what_is_there_alone(tmp_path: Path) -> None:
    home_at(tmp_path)
    (tmp_path / "models").chmod(0o755)
    find_home(str(tmp_path), {}, tmp_path).ensure()
    assert (tmp_path / "models").stat().st_mode & 0o777 == 0o755


def test_ensure_tolerates_a_read_only_home(unwritable: Path) -> None:
    find_home(str(unwritable), {}, Path("/")).ensure()
    assert [path.name for path in unwritable.iterdir()] == ["kept.gguf"]


def test_a_file_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "models").write_text("a file")
    with pytest.raises(HomeError, match="models should be a folder"):
        find_home(str(tmp_path), {}, tmp_path).ensure()
