"""Recordings of a terminal in asciinema's format, version 2: a header, then one line an event.

The format is described at https://docs.asciinema.org/manual/asciicast/v2/.
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from chatapp.errors import ShowingError

__all__ = ["IDLE", "Cast", "Writing", "read"]

IDLE: Final = 4.0
"""Players pass over a pause in so many seconds."""
_VERSION: Final = 2


@dataclass(frozen=True, slots=True)
class Cast:
    """A recording: the terminal's size in cells, and what came at which second."""

    columns: int
    lines: int
    title: str
    events: tuple[tuple[float, str], ...]

    @property
    def text(self) -> str:
        """All that came, control sequences included."""
        return "".join(data for _, data in self.events)


class Writing:
    """Makes the lines of a recording, from bytes as they come."""

    def __init__(self, columns: int, lines: int, title: str) -> None:
        self._header: dict[str, Any] = {
            "version": _VERSION,
            "width": columns,
            "height": lines,
            "title": title,
            "idle_time_limit": IDLE,
            "env": {"TERM": "xterm-256color"},
        }
        # A character may be cut in two between one read and the next.
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def header(self) -> str:
        """The first line."""
        return _line(self._header)

    def event(self, seconds: float, data: bytes, *, final: bool = False) -> str:
        """The line for what came at this second since the start; empty, if nothing is whole yet."""
        text = self._decoder.decode(data, final)
        return _line([round(seconds, 6), "o", text]) if text else ""


def _line(value: object) -> str:
    return json.dumps(value, ensure_ascii=False) + "\n"


def read(text: str) -> Cast:
    """The recording in this text. Raises :class:`ShowingError` if it is none."""
    try:
        header, *rest = [json.loads(line) for line in text.split("\n") if line.strip()]
        if header["version"] != _VERSION:
            raise ShowingError(f"This is a recording of version {header['version']}, not 2.")
        return Cast(header["width"], header["height"], header["title"], tuple(_events(rest)))
    except (ValueError, KeyError, TypeError):
        raise ShowingError("This is not a recording in asciinema's format.") from None


def _events(rows: list[Any]) -> Iterator[tuple[float, str]]:
    for seconds, kind, data in rows:
        if kind == "o":
            yield float(seconds), str(data)
