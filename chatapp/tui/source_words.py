"""Sentences about what comes in beside typed words: notes, files, passages."""

from __future__ import annotations

from typing import Final

from chatapp.tui import words

__all__ = ["EVERY_TURN", "begun_with", "size"]

EVERY_TURN: Final = "on this and every later turn"


def begun_with(notes: int) -> str:
    """The line on top of a session that was begun with saved notes; nothing without them."""
    if not notes:
        return ""
    return (
        f"Begun with {words.many(notes, 'saved note')}, pasted into the system prompt (F2 shows "
        f"{'it' if notes == 1 else 'them'}). The weights stay the same file."
    )


def size(characters: int, tokens: int | None) -> str:
    """What a part is and costs; ``None``: not counted yet, or not revealed."""
    text = words.many(characters, "character")
    return text if tokens is None else f"{text} · {words.many(tokens, 'token')}"
