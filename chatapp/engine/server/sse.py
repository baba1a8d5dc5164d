"""Server-sent events: bytes in, the ``data`` of each event out, however the bytes were cut."""

from __future__ import annotations

from typing import Final

from chatapp.errors import ServerError

MAX_EVENT: Final = 8 << 20
"""The longest event, in bytes. A token's event is a few hundred."""

_BOM: Final = b"\xef\xbb\xbf"


class EventReader:
    """Reads one stream. Comments and fields without a use here are skipped.

    A line may end with LF, CR or CRLF; data without a blank line after it counts at the end of the
    stream, since some servers leave the last one out.
    """

    def __init__(self, limit: int = MAX_EVENT) -> None:
        self._limit = limit
        self._line: list[bytes] = []  # the pieces of a line that has not ended
        self._data: list[bytes] = []
        self._size = 0
        self._after_cr = False
        self._first = True

    def feed(self, chunk: bytes) -> list[str]:
        """The events that ``chunk`` completes. Raises ``ServerError`` if one is too long."""
        if not chunk:
            return []
        if self._after_cr and chunk.startswith(b"\n"):
            chunk = chunk[1:]
        self._after_cr = chunk.endswith(b"\r") if chunk else False
        events: list[str] = []
        for piece in chunk.splitlines(keepends=True):
            self._size += len(piece)
            line = piece.rstrip(b"\r\n")
            self._line.append(line)
            if line != piece:
                self._end_line(events)
            if self._size > self._limit:
                raise ServerError("The server sent a line too long to be a token.")
        return events

    def close(self) -> list[str]:
        """The events left over at the end of the stream."""
        events: list[str] = []
        self._end_line(events)
        self._end_event(events)
        return events

    def _end_line(self, events: list[str]) -> None:
        line = b"".join(self._line)
        self._line.clear()
        if self._first:
            line, self._first = line.removeprefix(_BOM), False
        if not line:
            self._end_event(events)
            return
        name, _, value = line.partition(b":")
        # llama-server once named the field "error"; what it says is read like data.
        if name in (b"data", b"error"):
            self._data.append(value.removeprefix(b" "))

    def _end_event(self, events: list[str]) -> None:
        if self._data:
            events.append(b"\n".join(self._data).decode("utf-8", "replace"))
            self._data.clear()
        self._size = 0
