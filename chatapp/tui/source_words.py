"""Sentences about what comes in beside typed words: notes, files, passages."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from chatapp.context.parts import Part, parts_of, split
from chatapp.tui import words

if TYPE_CHECKING:
    from chatapp.conversation import Node

__all__ = ["EVERY_TURN", "begun_with", "cost", "folded", "gone", "passages_behind", "pointed"]

EVERY_TURN: Final = "on this and every later turn"


ATTACH: Final = (
    "Its text becomes a part of your message: text, Markdown, code or PDF. You see what it costs "
    "before you send it."
)

FOLDER: Final = (
    "A folder of documents (text, Markdown, code, PDF). It is searched for the words of your "
    "question; what fits is shown to you, and pasted if you take it."
)
_POINTER: Final = re.compile(r"\[([0-9]{1,4})\]")


def passages_behind(reply: Node) -> tuple[Node | None, list[Part]]:
    """The nearest message before a reply that holds passages, and these."""
    at = reply.parent
    while at is not None:
        if at.role == "user" and at.part_tokens != ():  # where it is known to hold none
            found = [one.part for one in parts_of("user", at.content)]
            if passages := [part for part in found if part.kind == "passage"]:
                return at, passages
        at = at.parent
    return None, []


def pointed(reply: str, passages: Sequence[Part]) -> list[Part]:
    """The passages that a reply points to, in the order in which it does."""
    by_number = {part.number: part for part in passages}
    numbers = dict.fromkeys(int(number) for number in _POINTER.findall(reply))
    return [by_number[number] for number in numbers if number in by_number]


def gone(parts: int) -> str:
    """What a new session says of the parts that the old one held."""
    if not parts:
        return ""
    one = "An attachment or passage" if parts == 1 else f"{parts} attachments and passages"
    return f" {one} stood among them: input, not learning, so not here either."


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
