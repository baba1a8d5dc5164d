"""Fetch a model and say on a text stream what happens."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TextIO

from chatapp.cli.text import clean, size
from chatapp.engine.weights.catalogue import Entry
from chatapp.engine.weights.pull import Progress, pull

__all__ = ["ProgressLine", "announce", "fetch"]

_WORDS = {
    "connect": "Connecting",
    "download": "Fetching",
    "unpack": "Unpacking",
    "check": "Checking",
}
_WIDTH = 30  # characters of the bar
_PAUSE = 0.1  # seconds between two drawings
_SLOW = 1.0  # seconds without a word after which a line is worth it


class ProgressLine:
    """Shows how far something is: one line drawn over on a terminal, elsewhere a line
    now and then, and none for what is quick.

    Use it as a context manager, so that the terminal is on a fresh line afterwards.
    """

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._live = out.isatty()
        self._drawn, self._shown, self._length = time.monotonic(), ("", -1), 0

    def __enter__(self) -> ProgressLine:
        return self

    def __exit__(self, *_: object) -> None:
        if self._live and self._length:
            print(file=self._out, flush=True)

    def __call__(self, word: str, done: int, total: int) -> None:
        quarter = 4 * done // total if total else 0
        news = (word, quarter) != self._shown
        waited = time.monotonic() - self._drawn
        if self._live and (waited >= _PAUSE or (news and quarter == 4)):
            filled = _WIDTH * done // total if total else 0
            bar = "#" * filled + "-" * (_WIDTH - filled)
            percent = 100 * done // total if total else 0
            line = f"{word:<10} [{bar}] {percent:3}%  {size(done)} of {size(total)}"
            print(f"\r{line:<{self._length}}", end="", file=self._out, flush=True)
            self._length = len(line)
        elif not self._live and news and waited >= _SLOW:
            print(f"{word}: {size(done)} of {size(total)}", file=self._out, flush=True)
        else:
            return
        self._shown, self._drawn = (word, quarter), time.monotonic()


def announce(entry: Entry, models_dir: Path, out: TextIO) -> None:
    """Say what is about to be fetched, before anything is."""
    print(f"File     {entry.file}, {size(entry.bytes)}", file=out)
    print(f"Licence  {entry.licence}", file=out)
    for number, source in enumerate(entry.sources):
        print(f"{'From' if number == 0 else 'or':<9}{source}", file=out)
    print(f"Into     {clean(str(models_dir))}", file=out)


def fetch(entry: Entry, models_dir: Path, out: TextIO) -> Path:
    """Pull ``entry`` with progress on ``out``; return the file. Raises ``PullError``."""
    with ProgressLine(out) as line:

        def show(progress: Progress) -> None:
            line(_WORDS[progress.stage], progress.done, progress.total)

        path = pull(entry, models_dir, show)
    print(f"It is whole: its SHA-256 is the catalogue's, {entry.sha256[:16]}…", file=out)
    return path
