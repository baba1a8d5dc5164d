"""Nothing that was said reaches the disk while the log is off; kept, it is in the store alone.

The real program in a terminal, with the real model, and everything that a run can write in one
folder, which is then searched, byte by byte.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import sqlite3
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatapp.context.messages import Message
from chatapp.engine.client import LocalEngine
from chatapp.engine.protocol import Done, Generate, Sampling

pytest.importorskip("termios")
resource = pytest.importorskip("resource")
from benchmarks.terminal import Terminal  # noqa: E402 (needs a terminal of this kind)

ROOT = Path(__file__).parents[2]
SECRET = "The password of the lighthouse is Quarrelsome Pelican."
TOKENS = 32
LENGTH = 16
"""So many characters in a row are no coincidence."""


@pytest.fixture
async def reply(engine: LocalEngine) -> str:
    """What the model answers to the secret, here and in the program: same in, same out."""
    request = Generate(
        messages=[Message("user", SECRET)],
        sampling=Sampling(temperature=0.0, max_tokens=TOKENS),
    )
    (text,) = [event.text async for event in engine.generate(request) if isinstance(event, Done)]
    assert len(text) > LENGTH
    return text


class Run:
    """The chat in a terminal; all that it may write lies below ``folder``."""

    def __init__(self, folder: Path, model: Path) -> None:
        self.folder = folder
        self.home = folder / "home"
        names = {"HOME": "user", "TMPDIR": "tmp", "XDG_RUNTIME_DIR": "run"}
        names |= {f"XDG_{one}_HOME": one.lower() for one in ("CONFIG", "CACHE", "DATA", "STATE")}
        for name in (*names.values(), "cwd", "home"):
            (folder / name).mkdir(exist_ok=True)
        self._env = {name: str(folder / place) for name, place in names.items()}
        self._env["PYTHONPATH"] = str(ROOT)
        command = "from chatapp.cli.main import main; raise SystemExit(main())"
        self._command = [
            sys.executable, "-c", command, "chat", "--home", str(self.home), "-m", str(model),
            "--temperature", "0", "--max-tokens", str(TOKENS),
        ]  # fmt: skip
        self.painted = b""

    @contextlib.contextmanager
    def started(self) -> Iterator[Terminal]:
        terminal = Terminal(self._command, env=self._env, cwd=str(self.folder / "cwd"))
        try:
            assert terminal.seen("unchanged", within=60) < float("inf"), terminal.painted[-3000:]
            yield terminal
        finally:
            self.painted += terminal.painted.encode()
            terminal.close()

    def say(self, terminal: Terminal) -> None:
        terminal.type(SECRET)
        time.sleep(0.5)
        terminal.type("\r")
        assert terminal.seen("turn 1:", within=60) < float("inf"), terminal.painted[-3000:]
        # What is written after a reply is written now.
        time.sleep(1.0)

    @staticmethod
    def abort(terminal: Terminal) -> None:
        """As a crash of the program itself."""
        os.kill(terminal.process.pid, signal.SIGABRT)
        terminal.process.wait(10)

    def holding(self, *texts: str) -> set[str]:
        """The files below the folder that hold any of these texts, by path, name or content."""
        wanted = {
            text[at : at + LENGTH]
            for text in texts
            for at in range(0, max(len(text) - LENGTH, 0) + 1, 4)
        }
        forms = [form for text in wanted for form in _forms(text)]
        found = set()
        for path in self.folder.rglob("*"):
            inside = path.read_bytes() if path.is_file() else b""
            if any(form in inside or form in os.fsencode(path) for form in forms):
                found.add(str(path.relative_to(self.folder)))
        return found

    def titles(self) -> set[bytes]:
        """All that the terminal was told to do with its title, its icon's name or the clipboard."""
        return set(re.findall(rb"\x1b\](?:0|1|2|52);([^\x07\x1b]*)", self.painted))


def _forms(text: str) -> Iterator[bytes]:
    for coding in ("utf-8", "utf-16-le", "utf-32-le"):
        yield text.encode(coding)
    yield text.encode("unicode_escape")


@pytest.fixture
def with_cores() -> Iterator[None]:
    """A shell that lets programs leave core files, as far as this machine does."""
    before = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (before[1], before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_CORE, before)


def children(pid: int) -> list[int]:
    path = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(one) for one in path.read_text().split()] if path.exists() else []


def core_limit(pid: int) -> str:
    limits = Path(f"/proc/{pid}/limits").read_text()
    return re.search(r"Max core file size +(\S+)", limits)[1]  # type: ignore[index]


async def test_off_leaves_no_trace(
    tmp_path: Path, default_model: Path, reply: str, with_cores: None
) -> None:
    run = Run(tmp_path, default_model)
    with run.started() as terminal:
        run.say(terminal)
    with run.started() as terminal:
        run.say(terminal)
        pid = terminal.process.pid
        if Path(f"/proc/{pid}/limits").exists():
            engines = children(pid)
            assert engines
            assert {core_limit(one) for one in (pid, *engines)} == {"0"}
        run.abort(terminal)
    assert SECRET[:LENGTH].encode() in run.painted
    assert run.holding(SECRET, reply) == set()
    assert all(b"elican" not in title for title in run.titles())
    assert list((run.home / "transcripts").iterdir()) == []


def stored(run: Run) -> int:
    """How many sessions are in the store."""
    path = run.home / "transcripts" / "transcripts.db"
    with (
        contextlib.suppress(sqlite3.Error),
        contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db,
    ):
        return int(db.execute("SELECT count(*) FROM sessions").fetchone()[0])
    return 0


def keep(run: Run, terminal: Terminal) -> None:
    """Choose "kept" as a person does."""
    terminal.type("\x0c")
    assert terminal.seen("What is kept") < float("inf")
    for key in ("\x1b[B", "\r"):
        time.sleep(0.5)
        terminal.type(key)
    until = time.monotonic() + 20
    while not stored(run) and time.monotonic() < until:
        time.sleep(0.1)
    time.sleep(2.0)  # the dialog closes


async def test_kept_is_in_the_store_alone(
    tmp_path: Path, default_model: Path, reply: str, with_cores: None
) -> None:
    run = Run(tmp_path, default_model)
    with run.started() as terminal:
        keep(run, terminal)
        run.say(terminal)
        run.abort(terminal)
    found = run.holding(SECRET, reply)
    assert found
    assert {path for path in found if not path.startswith("home/transcripts/transcripts.db")} == (
        set()
    )
    assert all(b"elican" not in title for title in run.titles())
    for path in (run.home / "transcripts").iterdir():
        assert path.stat().st_mode & 0o777 == 0o600
    # The reply was acknowledged on the screen, so it is there, whole, after the crash.
    from chatapp.archive import sessions
    from chatapp.archive.store import NAME, Store

    with Store(run.home / "transcripts" / NAME) as store:
        (info,) = sessions.listed(store)
        branch = list(sessions.load(store, info.id).branch())
    assert [message.content for message in branch] == [SECRET, reply]
    assert branch[1].turn is not None
    assert branch[1].turn.weights.sha256 is not None
