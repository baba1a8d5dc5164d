"""A reply as it grows: bytes to text, and stop texts, one token at a time."""

from __future__ import annotations

import codecs
from collections.abc import Sequence


class ReplyText:
    """Turns tokens' bytes into text that may be shown.

    A character torn over several tokens waits until it is whole; text that may be the beginning
    of a stop text waits until that is decided. ``text`` is what has been shown so far.
    """

    def __init__(self, stop: Sequence[str] = ()) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._stop = [text for text in stop if text]
        self._held = ""
        self.text = ""
        self.stopped = False

    def add(self, data: bytes, *, last: bool = False) -> str:
        """Add a token's bytes; returns the text that can be shown now (often all of it)."""
        self._held += self._decoder.decode(data, last)
        cuts = [at for text in self._stop if (at := self._held.find(text)) >= 0]
        if cuts:
            self._held, self.stopped = self._held[: min(cuts)], True
        keep = 0 if self.stopped or last else self._beginning()
        shown = self._held[: len(self._held) - keep]
        self._held = self._held[len(shown) :]
        self.text += shown
        return shown

    def end(self) -> str:
        """No more tokens: what was held back, torn characters as U+FFFD."""
        return "" if self.stopped else self.add(b"", last=True)

    def _beginning(self) -> int:
        """How many of the last characters may begin a stop text."""
        longest = max((len(text) for text in self._stop), default=1) - 1
        for size in range(min(longest, len(self._held)), 0, -1):
            if any(text.startswith(self._held[-size:]) for text in self._stop):
                return size
        return 0
