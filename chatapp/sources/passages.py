"""Documents cut into passages: always in the same way, and each knows where it stands."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

__all__ = ["LONGEST", "Passage", "cut"]

LONGEST: Final = 900
"""Characters of a passage at most: some 200 tokens."""
_ENOUGH: Final = 400
"""From this many characters on, a blank line ends a passage."""
_HEADED: Final = 100
"""From this many on, a Markdown heading begins another."""


@dataclass(frozen=True, slots=True)
class Passage:
    """``place`` says where it stands: ``line 3``, ``lines 3-9`` or ``page 2``."""

    text: str
    place: str


def cut(pages: Sequence[str], *, paged: bool = False) -> list[Passage]:
    """The passages of a file; nothing but blank lines is left out.

    ``paged``: they are named by their page (a PDF), else by their lines.
    """
    found: list[Passage] = []
    for number, page in enumerate(pages, 1):
        for first, last, text in _blocks(page):
            lines = f"line {first}" if first == last else f"lines {first}-{last}"
            found.append(Passage(text, f"page {number}" if paged else lines))
    return found


def _blocks(text: str) -> Iterator[tuple[int, int, str]]:
    """Runs of lines: the first and last line (from 1), and the text."""
    held: list[tuple[int, str]] = []
    size = 0
    for number, whole in enumerate(text.split("\n"), 1):
        for line in _pieces(whole):
            ends = (not line.strip() and size >= _ENOUGH) or size + len(line) > LONGEST
            if held and (ends or (line.startswith("#") and size >= _HEADED)):
                yield from _block(held)
                held, size = [], 0
            held.append((number, line))
            size += len(line) + 1
    yield from _block(held)


def _pieces(line: str) -> Iterator[str]:
    """A line in pieces that fit a passage, cut after spaces where there are some."""
    while len(line) > LONGEST:
        at = line.rfind(" ", LONGEST // 2, LONGEST) + 1 or LONGEST
        yield line[:at]
        line = line[at:]
    yield line


def _block(held: list[tuple[int, str]]) -> Iterator[tuple[int, int, str]]:
    while held and not held[0][1].strip():
        del held[0]
    while held and not held[-1][1].strip():
        del held[-1]
    if held:
        yield held[0][0], held[-1][0], "\n".join(line.rstrip() for _, line in held)
