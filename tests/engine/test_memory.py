"""What a window takes in memory, what there is, and what is said when it does not fit."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from chatapp.engine import client
from chatapp.engine.client import EngineOptions, LocalEngine
from chatapp.engine.memory import CacheShape, KvType, available, container_limit, total
from chatapp.errors import EngineError

SMOL = CacheShape(layers=30, heads=3, key=64, value=64)


@pytest.mark.parametrize(("kv_type", "each"), [("f16", 23_040), ("f32", 46_080), ("q8_0", 12_240)])
def test_bytes_of_the_cache(kv_type: KvType, each: int) -> None:
    assert SMOL.bytes(1, kv_type) == each
    assert SMOL.bytes(8192, kv_type) == 8192 * each


def test_a_window_that_does_not_fit_is_refused_with_both_numbers() -> None:
    needed = SMOL.bytes(8192, "f16")
    assert SMOL.check(8192, "f16", needed) == needed
    assert SMOL.check(8192, "f16", None) == needed  # cannot be told, so nothing is refused
    with pytest.raises(EngineError) as caught:
        SMOL.check(1_000_000, "f16", 3_500_000_000)
    assert caught.value.kind == "memory"
    assert str(caught.value) == (
        "A window of 1,000,000 tokens takes 23.0 GB of memory, and only 3.5 GB are free here: "
        "choose a smaller window."
    )


def test_heads_that_cannot_be_packed() -> None:
    odd = CacheShape(layers=2, heads=2, key=80, value=80)
    odd.check(64, "f16", None)
    with pytest.raises(EngineError, match=r"80 numbers.*choose the KV cache type f16"):
        odd.check(64, "q8_0", None)


def system(root: Path, **files: str) -> Path:
    """A made-up ``/proc`` and ``/sys``; double underscores stand for slashes."""
    for name, text in files.items():
        path = root / name.replace("__", "/").replace("DOT", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


MEMINFO = "MemTotal:       16000 kB\nMemFree: 1 kB\nMemAvailable:    8000 kB\n"


def test_what_is_free_without_a_container(tmp_path: Path) -> None:
    root = system(tmp_path, proc__meminfo=MEMINFO)
    assert available(root) == 8000 * 1024
    assert total(root) == 16000 * 1024
    assert container_limit(root) is None


def test_a_container_allows_less(tmp_path: Path) -> None:
    root = system(
        tmp_path,
        proc__meminfo=MEMINFO,
        proc__self__cgroup="1:name=systemd:/x\n0::/a/b\n",
        sys__fs__cgroup__a__memoryDOTmax="5000000\n",
        sys__fs__cgroup__a__memoryDOTcurrent="3000000\n",
        sys__fs__cgroup__a__memoryDOTstat="anon 1\ninactive_file 500000\n",
        sys__fs__cgroup__a__b__memoryDOTmax="max\n",
        sys__fs__cgroup__a__b__memoryDOTcurrent="3000000\n",
    )
    assert available(root) == 2_500_000
    assert container_limit(root) == 5_000_000


@pytest.mark.parametrize("text", ["", "MemAvailable: many kB\n", "\0\n", "MemAvailable:\n"])
def test_a_system_that_does_not_tell(tmp_path: Path, text: str) -> None:
    assert available(tmp_path / "nothing") is None
    assert available(system(tmp_path, proc__meminfo=text, proc__self__cgroup="5:cpu:/\n")) is None


@pytest.fixture
def little_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine's process finds a hundred million bytes free."""
    code = (
        "import runpy, sys\n"
        "from chatapp.engine import memory\n"
        "memory.available = lambda: 100_000_000\n"
        "sys.argv = sys.argv[sys.argv.index('chatapp.engine'):]\n"
        "runpy.run_module('chatapp.engine', run_name='__main__', alter_sys=True)\n"
    )
    (tmp_path / "little.py").write_text(code)
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{tmp_path}/little.py" "$@"\n')
    python.chmod(0o755)
    monkeypatch.setattr(client.sys, "executable", str(python))  # type: ignore[attr-defined]


@pytest.mark.skipif(sys.platform == "win32", reason="needs a shell script as interpreter")
@pytest.mark.usefixtures("little_memory")
async def test_the_person_reads_why_the_window_is_refused(default_model: Path) -> None:
    engine = LocalEngine(default_model, EngineOptions(window=8192))
    with pytest.raises(EngineError) as caught:
        await engine.start()
    assert caught.value.kind == "memory"
    assert str(caught.value) == (
        "A window of 8,192 tokens takes 189 MB of memory, and only 100 MB are free here: choose a "
        "smaller window."
    )
    assert engine.state == "failed"
    smaller = LocalEngine(default_model, EngineOptions(window=1024))
    assert (await smaller.start()).kv_bytes == 23_592_960
    await smaller.close()
