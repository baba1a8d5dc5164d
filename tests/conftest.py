"""What all tests share: the default model, and one loaded engine for each process of tests."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from xdist.scheduler import LoadFileScheduling

from chatapp.engine.client import EngineOptions, LocalEngine
from chatapp.engine.counter import Counter
from chatapp.engine.weights.catalogue import load_catalogue
from chatapp.engine.weights.pull import pull
from tests.tool_model import with_template

ROOT = Path(__file__).parent.parent


class _ByFile(LoadFileScheduling):
    """A file's tests stay together, as they share fixtures; so do all tests of the training job,
    whose one adapter takes a minute to train."""

    def _split_scope(self, nodeid: str) -> str:
        room = "tests/training/"
        return room if nodeid.startswith(room) else super()._split_scope(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> LoadFileScheduling:
    return _ByFile(config, log)


def pytest_configure() -> None:
    """Let what tests start be interrupted, though a shell started them in the background."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_sessionstart(session: pytest.Session) -> None:
    """Fetch the model before several processes ask for it."""
    if session.config.getoption("numprocesses", None):
        _weights()


def _weights() -> Path:
    entry = load_catalogue().default
    path = ROOT / "models" / entry.file
    return path if path.exists() else pull(entry, ROOT / "models")


@pytest.fixture(scope="session")
def default_model() -> Path:
    """The default model's weight file; fetched once, on a machine that lacks it."""
    return _weights()


@pytest.fixture(scope="session")
async def engine(default_model: Path) -> AsyncIterator[LocalEngine]:
    """One real engine for all tests that do not kill it."""
    engine = LocalEngine(default_model, EngineOptions(window=2048))
    await engine.start()
    yield engine
    await engine.close()


@pytest.fixture(scope="session")
def tool_model(default_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The default weights under a chat template that has a place for tools."""
    path = with_template(default_model, tmp_path_factory.mktemp("tools") / "tools.gguf")
    yield path
    path.unlink()


@pytest.fixture(scope="session")
async def small_engine(default_model: Path) -> AsyncIterator[LocalEngine]:
    """A real engine with a window of 256 tokens; tests may kill it."""
    engine = LocalEngine(default_model, EngineOptions(window=256))
    await engine.start()
    yield engine
    await engine.close()


@pytest.fixture(scope="session")
async def counter(engine: LocalEngine, default_model: Path) -> Counter:
    """Counts from the default model's own vocabulary."""
    counter = Counter(engine, default_model)
    await counter.open()
    return counter
