"""A program whose terminal is gone ends, where no signal tells it so as well."""

from __future__ import annotations

import fcntl
import os
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

pty = pytest.importorskip("pty", reason="this system has no terminals of that kind")


@contextmanager
def started(home: Path, model: Path) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """The chat in a terminal that is not the one it is controlled by, so that no signal comes."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-m", "chatapp.cli.main", "-m", str(model)],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env={**os.environ, "HOME": str(home), "TERM": "xterm-256color"},
        start_new_session=True,
    )
    os.close(slave)
    try:
        painted = b""
        while b"Write a message" not in painted:
            painted += os.read(master, 65536)
        yield process, master
    finally:
        process.kill()
        process.wait()


def test_it_ends_when_its_terminal_hangs_up(tmp_path: Path, default_model: Path) -> None:
    with started(tmp_path, default_model) as (process, master):
        os.close(master)
        assert process.wait(timeout=30) == 128 + signal.SIGHUP


def test_it_quits_as_always_when_it_does_not(tmp_path: Path, default_model: Path) -> None:
    with started(tmp_path, default_model) as (process, master):
        os.write(master, b"\x11")  # Ctrl+Q
        painted = b"-"
        while painted:
            try:
                painted = os.read(master, 65536)
            except OSError:  # its end has been closed
                break
        assert process.wait(timeout=30) == 0
        os.close(master)
