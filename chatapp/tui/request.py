"""One request at three depths, as rows of text: what the context view shows.

Nothing here is abridged: the rows of a depth, put together, are the request.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from rich.cells import cell_len, chop_cells

from chatapp.tui import words

if TYPE_CHECKING:
    from chatapp.context.messages import Message
    from chatapp.context.parts import Section
    from chatapp.context.prompt import Prompt
    from chatapp.engine.protocol import Generate

Depth = Literal["messages", "prompt", "tokens"]
DEPTHS: Final[tuple[Depth, ...]] = ("messages", "prompt", "tokens")

Style = Literal["text", "control", "template", "quiet"]
Part = tuple[str, Style]

_CONTROL: Final = re.compile(r"(<[|\w/][^<>\s]{0,60}>)")


@dataclass(frozen=True, slots=True)
class Request:
    """A request and what of it is new. ``turn`` 0 stands for one that was not sent (yet).

    ``pipe``: it goes down the pipe to the engine's process; a server gets the same messages in a
    request of its own form.
    """

    request: Generate
    new: frozenset[int]
    prompt: Prompt | None
    turn: int = 0
    pipe: bool = True

    @property
    def messages(self) -> Sequence[Message]:
        return self.request.messages


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the view. ``new`` is ``None`` where the question does not arise (the envelope).

    ``owner`` stands at the first row of a part only, ``tokens`` there where the part is a file, a
    passage, the saved notes or the declaration of tools.
    """

    parts: tuple[Part, ...]
    new: bool | None = None
    owner: str = ""
    tokens: int | None = None


def size_of(request: Request) -> int:
    """Bytes of the request (but for its number and the line's end), or of a server's messages."""
    before, messages, after = _pieces(request)
    return len(before) + sum(map(len, messages)) + len(after)


def plain(request: Request, depth: Depth) -> str:
    """The request as text to take along: JSON, the prompt, or the token ids."""
    if depth == "messages" or request.prompt is None:
        before, messages, after = _pieces(request)
        text = before + "".join(messages) + after
        return text if request.pipe else f"{{{text}}}"
    return request.prompt.text if depth == "prompt" else _json(list(request.prompt.tokens))


def rows(request: Request, depth: Depth, width: int) -> Iterator[Row]:
    """The request at one depth, wrapped to ``width`` cells."""
    width = max(width, 4)
    if depth == "messages":
        return _message_rows(request, width)
    if request.prompt is None:
        return iter(_unrevealed(depth, width))
    build = _prompt_rows if depth == "prompt" else _token_rows
    return build(request, request.prompt, width)


def _unrevealed(depth: Depth, width: int) -> Iterator[Row]:
    what = "the text that its template makes of them" if depth == "prompt" else "its tokens"
    sentence = f"This server receives the messages; it does not reveal {what}."
    for line in wrap(sentence, width):
        yield Row(((line, "quiet"),))


# ── messages: the JSON on the pipe ──────────────────────────────────────────────────────────────


