"""Sentences about what comes in beside typed words: notes, files, passages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from chatapp.context.parts import Part, split
from chatapp.tui import words

__all__ = ["EVERY_TURN", "begun_with", "cost", "folded"]

EVERY_TURN: Final = "on this and every later turn"


ATTACH: Final = (
    "Its text becomes a part of your message: text, Markdown, code or PDF. You see what it costs "
    "before you send it."
)


def cost(part: Part, tokens: int | None) -> str:
    """A part in one line: its name, its size, and what it costs from now on."""
    text = f"{words.one_line(part.label)} · {words.many(len(part.text), 'character')}"
    if tokens is None:
        return text
    return f"{text} · costs {words.many(tokens, 'token')} {EVERY_TURN}"


def folded(text: str, tokens: Sequence[int] = (), *, unfold: bool = False) -> str:
    """A person's message as it is shown: each part in one line, or whole."""
    parts, typed = split(text)
    if not parts or unfold:
        return text
    known = len(tokens) == len(parts)
    lines = [f"▸ {cost(part, tokens[n] if known else None)}" for n, part in enumerate(parts)]
    return "\n".join([*lines, *(["", typed] if typed else [])])


def begun_with(notes: int) -> str:
    """The line on top of a session that was begun with saved notes; nothing without them."""
    if not notes:
        return ""
    return (
        f"Begun with {words.many(notes, 'saved note')}, pasted into the system prompt (F2 shows "
        f"{'it' if notes == 1 else 'them'}). The weights stay the same file."
    )
