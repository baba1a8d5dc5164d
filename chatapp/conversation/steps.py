"""The tokens of a reply, kept for as long as the conversation is open.

A token with ten alternatives takes about 2 kB as objects. Here its numbers stand in arrays and
its texts are shared, which takes a quarter of that; a token is made again when it is looked at.
"""

from __future__ import annotations

import math
import sys
from array import array
from collections.abc import Sequence
from typing import Final, overload

from chatapp.engine.protocol import Alternative, Token

__all__ = ["Steps"]

_FLOATS: Final = ("logprob", "share", "before", "draw")
_NONE: Final = math.nan


def _float(value: float | None) -> float:
    return _NONE if value is None else value


def _or_none(value: float) -> float | None:
    return None if math.isnan(value) else value


def _whole(value: int | None) -> int:
    # A server may call anything a token's number.
    return value if value is not None and 0 <= value < 2**63 else -1


class Steps(Sequence[Token]):
    """Tokens in their order, as they were told but for the hash of their logits.

    ``ending`` holds the places of tokens that ended the reply: one, or none.
    """

    __slots__ = (
        "_ends",
        "_floats",
        "_ids",
        "_kept",
        "_numbers",
        "_others",
        "_texts",
        "_words",
        "ending",
    )

    def __init__(self, tokens: Sequence[Token] = ()) -> None:
        self._texts: list[str] = []
        self._ids = array("q")
        self._kept = array("q")
        self._floats = array("d")
        # The alternatives of all tokens, one after the other, and where those of each end.
        self._ends = array("q")
        self._words: list[str] = []
        self._others = array("q")
        self._numbers = array("d")
        self.ending: set[int] = set()
        for token in tokens:
            self.append(token)

    def append(self, token: Token) -> None:
        """Keep one more."""
        if token.ends:
            self.ending.add(len(self))
        self._texts.append(sys.intern(token.text))
        self._ids.append(_whole(token.token))
        self._kept.append(_whole(token.kept))
        self._floats.extend([_float(getattr(token, name)) for name in _FLOATS])
        for number, text, logprob, share in token.alternatives:
            self._words.append(sys.intern(text))
            self._others.append(_whole(number))
            self._numbers.append(logprob)
            self._numbers.append(_float(share))
        self._ends.append(len(self._words))

    def __len__(self) -> int:
        return len(self._texts)

    @overload
    def __getitem__(self, index: int) -> Token: ...
    @overload
    def __getitem__(self, index: slice) -> list[Token]: ...
    def __getitem__(self, index: int | slice) -> Token | list[Token]:
        if isinstance(index, slice):
            return [self._token(n) for n in range(*index.indices(len(self)))]
        at = index + len(self) if index < 0 else index
        if not 0 <= at < len(self):
            raise IndexError(index)
        return self._token(at)

    @property
    def texts(self) -> Sequence[str]:
        """What each token added to the reply."""
        return self._texts

    def logprob(self, count: int) -> float | None:
        """The log-probabilities of the first ``count`` tokens, summed; None if one is unknown."""
        told = self._floats[: count * len(_FLOATS) : len(_FLOATS)]
        if len(told) == len(self) > 1 and math.isnan(told[-1]):
            # Text that was held back to the end of a reply is no token and counts nothing.
            told.pop()
        return _or_none(math.fsum(told)) if told else None

    def _token(self, at: int) -> Token:
        first = at * len(_FLOATS)
        numbers = self._floats[first : first + len(_FLOATS)]
        logprob, share, before, draw = map(_or_none, numbers)
        start = self._ends[at - 1] if at else 0
        return Token(
            text=self._texts[at],
            token=None if self._ids[at] < 0 else self._ids[at],
            logprob=logprob,
            share=share,
            before=before,
            draw=draw,
            kept=None if self._kept[at] < 0 else self._kept[at],
            alternatives=tuple(map(self._other, range(start, self._ends[at]))),
            ends=True if at in self.ending else None,
        )

    def _other(self, at: int) -> Alternative:
        return Alternative(
            token=None if self._others[at] < 0 else self._others[at],
            text=self._words[at],
            logprob=self._numbers[2 * at],
            share=_or_none(self._numbers[2 * at + 1]),
        )
