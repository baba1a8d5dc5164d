"""From messages to token ids, with an owner for every character and every token.

The rendered text is cut at the control tokens *of the template*. Between two of them the text is
tokenized as ordinary text, whatever it looks like, so text typed by a person can never become a
control token. Each token belongs to one owner: a message, or the template.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from chatapp.context.marked import TEMPLATE, Marked
from chatapp.context.messages import Message
from chatapp.context.template import ChatTemplate

__all__ = ["TEMPLATE", "Prompt", "Span", "Tokenizer", "build_prompt"]


class Tokenizer(Protocol):
    """A vocabulary, seen from here. llama.cpp and tiktoken both stand behind it."""

    @property
    def control(self) -> Mapping[str, int]:
        """Control tokens: their text and id."""

    @property
    def prefix(self) -> Sequence[int]:
        """Ids that this vocabulary puts before every prompt (a BOS token, or nothing)."""

    def encode(self, text: str) -> list[int]:
        """Ids of ordinary text; control-token strings in it stay text."""

    def piece(self, token: int) -> bytes:
        """The bytes that a token stands for (a control token: its name)."""


@dataclass(frozen=True, slots=True)
class Span:
    """A run of the prompt with one owner: the index of a message, or :data:`TEMPLATE` (-1).

    ``chars`` and ``tokens`` are lengths: spans lie end to end, in the order of the prompt.
    """

    owner: int
    chars: int
    tokens: int


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a model receives for one turn.

    ``text`` is the rendered prompt; ``tokens`` its ids and ``pieces`` their text, one each (a
    token that holds part of a character shows as U+FFFD).
    """

    text: str
    tokens: tuple[int, ...]
    pieces: tuple[str, ...]
    spans: tuple[Span, ...]

    def __len__(self) -> int:
        return len(self.tokens)

    def owners(self) -> list[int]:
        """The owner of each token."""
        return [span.owner for span in self.spans for _ in range(span.tokens)]

    def tokens_of(self, owner: int) -> int:
        """How many tokens belong to a message (or to the template)."""
        return sum(span.tokens for span in self.spans if span.owner == owner)

    def travels_with(self) -> list[int]:
        """For each token the message it travels with.

        A template token counts with the message it introduces; what stands after the last
        message (the cue to answer) counts with that one.
        """
        result: list[int] = []
        pending, last = 0, TEMPLATE
        for span in self.spans:
            if span.owner == TEMPLATE:
                pending += span.tokens
            else:
                last = span.owner
                result += [last] * (pending + span.tokens)
                pending = 0
        return result + [last] * pending

    def sections(self) -> Iterator[tuple[Span, str]]:
        """Each span with its text."""
        at = 0
        for span in self.spans:
            yield span, self.text[at : at + span.chars]
            at += span.chars


@dataclass(slots=True)
class _Builder:
    tokenizer: Tokenizer
    tokens: list[int] = field(default_factory=list)
    owners: list[int] = field(default_factory=list)

    def control(self, token: int) -> None:
        self.tokens.append(token)
        self.owners.append(TEMPLATE)

    def ordinary(self, text: Marked) -> None:
        """Tokenize text between two control tokens; give each token its owner."""
        if not text:
            return
        ids = self.tokenizer.encode(str.__str__(text))
        self.tokens += ids
        if len(text.runs) == 1:
            self.owners += [text.runs[0][0]] * len(ids)
            return
        self.owners += _owners_of(text, [self.tokenizer.piece(i) for i in ids])


# How far a piece may lie from where the last one ended: bytes without a token of their own are
# skipped by some vocabularies, and some put a space before the text.
_SLACK: Final = 16


