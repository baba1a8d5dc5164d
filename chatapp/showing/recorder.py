"""Records a program in a terminal of its own (a pty), of a chosen size."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from chatapp.errors import ShowingError
from chatapp.showing.cast import Writing

__all__ = ["record"]


def record(
    command: Sequence[str],
    path: Path,
    *,
    size: tuple[int, int] = (100, 30),
    title: str = "",
    env: Mapping[str, str] | None = None,
    told: Callable[[float], None] = lambda seconds: None,
) -> int:
    """Run ``command`` in a terminal of ``size`` (columns, lines) and write what it shows to
    ``path``, which appears when the program has ended. Nothing can be typed.

    ``told`` is called with the seconds so far. Returns the program's exit status. Raises
    :class:`ShowingError` where there is no pty, or the file cannot be written.
    """
    try:
        import pty
        import termios
    except ImportError:  # on Windows
        raise ShowingError("This system has no pseudo-terminals to record in.") from None
    columns, lines = size
    writing = Writing(columns, lines, title)
    part = path.with_name(path.name + ".part")
    try:
        with os.fdopen(
            os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8"
        ) as file:
            file.write(writing.header())
            ours, theirs = pty.openpty()
            try:
                termios.tcsetwinsize(theirs, (lines, columns))
                process = subprocess.Popen(
                    command,
                    stdin=theirs,
                    stdout=theirs,
                    stderr=theirs,
                    env=_environment(env or os.environ),
                    start_new_session=True,
                )
            except OSError as error:
                os.close(ours)
                raise ShowingError(f"{command[0]} cannot be run: {error.strerror}.") from None
            finally:
                os.close(theirs)
            try:
                begun = time.monotonic()
                while data := _read(ours):
                    seconds = time.monotonic() - begun
                    file.write(writing.event(seconds, data))
                    told(seconds)
                file.write(writing.event(time.monotonic() - begun, b"", final=True))
                status = process.wait()
            finally:
                os.close(ours)
                if process.poll() is None:  # stopped with Ctrl+C
                    process.terminate()
                    process.wait()
        os.replace(part, path)
    except OSError as error:
        raise ShowingError(f"{path} cannot be written: {error.strerror}.") from None
    finally:
        part.unlink(missing_ok=True)
    return status


def _read(terminal: int) -> bytes:
    """What comes next; nothing at the end, which Linux tells as an error."""
    try:
        return os.read(terminal, 65536)
    except OSError:
        return b""


def _environment(env: Mapping[str, str]) -> dict[str, str]:
    """A plain terminal with all colours, whatever this one is."""
    kept = {name: value for name, value in env.items() if name not in ("COLUMNS", "LINES")}
    kept.pop("NO_COLOR", None)
    return {**kept, "TERM": "xterm-256color", "COLORTERM": "truecolor", "PYTHONUTF8": "1"}
