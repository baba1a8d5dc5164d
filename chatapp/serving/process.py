"""One visitor's screen: a process of its own, with a scrubbed environment and an empty home."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import socket
import sys
import tempfile
from asyncio.subprocess import Process
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, Final

from textual_serve.app_service import AppService
from textual_serve.download_manager import DownloadManager

from chatapp.serving.visit import VISIT

__all__ = ["VisitorProcess"]

_PASSED: Final = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "PYTHONPATH", "LD_LIBRARY_PATH")
"""What of our own environment a visitor's process gets. No key, no home, no name of ours."""
_GRACE: Final = 3.0
"""Seconds that the screen has for ending by itself."""
WIDTHS: Final = (20, 400)
HEIGHTS: Final = (6, 150)


class VisitorProcess(AppService):
    """Runs ``python -m chatapp.serving.visit`` and carries its screen to one browser.

    ``visit`` is what the process is told; ``link`` its end of the socket to the broker, which is
    handed over and closed here. The parts of textual-serve that would shell out, pass our
    environment on, or hand files to the browser are not used.
    """

    def __init__(
        self,
        visit: Mapping[str, Any],
        link: socket.socket,
        folder: Path,
        *,
        write_bytes: Callable[[bytes], Awaitable[None]],
        close: Callable[[], Awaitable[None]],
    ) -> None:
        async def unused(_: str) -> None:
            """Files and addresses are not handed to the browser."""

        super().__init__(
            "",
            write_bytes=write_bytes,
            write_str=unused,
            close=close,
            download_manager=DownloadManager(),
        )
        self._visit = dict(visit)
        self._link = link
        self._home = Path(tempfile.mkdtemp(dir=folder, prefix="visitor-"))

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process is not None else None

    @property
    def failed(self) -> bool:
        """Whether the screen ended with an error of its own."""
        return self._process is not None and bool(self._process.returncode)

    def _build_environment(self, width: int = 80, height: int = 24) -> dict[str, str]:
        home = str(self._home)
        return {
            **{name: os.environ[name] for name in _PASSED if name in os.environ},
            "HOME": home,
            "TMPDIR": home,
            "XDG_CONFIG_HOME": home,
            "XDG_CACHE_HOME": home,
            "XDG_DATA_HOME": home,
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONUTF8": "1",
            "OPENBLAS_NUM_THREADS": "1",
            "TEXTUAL_DRIVER": "textual.drivers.web_driver:WebDriver",
            "TEXTUAL_FPS": "15",
            "TEXTUAL_COLOR_SYSTEM": "truecolor",
            "TERM": "xterm-256color",
            "COLUMNS": str(width),
            "ROWS": str(height),
            VISIT: json.dumps({**self._visit, "link": self._link.fileno()}),
        }

    async def _open_app_process(self, width: int = 80, height: int = 24) -> Process:
        try:
            self._process = process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "chatapp.serving.visit",
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                cwd=self._home,
                env=self._build_environment(width, height),
                pass_fds=(self._link.fileno(),),
                # Ctrl+C in the terminal is for the one who serves; each process is ended in turn.
                start_new_session=True,
            )
        finally:
            self._link.close()
        assert process.stdin is not None
        self._stdin = process.stdin
        return process

    async def start(self, width: int, height: int) -> None:
        await super().start(within(width, WIDTHS), within(height, HEIGHTS))

    async def run(self) -> None:
        """Carry the screen until the process ends, however it does."""
        try:
            await super().run()
        finally:
            await self.remote_close()

    async def set_terminal_size(self, width: int, height: int) -> None:
        await super().set_terminal_size(within(width, WIDTHS), within(height, HEIGHTS))

    async def on_meta(self, data: bytes) -> None:
        """Only the end of the screen is heard; no file and no address goes to the browser."""
        if json.loads(data).get("type") == "exit":
            await self.remote_close()

    async def on_packed(self, payload: bytes) -> None:
        """Nothing is delivered."""

    async def stop(self) -> None:
        """End the process, with its whole group if it does not end by itself, and its home."""
        task, self._task, process = self._task, None, self._process
        try:
            if process is not None and process.returncode is None:
                await self.send_meta({"type": "quit"})
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(process.wait(), _GRACE)
        finally:
            self._link.close()
            if process is not None:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(process.pid, signal.SIGKILL)
                await process.wait()
            if task is not None:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
            await asyncio.to_thread(shutil.rmtree, self._home, ignore_errors=True)


def within(value: int, bounds: tuple[int, int]) -> int:
    """``value``, or the nearer bound: a browser may ask for any size."""
    return min(max(value, bounds[0]), bounds[1])
