"""Running rules over a text of any size and any characters, with exact offsets.

The rules' patterns were written for ASCII lines of ordinary length: some take time quadratic in
a line's length, and a no-break space or a zero-width character blinds them. So they are shown a
*plain* copy of the text, line by line, long lines in overlapping windows.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

Span = tuple[int, int]


def whole(match: re.Match[str]) -> Span | None:
    """The whole match, whatever it is."""
    return match.span()


@dataclass(frozen=True, slots=True)
class Rule:
    """``span`` says which part of a match in a line is the finding, or None: a false alarm.
    A line without ``needs`` cannot match."""

    kind: str
    name: str
    pattern: re.Pattern[str]
    span: Callable[[re.Match[str]], Span | None] = whole
    needs: str = ""


# One character for one character, so offsets stay: line ends, spaces, dashes, full-width ASCII.
_PLAIN: Final = {
    **dict.fromkeys(map(ord, "\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"), "\n"),
    **dict.fromkeys((0xA0, 0x1680, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x3000), " "),
    **dict.fromkeys((*range(0x2010, 0x2016), 0x2212, 0xFE63), "-"),
    **{code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)},
}
_INVISIBLE: Final = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufe00-\ufe0f\ufeff]+"
)


class Plain:
    """A text as the rules see it. ``text`` may be shorter: what is invisible is left out."""

    __slots__ = ("_places", "text")

    def __init__(self, original: str) -> None:
        text = original.translate(_PLAIN)
        self._places: list[int] | None = None
        if _INVISIBLE.search(text):
            places: list[int] = []
            kept: list[str] = []
            at = 0
            for match in _INVISIBLE.finditer(text):
                places += range(at, match.start())
                kept.append(text[at : match.start()])
                at = match.end()
            places += range(at, len(text))
            kept.append(text[at:])
            text, self._places = "".join(kept), places
        self.text = text

    def original(self, start: int, end: int) -> Span:
        """The offsets in the original of a non-empty span of ``text``."""
        if self._places is None:
            return start, end
        return self._places[start], self._places[end - 1] + 1


WINDOW: Final = 600
OVERLAP: Final = 300
MARGIN: Final = 20
"""Characters. A match counts only if ``MARGIN`` of what stands around it is in sight, as far as
checks look. So every match up to 258 long counts in some window: the longest address has 254,
the longest token with a fixed form some 200."""


def windows(text: str) -> Iterator[tuple[int, str, bool, bool]]:
    """Each line as ``(offset, piece, cut before it, cut behind it)``; empty ones are left out."""
    start = 0
    while start < len(text):
        end = text.find("\n", start)
        end = len(text) if end < 0 else end
        at = start
        while end - at > WINDOW:
            yield at, text[at : at + WINDOW], at > start, True
            at += WINDOW - OVERLAP
        if end > at:
            yield at, text[at:end], at > start, False
        start = end + 1


def scan(text: str, rules: tuple[Rule, ...]) -> Iterator[tuple[Rule, int, int]]:
    """What the rules find in a plain text, in no order, overlaps and repetitions included."""
    for offset, piece, cut_before, cut_behind in windows(text):
        for rule in rules:
            if rule.needs not in piece:
                continue
            at = 0
            while match := rule.pattern.search(piece, at):
                cut = (cut_before and match.start() < MARGIN) or (
                    cut_behind and match.end() > len(piece) - MARGIN
                )
                span = None if cut else rule.span(match)
                if span:
                    yield rule, offset + span[0], offset + span[1]
                # After a false alarm the true value may begin inside it.
                at = max(match.end(), at + 1) if span else match.start() + 1
