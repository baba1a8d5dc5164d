"""A JSON array of any length, one item at a time, by the standard library's own decoder.

Streaming parsers that name the place of each value need memory by the square of the nesting, so
that a small hostile file can exhaust a machine. Here one item is held in memory, and nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Generator
from pathlib import Path
from typing import Any, Final

LONGEST: Final = 256 * 2**20
"""Characters of one item."""

_CHUNK: Final = 2**16
_MARGIN: Final = 16  # an error so near to the end may be a word, number or escape that goes on
_SPACE: Final = " \t\r\n"


class BrokenArray(ValueError):
    """The text is not a JSON array, or it stops being one. Says why."""


def items(path: Path) -> Generator[Any, None, None]:
    """The items of the array in a UTF-8 file; raises :class:`BrokenArray` where it breaks.

    Bytes that are not UTF-8 become U+FFFD.
    """
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        text = _Text(file.read)
        if text.next() != "[":
            raise BrokenArray("it does not begin with '['")
        text.at += 1
        if text.next() == "]":
            text.at += 1
        else:
            while True:
                yield text.item()
                after = text.next()
                text.at += 1
                if after == "]":
                    break
                if after != ",":
                    raise BrokenArray("the file ends" if not after else "a comma is missing")
                text.next()
        if text.next():
            raise BrokenArray("there is more after the end of the list")


class _Text:
    """The part of the file that is looked at. ``at`` is where the next value begins."""

    def __init__(self, read: Any) -> None:
        self._read = read
        self._buffer = ""
        self._ended = False
        self._decoder = json.JSONDecoder()
        self.at = 0

    def next(self) -> str:
        """The next character that is no space; empty at the end of the file."""
        while True:
            while self.at < len(self._buffer):
                if self._buffer[self.at] not in _SPACE:
                    return self._buffer[self.at]
                self.at += 1
            if not self._more():
                return ""

    def item(self) -> Any:
        """The value that begins here. The text read grows until it holds all of it."""
        while True:
            try:
                value, end = self._decoder.raw_decode(self._buffer, self.at)
            except json.JSONDecodeError as error:
                goes_on = error.msg.startswith("Unterminated string")
                if not goes_on and error.pos < len(self._buffer) - _MARGIN:
                    raise BrokenArray(error.msg) from error
                if not self._more():
                    raise BrokenArray("the file ends" if self._ended else "too long") from error
            except (ValueError, RecursionError) as error:
                raise BrokenArray("a number or the nesting is too large") from error
            else:
                if end < len(self._buffer) or not self._more():
                    self.at = end
                    return value

    def _more(self) -> bool:
        """Read on, twice as much as there is, so that a long item is not tried too often."""
        rest = self._buffer[self.at :]
        if self._ended or len(rest) > LONGEST:
            return False
        read = self._read(max(_CHUNK, len(rest)))
        self._ended = not read
        self._buffer, self.at = rest + read, 0
        return not self._ended
