"""Token ids as the chat makes them: the base's own template and vocabulary, nothing else's.

Text typed by a person stays text here as well: a control token's name in an example is no control
token.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from chatapp.context.messages import Message
from chatapp.context.prompt import build_prompt
from chatapp.context.vocabulary import Vocabulary
from chatapp.engine.counter import template_of
from chatapp.engine.weights.header import Header
from chatapp.errors import TrainingError


@dataclass(frozen=True, slots=True)
class Row:
    """What is read and what is answered: ``tokens`` from ``start`` on are the answer.

    ``kind`` is ``fact``, ``style``, ``general`` or ``contrast``. The answer ends with the token
    that ends a reply.
    """

    kind: str
    tokens: tuple[int, ...]
    start: int

    def __len__(self) -> int:
        return len(self.tokens)


class Prompts:
    """Makes rows for one base."""

    def __init__(self, header: Header) -> None:
        prefix = [header.bos_id] if header.add_bos and header.bos_id is not None else []
        self._vocabulary = Vocabulary(
            header.tokens, header.token_types, pre=header.tokenizer_pre or "", prefix=prefix
        )
        self._template = template_of(header)
        self._end = header.eos_id

    @cached_property
    def ends(self) -> frozenset[int]:
        """The control tokens, and the one that ends a text: a reply ends at the first of them."""
        end = () if self._end is None else (self._end,)
        return frozenset((*self._vocabulary.control.values(), *end))

    def text(self, tokens: Sequence[int]) -> str:
        """A reply's text, up to where it ends; a character that was cut in two is left out."""
        said = itertools.takewhile(lambda token: token not in self.ends, tokens)
        return b"".join(map(self._vocabulary.piece, said)).decode(errors="ignore")

    def prompt(self, messages: Sequence[Message]) -> tuple[int, ...]:
        """The prompt's ids, with the cue to answer."""
        return build_prompt(messages, self._template, self._vocabulary).tokens

    def row(self, kind: str, messages: Sequence[Message], answer: str) -> Row:
        """A row. Raises :class:`TrainingError` if the template does not go on behind its cue."""
        before = self.prompt(messages)
        whole = build_prompt(
            [*messages, Message("assistant", answer)],
            self._template,
            self._vocabulary,
            answer=False,
        ).tokens
        if whole[: len(before)] != before:
            raise TrainingError(
                "The chat template writes an answer otherwise than it asks for it: this base "
                "cannot be trained here."
            )
        end = next((n for n in range(len(before), len(whole)) if whole[n] in self.ends), None)
        return Row(kind, whole[: len(whole) if end is None else end + 1], len(before))


def asked(text: str) -> list[Message]:
    """A fresh session with one question."""
    return [Message("user", text)]
