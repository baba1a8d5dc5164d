"""Parts of a message that a person did not type: files, pastes, passages, saved notes.

This is the one place that says how such a part stands in a message's text, so that it stands there
in the same way on every road. The text is all there is: a part is found in it again by its form,
in a stored transcript as in the message that is being written. What somebody types in the very
same form is such a part as well, as it is the very same input.

A part is a heading, and its text between two fences longer than any run of backticks in the whole
message, so that neither the text nor what is typed beside it can end it early. Parts stand before
the words that were typed, divided by blank lines; notes stand behind the system prompt.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:  # the screen starts without the template engine
    from chatapp.context.messages import Message
    from chatapp.context.prompt import Prompt

__all__ = [
    "NOTES_HEADING",
    "POINT",
    "Part",
    "Placed",
    "Section",
    "parts_of",
    "sections",
    "split",
    "split_notes",
    "tokens_of_parts",
    "with_notes",
    "write",
]

Kind = Literal["file", "paste", "passage", "notes"]

POINT: Final = (
    "Answer from the numbered passages above, and point to the one you used like this: [1]."
)
"""Stands behind passages, before the words that were typed."""
NOTES_HEADING: Final = "The user's saved notes:"
"""With this heading the default model answered 19 of 23 questions from one to four notes."""

_HEADING: Final = re.compile(
    r"(?:File (?P<file>[^\n]+)|(?P<paste>Pasted text)"
    r"|\[(?P<number>[0-9]{1,4})\] (?P<of>[^\n]+), (?P<place>(?:lines? [0-9-]+|page [0-9]+)))"
    r":\n(?P<fence>`{3,})\n"
)
_NOTES: Final = re.compile(rf"(?:(?<=\n\n)|^){re.escape(NOTES_HEADING)}(?:\n- [^\n]+)+")


@dataclass(frozen=True, slots=True)
class Part:
    """``name`` is a file's name; ``number`` and ``place`` say which passage of it this is."""

    kind: Kind
    text: str
    name: str = ""
    number: int = 0
    place: str = ""

    @property
    def heading(self) -> str:
        """The line above its text."""
        if self.kind == "file":
            return f"File {self.name}:"
        if self.kind == "passage":
            return f"[{self.number}] {self.name}, {self.place}:"
        return NOTES_HEADING if self.kind == "notes" else "Pasted text:"

    @property
    def label(self) -> str:
        """What the screen calls it."""
        if self.kind == "passage":
            return f"[{self.number}] {self.name}, {self.place}"
        return {"file": self.name, "notes": "saved notes"}.get(self.kind, "pasted text")

    @property
    def owner(self) -> str:
        """What it is, in one short word."""
        return f"[{self.number}]" if self.kind == "passage" else self.kind


@dataclass(frozen=True, slots=True)
class Placed:
    """A part, and where it stands in a message's text (characters, heading and fences included)."""

    part: Part
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Section:
    """A run of a prompt with one owner, cut at the parts of its message.

    ``owner`` as in :class:`~chatapp.context.prompt.Span`; ``part`` is ``None`` for what was typed,
    the system prompt, or the template.
    """

    owner: int
    part: Part | None
    text: str
    tokens: int


# ── writing and finding ─────────────────────────────────────────────────────────────────────────


def write(parts: Sequence[Part], typed: str) -> str:
    """A message's text: the parts, then what was typed."""
    if not parts:
        return typed
    runs = [len(run) for text in (typed, *(p.text for p in parts)) for run in _runs(text)]
    fence = "`" * max(3, max(runs, default=0) + 1)
    blocks = [f"{part.heading}\n{fence}\n{part.text}\n{fence}" for part in parts]
    if any(part.kind == "passage" for part in parts):
        blocks.append(POINT)
    return "\n\n".join([*blocks, typed] if typed else blocks)


def _runs(text: str) -> list[str]:
    return re.findall(r"`{3,}", text)


def split(text: str) -> tuple[list[Part], str]:
    """The inverse of :func:`write`: the parts of a message and what was typed.

    A text that :func:`write` would not have written has no parts here.
    """
    placed = _blocks(text)
    if not placed:
        return [], text
    parts = [one.part for one in placed]
    typed = text[placed[-1].end :].removeprefix("\n\n")
    if any(part.kind == "passage" for part in parts):
        typed = typed.removeprefix(POINT).removeprefix("\n\n")
    return (parts, typed) if write(parts, typed) == text else ([], text)


