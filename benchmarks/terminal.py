"""A program in a pseudo-terminal, and when it painted what."""

from __future__ import annotations

import fcntl
import os
import pty
import signal
import struct
import subprocess
import termios
import threading
import time
from collections.abc import Sequence

ROWS, COLUMNS = 40, 120


class Terminal:
    """Starts a program on 120 × 40 cells and takes what it paints, as a terminal would.

    ``started`` is when the program was started. ``fds`` are handed on to it.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        env: dict[str, str] | None = None,
        fds: Sequence[int] = (),
        cwd: str | None = None,
    ) -> None:
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        # Until the program takes over, the kernel must not echo keys in its place.
        settings = termios.tcgetattr(slave)
        settings[3] &= ~termios.ECHO
        termios.tcsetattr(slave, termios.TCSANOW, settings)
        environment = {**os.environ, **(env or {}), "TERM": "xterm-256color"}
        for name in ("COLUMNS", "LINES", "NO_COLOR"):
            environment.pop(name, None)
        self._new = threading.Condition()
        # Grows by what is read, not by a copy of all of it: that would take time from what runs.
        self._painted = bytearray()
        self._ended = False
        self.started = time.perf_counter()
        self.process = subprocess.Popen(
            command,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=environment,
            pass_fds=fds,
            cwd=cwd,
            start_new_session=True,
        )
        os.close(slave)
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        while True:
            try:
                data = os.read(self.master, 65536)
            except OSError:
                data = b""
            with self._new:
                self._painted += data
                self._ended = not data
                self._new.notify_all()
            if not data:
                return

    def forget(self) -> None:
        """Take as unseen what was painted until now."""
        with self._new:
            self._painted.clear()

    def type(self, text: str) -> None:
        os.write(self.master, text.encode())

    def seen(self, text: str, within: float = 20.0) -> float:
        """When ``text`` was painted (since :meth:`forget`); infinite if not within that time."""
        data, deadline = text.encode(), time.perf_counter() + within
        with self._new:
            while data not in self._painted:
                left = deadline - time.perf_counter()
                if left <= 0 or self._ended:
                    return float("inf")
                self._new.wait(left)
        return time.perf_counter()

    @property
    def painted(self) -> str:
        return self._painted.decode("utf-8", "replace")

    def close(self) -> None:
        """Ctrl+Q; a program that does not end is killed, and it alone."""
        try:
            if self.process.poll() is None:
                self.type("\x11")
                self.process.wait(5)
        except (OSError, subprocess.TimeoutExpired):
            os.kill(self.process.pid, signal.SIGKILL)
            self.process.wait()
        finally:
            os.close(self.master)

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def keys() -> list[str]:
    """Letters one cell wide that no reply holds: each stands for one key, known when painted."""
    ranges = ((0x0410, 0x0450), (0x0531, 0x0557), (0x0561, 0x0588), (0x10D0, 0x10F1))
    return [chr(code) for first, end in ranges for code in range(first, end)]
