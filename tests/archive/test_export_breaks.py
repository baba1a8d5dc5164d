"""An export that is broken off leaves nothing half, and what was there before as it was."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chatapp.archive.exporting import Item, export, verify
from chatapp.archive.exporting import shards as shards_module
from chatapp.errors import ExportError
from tests.archive.export_samples import AT, bytes_of, items, many

ROOT = Path(__file__).parents[2]

CHILD = """
import sys, time
from pathlib import Path
sys.path[:0] = [{here!r}, {root!r}]
from tests.archive.export_samples import many
from chatapp.archive.exporting import export

def slow(count):
    for number, item in enumerate(many(count)):
        if number == 3000:
            print("half", flush=True)
            time.sleep(60)
        yield item

export(slow(6000), Path(sys.argv[1]), replace=True, shard_bytes=100_000)
"""


def half_way(target: Path) -> subprocess.Popen[str]:
    """A process that has written half of an export to ``target`` and waits."""
    code = CHILD.format(here=str(Path(__file__).parent), root=str(ROOT))
    child = subprocess.Popen(
        [sys.executable, "-c", code, str(target)], stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "half\n"
    return child


@pytest.mark.parametrize("before", [False, True])
def test_killed_in_the_middle(tmp_path: Path, before: bool) -> None:
    target = tmp_path / "out"
    if before:
        export(items(), target, at=AT)
    held = bytes_of(target) if before else None
    child = half_way(target)
    assert (tmp_path / ".partial-out").exists()
    with pytest.raises(ExportError, match=r"Another export to .* is under way"):
        export(items(), target, replace=True)
    child.kill()
    child.communicate()
    assert (bytes_of(target) if before else target.exists()) == (held or False)
    again = export(items(), target, replace=True)
    assert again.removed_partial
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert verify(target).ok


def test_interrupted_from_the_keyboard(tmp_path: Path) -> None:
    child = half_way(tmp_path / "out")
    child.send_signal(signal.SIGINT)
    child.communicate()
    assert child.returncode != 0
    assert list(tmp_path.iterdir()) == []


class Stop(Exception):
    pass


@pytest.mark.parametrize("container", ["jsonl", "parquet"])
def test_whatever_the_items_or_the_progress_raise(tmp_path: Path, container: str) -> None:
    def broken() -> Iterator[Item]:
        yield from many(2500)
        raise Stop

    def stop(*_: object) -> None:
        raise Stop

    with pytest.raises(Stop):
        export(broken(), tmp_path / "out", container=container)
    with pytest.raises(Stop):
        export(many(2500), tmp_path / "out", container=container, progress=stop)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("container", ["jsonl", "parquet"])
@pytest.mark.parametrize("room", [0, 20_000])
def test_disk_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, room: int, container: str
) -> None:
    export(items(), tmp_path / "out", at=AT)
    held = bytes_of(tmp_path / "out")
    real, left = shards_module.create, room

    class Full:
        """A file on a disk with little room."""

        def __init__(self, path: Path) -> None:
            self.file: Any = real(path)

        def write(self, data: bytes) -> int:
            nonlocal left
            left -= len(data)
            if left < 0:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return int(self.file.write(data))

        def __getattr__(self, name: str) -> Any:
            return getattr(self.file, name)

    monkeypatch.setattr(shards_module, "create", Full)
    with pytest.raises(ExportError, match=r"failed: no space left on device\. Nothing was left"):
        export(many(4000), tmp_path / "out", replace=True, container=container)
    assert bytes_of(tmp_path / "out") == held
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_disk_really_full(tmp_path: Path) -> None:
    """The same on a real disk of 256 KiB, where one may be mounted."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(disk)]
    try:
        mounted = subprocess.run(mount, capture_output=True).returncode == 0
    except OSError:
        mounted = False
    if not mounted:
        pytest.skip("no disk can be mounted here")
    try:
        for container in ("jsonl", "parquet"):
            with pytest.raises(ExportError, match="no space left on device"):
                export(many(20_000), disk / "out", container=container)
            assert list(disk.iterdir()) == []
        assert verify(export(items(), disk / "out").folder).ok
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_a_file_larger_than_may_be_written(tmp_path: Path) -> None:
    """A refusal by the system in the middle of a file, wherever no disk can be mounted."""
    code = CHILD.format(here=str(Path(__file__).parent), root=str(ROOT)).replace(
        "export(slow(6000)", "export(many(6000)"
    )
    limited = (
        "import resource, signal\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, 150_000))\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", limited + code, str(tmp_path / "out")],
        capture_output=True,
        text=True,
    )
    assert "ExportError: The export to" in ran.stderr
    assert "file too large" in ran.stderr
    assert list(tmp_path.iterdir()) == []


def test_killed_between_the_two_renames_of_a_replacement(tmp_path: Path) -> None:
    export(items(), tmp_path / "out", at=AT)
    held = bytes_of(tmp_path / "out")
    (tmp_path / "out").rename(tmp_path / ".replaced-out")
    with pytest.raises(ExportError, match="is not empty"):
        export(items(3), tmp_path / "out")
    assert bytes_of(tmp_path / "out") == held
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_move_that_fails_puts_back_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    export(items(), tmp_path / "out", at=AT)
    held = bytes_of(tmp_path / "out")
    real = Path.rename

    def refuse(self: Path, target: Path) -> Path:
        if self.name == ".partial-out":
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return real(self, target)

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(ExportError, match="input/output error"):
        export(items(3), tmp_path / "out", replace=True)
    assert bytes_of(tmp_path / "out") == held
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_only_an_export_is_replaced_and_only_when_asked(tmp_path: Path) -> None:
    target = tmp_path / "out"
    target.mkdir()
    export(items(), target)  # an empty folder is as good as none
    with pytest.raises(ExportError, match=r"not empty.*--replace"):
        export(items(), target)
    assert export(items(3), target, replace=True).rows == 3
    (target / "notes.txt").write_text("mine")
    with pytest.raises(ExportError, match=r"notes\.txt is not part of the export"):
        export(items(), target, replace=True)
    assert (target / "notes.txt").read_text() == "mine"
    home = tmp_path / "home"
    home.mkdir()
    (home / "thesis.txt").write_text("mine")
    with pytest.raises(ExportError, match="is not an export, so it is not replaced"):
        export(items(), home, replace=True)
    with pytest.raises(ExportError, match="is a file"):
        export(items(), home / "thesis.txt", replace=True)
    assert (home / "thesis.txt").read_text() == "mine"


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ExportError, match=r"The export to .* failed"):
        export(items(), tmp_path / "file" / "out")
    with pytest.raises(ExportError, match="root of a disk"):
        export(items(), Path("/"))