def _blocks(text: str) -> list[Placed]:
    found: list[Placed] = []
    at = 0
    while match := _HEADING.match(text, at):
        fence = "\n" + match["fence"]
        end = text.find(fence, match.end())
        while end >= 0 and text[end + len(fence) : end + len(fence) + 1] not in ("", "\n"):
            end = text.find(fence, end + 1)
        if end < 0:
            break
        inside = text[match.end() : end]
        if match["file"] is not None:
            part = Part("file", inside, match["file"])
        elif match["paste"] is not None:
            part = Part("paste", inside)
        else:
            part = Part("passage", inside, match["of"], int(match["number"]), match["place"])
        found.append(Placed(part, at, end + len(fence)))
        at = end + len(fence)
        if text[at : at + 2] != "\n\n":
            break
        at += 2
    return found


def with_notes(system: str, notes: Sequence[str]) -> str:
    """A system prompt with the saved notes pasted behind it."""
    if not notes:
        return system
    block = "\n".join([NOTES_HEADING, *(f"- {note}" for note in notes)])
    return f"{system}\n\n{block}" if system else block


def split_notes(system: str) -> tuple[str, tuple[str, ...]]:
    """The inverse of :func:`with_notes`: the system prompt alone, and the notes."""
    match = _NOTES.search(system)
    if match is None or match.end() != len(system):
        return system, ()
    notes = tuple(line.removeprefix("- ") for line in match.group().split("\n")[1:])
    return system[: match.start()].removesuffix("\n\n"), notes


def parts_of(role: str, text: str) -> list[Placed]:
    """The parts of a message's text, in order. A reply has none."""
    if role == "system":
        match = _NOTES.search(text)
        return [Placed(Part("notes", match.group()), *match.span())] if match else []
    return _blocks(text) if role == "user" else []


# ── counting ────────────────────────────────────────────────────────────────────────────────────


_latest: tuple[Prompt, list[Section]] | None = None


def sections(prompt: Prompt, messages: Sequence[Message]) -> list[Section]:
    """A prompt cut at the parts of its messages; texts and tokens together are all of it.

    A token counts with the section in which it begins. The same prompt is asked for several times
    in a row (its meter, its parts, its rows), and cut once.
    """
    global _latest
    latest = _latest
    if latest is None or latest[0] is not prompt:
        latest = _latest = (prompt, list(_sections(prompt, messages)))
    return latest[1]


def _sections(prompt: Prompt, messages: Sequence[Message]) -> Iterator[Section]:
    first = 0
    for span, text in prompt.sections():
        role = messages[span.owner].role if span.owner >= 0 else ""
        placed = parts_of(role, text) if span.tokens else []
        if not placed:
            yield Section(span.owner, None, text, span.tokens)
        else:
            pieces = prompt.pieces[first : first + span.tokens]
            yield from _cut(span.owner, text, placed, pieces)
        first += span.tokens


def _cut(
    owner: int, text: str, placed: Sequence[Placed], pieces: Sequence[str]
) -> Iterator[Section]:
    bounds: list[tuple[int, int, Part | None]] = []
    at = 0
    for one in placed:
        if one.start > at:
            bounds.append((at, one.start, None))
        bounds.append((one.start, one.end, one.part))
        at = one.end
    if at < len(text):
        bounds.append((at, len(text), None))
    starts = _starts(pieces, text)
    token = place = 0
    for n, (start, end, part) in enumerate(bounds):
        place += len(text[start:end].encode())
        token, before = _up_to(starts, token, place, last=n == len(bounds) - 1), token
        yield Section(owner, part, text[start:end], token - before)


def _up_to(starts: Sequence[int], token: int, place: int, *, last: bool) -> int:
    """The first token, from ``token`` on, that begins at ``place`` or behind it."""
    if last:
        return len(starts)
    while token < len(starts) and starts[token] < place:
        token += 1
    return token


_SLACK: Final = 16
"""How far, in bytes, a piece may lie from where the last one ended (part of a character, or a space
that the vocabulary put before the text)."""


def _starts(pieces: Sequence[str], text: str) -> list[int]:
    """Where each token's piece begins in ``text``, in bytes.

    Pieces that hold part of a character do not say which; the next whole one is looked for.
    """
    data = text.encode()
    starts: list[int] = []
    at = ahead = 0  # the next whole piece begins between ``at`` and ``at + ahead``, or close behind
    for piece in pieces:
        starts.append(at)
        for n, whole in enumerate(piece.split("\ufffd")):
            ahead += 3 * (n > 0)  # part of a character has three bytes at most
            if not whole:
                continue
            raw = whole.encode()
            found = data.find(raw, at, at + ahead + len(raw) + _SLACK)
            if found >= 0:
                if "\ufffd" not in piece:
                    starts[-1] = found
                at, ahead = found + len(raw), 0
    return starts


def tokens_of_parts(prompt: Prompt, messages: Sequence[Message], owner: int) -> list[int]:
    """The tokens of each part of one message, in order."""
    return [
        section.tokens
        for section in sections(prompt, messages)
        if section.owner == owner and section.part is not None
    ]