def _owners_of(text: Marked, pieces: Sequence[bytes]) -> list[int]:
    """The owner of each piece. A token that touches a message belongs to that message."""
    ends: list[tuple[int, int]] = []
    data = b""
    for owner, length in text.runs:
        start = sum(run[1] for run in text.runs[: len(ends)])
        data += str.__getitem__(text, slice(start, start + length)).encode()
        ends.append((len(data), owner))
    owners: list[int] = []
    at = run = 0
    for piece in pieces:
        found = data.find(piece, at, at + len(piece) + _SLACK) if piece else at
        start = found if found >= 0 else min(at, max(len(data) - 1, 0))
        at = min(start + len(piece), len(data))
        while run + 1 < len(ends) and ends[run][0] <= start:
            run += 1
        touched = [ends[run][1]]
        ahead = run
        while ahead + 1 < len(ends) and ends[ahead][0] < at:
            ahead += 1
            touched.append(ends[ahead][1])
        owners.append(next((owner for owner in touched if owner != TEMPLATE), TEMPLATE))
    return owners


def _template_controls(text: Marked, control: Iterable[str]) -> Iterator[tuple[int, int]]:
    """Where the template itself wrote a control token: (start, end) in characters."""
    names = sorted((name for name in control if name), key=len, reverse=True)
    if not names:
        return
    pattern = re.compile("|".join(re.escape(name) for name in names))
    at = 0
    for owner, length in text.runs:
        if owner == TEMPLATE:
            for match in pattern.finditer(str.__str__(text), at, at + length):
                yield match.span()
        at += length


def build_prompt(
    messages: Sequence[Message],
    template: ChatTemplate,
    tokenizer: Tokenizer,
    *,
    answer: bool = True,
) -> Prompt:
    """Render ``messages`` with the model's template and tokenize the result.

    ``answer`` adds the template's cue for the model to answer. Raises
    :class:`~chatapp.errors.TemplateError` if the template cannot render them safely.
    """
    text = template.render(messages, control=tokenizer.control, answer=answer)
    builder = _Builder(tokenizer)
    controls = list(_template_controls(text, tokenizer.control))
    # What lies between the control tokens: as many runs as there are turns, so in one pass.
    starts = [0, *(end for _, end in controls)]
    ends = [*(start for start, _ in controls), len(text)]
    between = text.slices(zip(starts, ends, strict=True))
    for start, end in controls:
        builder.ordinary(next(between))
        builder.control(tokenizer.control[str.__getitem__(text, slice(start, end))])
    builder.ordinary(next(between))
    prefix = list(tokenizer.prefix)
    if prefix and builder.tokens[: len(prefix)] != prefix:
        builder.tokens[:0] = prefix
        builder.owners[:0] = [TEMPLATE] * len(prefix)
    pieces = tuple(tokenizer.piece(token).decode("utf-8", "replace") for token in builder.tokens)
    return Prompt(str.__str__(text), tuple(builder.tokens), pieces, _spans(text, builder.owners))


def _spans(text: Marked, owners: Sequence[int]) -> tuple[Span, ...]:
    """Merge character runs and token owners into one list of spans, in order."""
    char_runs = [(owner, length) for owner, length in text.runs if length]
    token_runs: list[list[int]] = []
    for owner in owners:
        if token_runs and token_runs[-1][0] == owner:
            token_runs[-1][1] += 1
        else:
            token_runs.append([owner, 1])
    spans: list[Span] = []
    at = 0
    for index, (owner, length) in enumerate(char_runs):
        after = char_runs[index + 1][0] if index + 1 < len(char_runs) else None
        while at < len(token_runs) and token_runs[at][0] not in (owner, after):
            spans.append(Span(token_runs[at][0], 0, token_runs[at][1]))
            at += 1
        if at < len(token_runs) and token_runs[at][0] == owner:
            spans.append(Span(owner, length, token_runs[at][1]))
            at += 1
        else:  # a token at its edge belongs to the neighbour and took the whole run
            spans.append(Span(owner, length, 0))
    spans += [Span(owner, 0, count) for owner, count in token_runs[at:]]
    return tuple(spans)
