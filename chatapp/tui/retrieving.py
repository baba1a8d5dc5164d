"""Passages looked for with every message: what is switched on in a session, and how it is said."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from chatapp.tui import words

__all__ = ["ALONE", "AT_FIRST", "NOT_SENT", "OFF_HERE", "Retrieving", "row"]

OFF_HERE: Final = " Retrieve is off here; /retrieve switches it on again."
"""Said on top of a session that was begun beside one with retrieval."""
AT_FIRST: Final = "shown before they go"
ALONE: Final = "nothing found: sent alone"
NOT_SENT: Final = "nothing was sent"
_NAME: Final = 24


@dataclass(slots=True)
class Retrieving:
    """Switched on for a session. ``question`` are the words that the passages in the draft were
    found for; ``None``: none are offered. ``most``: so many are taken at most. ``note``: what
    became of the last message.
    """

    folder: Path
    most: int
    question: str | None = None
    searching: bool = False
    note: str = ""

    def fresh(self, note: str = "") -> Retrieving:
        """The same folder, with nothing offered."""
        return Retrieving(self.folder, self.most, note=note)

    @property
    def name(self) -> str:
        """The folder as the screen calls it, with nothing in it that could steer a terminal."""
        name = words.one_line(self.folder.name or str(self.folder))
        return name if len(name) <= _NAME else name[: _NAME - 1] + "…"


def row(state: Retrieving, typed: str, passages: int, tokens: int | None) -> str:
    """The line above the input. ``tokens`` are those of the passages, once they are counted."""
    begin = f"Retrieve: {state.name}"
    if state.searching:
        return f"{begin} · searching for your words…"
    if state.question is None:
        count = words.many(state.most, "passage")
        return f"{begin}, up to {count} a question{f' · {state.note}' if state.note else ''}"
    if state.question != typed:
        return f"{begin} · your words have changed: Enter searches again"
    if not passages:
        return f"{begin} · no passage left: Enter sends your words alone, Esc stops"
    cost = "counting…" if tokens is None else words.many(tokens, "token")
    count = words.many(passages, "passage")
    return f"{begin} · {count}, {cost} · Enter sends, Esc stops, F2 shows"