def _json(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


def _pieces(request: Request) -> tuple[str, list[str], str]:
    """The request as one line of JSON in pieces: before the messages, each message, after them."""
    whole = request.request.as_dict()
    before, after = _json({**whole, "messages": []}).split('"messages":[]', 1)
    messages = [_json(message.as_dict()) + "," for message in request.messages]
    messages[-1] = messages[-1][:-1]
    if not request.pipe:
        before = after = ""
    return before + '"messages":[', messages, "]" + after


def _message_rows(request: Request, width: int) -> Iterator[Row]:
    before, messages, after = _pieces(request)
    yield from _wrapped(before, width, "quiet", None, "")
    for index, text in enumerate(messages):
        name = words.role(request.messages[index].role)
        yield from _wrapped(text, width, "text", index in request.new, name)
    yield from _wrapped(after, width, "quiet", None, "")
    if not request.pipe:
        said = "and beside them the settings, by the names that this server knows them by"
        yield from _wrapped(said, width, "template", None, "")


def _wrapped(text: str, width: int, style: Style, new: bool | None, owner: str) -> Iterator[Row]:
    for line in wrap(text, width):
        yield Row(((line, style),), new, owner)
        owner = ""


# ── prompt: the text with the template's control tokens ─────────────────────────────────────────


def _news(owners: Sequence[int], new: frozenset[int]) -> list[bool]:
    """For each section's owner whether it is new: a template part counts with the message it
    introduces, and what follows the last message with that one."""
    news = []
    following = next((owner for owner in reversed(owners) if owner >= 0), -1)
    for owner in reversed(owners):
        following = owner if owner >= 0 else following
        news.append(following in new or following < 0)
    return news[::-1]


def _sections(request: Request, prompt: Prompt) -> Iterator[tuple[Section, bool, str]]:
    """Each section of the prompt, whether it is new, and its name."""
    from chatapp.context.parts import sections

    found = sections(prompt, request.messages)
    news = _news([section.owner for section in found], request.new)
    for section, new in zip(found, news, strict=True):
        if section.part is not None:
            name = section.part.owner
        elif section.owner < 0:
            name = "template"
        else:
            name = words.role(request.messages[section.owner].role)
        yield section, new, name


def _count(request: Request, section: Section) -> int | None:
    """The tokens of what nobody in the conversation wrote, which is why they are told."""
    tools = section.owner >= 0 and request.messages[section.owner].role == "tools"
    return section.tokens if section.part is not None or tools else None


def _prompt_rows(request: Request, prompt: Prompt, width: int) -> Iterator[Row]:
    for section, new, name in _sections(request, prompt):
        count = _count(request, section)
        lines = words.visible(section.text).replace("\t", "⇥").split("\n")
        for at, line in enumerate(lines):
            broken = at < len(lines) - 1
            if not line and not broken:
                continue
            fill = _template_lines if section.owner < 0 else _plain_lines
            for parts in fill(line + ("↵" if broken else ""), width):
                yield Row(_mark_break(parts) if broken else parts, new, name, count)
                name, count = "", None


def _plain_lines(text: str, width: int) -> Iterator[tuple[Part, ...]]:
    for piece in wrap(text, width):
        yield ((piece, "text"),)


def _template_lines(text: str, width: int) -> Iterator[tuple[Part, ...]]:
    """Template text with its control tokens set apart, and whole where they fit on a line."""
    line: list[Part] = []
    used = 0
    for n, piece in enumerate(_CONTROL.split(text)):
        style: Style = "control" if n % 2 else "template"
        if line and style == "control" and used + cell_len(piece) > width:
            yield tuple(line)
            line, used = [], 0
        while piece:
            part = next(wrap(piece, max(width - used, 1)))
            line.append((part, style))
            used += cell_len(part)
            piece = piece[len(part) :]
            if piece:
                yield tuple(line)
                line, used = [], 0
    if line:
        yield tuple(line)


def _mark_break(parts: tuple[Part, ...]) -> tuple[Part, ...]:
    text, style = parts[-1]
    if not text.endswith("↵"):
        return parts
    head: tuple[Part, ...] = ((text[:-1], style),) if text[:-1] else ()
    return (*parts[:-1], *head, ("↵", "quiet"))


# ── tokens: pieces and ids ──────────────────────────────────────────────────────────────────────


def _token_rows(request: Request, prompt: Prompt, width: int) -> Iterator[Row]:
    at = 0
    for section, new, name in _sections(request, prompt):
        count = _count(request, section)
        line: list[Part] = []
        used = 0
        for index in range(at, at + section.tokens):
            piece = _piece(prompt.pieces[index])
            number = f" {prompt.tokens[index]}"
            cells = cell_len(piece) + len(number) + 2
            if line and used + cells > width:
                yield Row(tuple(line), new, name, count)
                name, line, used, count = "", [], 0, None
            control = section.owner < 0 and _CONTROL.fullmatch(piece) is not None
            line += [(piece, "control" if control else "text"), (number, "quiet"), ("│ ", "quiet")]
            used += cells
        if line:
            yield Row(tuple(line), new, name, count)
        at += section.tokens


def _piece(piece: str) -> str:
    """A token's text with its spaces and line breaks to be seen."""
    return words.visible(piece).replace(" ", "␣").replace("\n", "↵").replace("\t", "⇥") or "∅"


# ── wrapping ────────────────────────────────────────────────────────────────────────────────────


def wrap(text: str, width: int) -> Iterator[str]:
    """``text`` (one line) in pieces of at most ``width`` cells, cut after spaces where possible."""
    if not text:
        yield ""
    simple = text.isascii()
    at = 0
    while at < len(text):
        piece = text[at : at + width]
        if not simple and cell_len(piece) > width:
            piece = chop_cells(piece, width)[0] or piece[:1]
        if at + len(piece) < len(text):
            space = piece.rfind(" ")
            if space > len(piece) // 2:
                piece = piece[: space + 1]
        yield piece
        at += len(piece)
