"""Report files are there whole, or what was there before still is."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pytest

from chatapp.errors import ChatappError
from chatapp.proofs.evidence import Evidence
from chatapp.proofs.report import as_page, write_json, write_page
from tests.proofs.samples import HOSTILE, MADE, all_of_them, failed


def test_the_page_and_the_json_are_written(tmp_path: Path) -> None:
    write_page(tmp_path / "page.html", all_of_them(), made=MADE)
    write_json(tmp_path / "evidence.json", all_of_them())
    assert (tmp_path / "page.html").read_text("utf-8") == as_page(all_of_them(), made=MADE)
    found = json.loads((tmp_path / "evidence.json").read_bytes())
    assert found["verdict"] == "failed"
    assert len(found["experiments"]) == 5
    assert sorted(each.name for each in tmp_path.iterdir()) == ["evidence.json", "page.html"]


def test_json_loses_nothing_of_a_hostile_prompt(tmp_path: Path) -> None:
    write_json(tmp_path / "e.json", [failed()])
    found = json.loads((tmp_path / "e.json").read_bytes())["experiments"][0]
    assert Evidence.from_dict(found).checks[2].says == HOSTILE


def test_others_may_read_it(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        write_page(tmp_path / "page.html", [], made=MADE)
    finally:
        os.umask(before)
    assert (tmp_path / "page.html").stat().st_mode & 0o777 == 0o644


def test_a_missing_folder_a_folder_and_a_device_are_said_clearly(tmp_path: Path) -> None:
    with pytest.raises(ChatappError, match=r"no folder .*nowhere"):
        write_page(tmp_path / "nowhere" / "page.html", [], made=MADE)
    with pytest.raises(ChatappError, match="is not a file"):
        write_page(tmp_path, [], made=MADE)
    with pytest.raises(ChatappError, match="is not a file"):
        write_json(Path(os.devnull), [])
    with pytest.raises(ChatappError, match="cannot be written"):
        write_json(tmp_path / "a\0b", [])
    with pytest.raises(ChatappError, match="cannot be written"):
        write_json(tmp_path / ("a" * 300), [])
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "page.html"
    path.write_text("the old page")

    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ChatappError, match=r"page\.html cannot be written: No space left"):
        write_page(path, all_of_them(), made=MADE)
    assert [each.name for each in tmp_path.iterdir()] == ["page.html"]
    assert path.read_text() == "the old page"


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real.html").write_text("old")
    (tmp_path / "link.html").symlink_to("real.html")
    write_page(tmp_path / "link.html", [], made=MADE)
    assert (tmp_path / "link.html").is_symlink()
    assert (tmp_path / "real.html").read_text("utf-8") == as_page([], made=MADE)
