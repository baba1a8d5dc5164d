"""What is told of each token of a reply: its numbers, put together and sent in small bunches.

Each write wakes the reader, whose work then takes a processor from the network's threads; and
between two evaluations, which stream all weights through the processor's caches, even little work
is slow the first time. So tokens that follow each other closely are told together.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

import numpy as np

from chatapp.engine.probe import logits_hash
from chatapp.engine.protocol import Alternative, Event, Token
from chatapp.engine.sampling import Choice, logsumexp, most_probable

if TYPE_CHECKING:
    from chatapp.engine.llama import Logits, Model

GATHER: Final = 0.15
"""Seconds between two bunches, at least: about as often as a screen shows more of a text."""
MOST: Final = 16
"""Tokens in a bunch, at most: the logits of each are kept until then."""


class Emit(Protocol):
    """Sends events, all of them before it returns."""

    def __call__(self, *events: Event) -> None: ...


@dataclass(frozen=True, slots=True)
class Step:
    """One step of decoding. ``text`` is what it adds to the reply; ``ends``: it ends the reply."""

    choice: Choice
    logits: Logits
    text: str
    hashed: bool
    ends: bool


class Telling:
    """Tells of the steps of one reply, in their order."""

    def __init__(
        self,
        model: Model,
        emit: Emit,
        *,
        alternatives: int = 0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._model, self._emit, self._alternatives = model, emit, alternatives
        self._clock = clock
        self._steps: list[Step] = []
        self._tokens: list[Token] = []
        self._told = float("-inf")

    def add(self, step: Step) -> None:
        """Tell of this step with the next bunch."""
        self._steps.append(step)

    @property
    def due(self) -> bool:
        """Whether the bunch should go now."""
        many = len(self._steps) + len(self._tokens) >= MOST
        return many or self._clock() - self._told >= GATHER

    def prepare(self) -> None:
        """Put together what is told of the steps so far."""
        steps, self._steps = self._steps, []
        self._tokens += [self._token(step) for step in steps]

    def tell(self) -> None:
        """Send the bunch."""
        self.prepare()
        tokens, self._tokens = self._tokens, []
        if tokens:
            self._told = self._clock()
            self._emit(*tokens)

    def _token(self, step: Step) -> Token:
        choice, logits = step.choice, step.logits
        total = logsumexp(logits)
        return Token(
            text=step.text,
            token=choice.token,
            logprob=float(logits[choice.token]) - total,
            share=choice.share,
            before=choice.before,
            draw=choice.draw,
            kept=choice.kept,
            logits=logits_hash(logits) if step.hashed else None,
            alternatives=top(self._model, logits, self._alternatives, choice, total),
            ends=step.ends or None,
        )


def top(
    model: Model,
    logits: Logits,
    count: int,
    choice: Choice | None = None,
    total: float | None = None,
) -> tuple[Alternative, ...]:
    """The ``count`` most probable tokens; their share of the draw, where one was made.

    ``total``: :func:`~chatapp.engine.sampling.logsumexp` of the logits, where it is known.
    """
    count = min(count, len(logits))
    if not count:
        return ()
    total = logsumexp(logits) if total is None else total
    tokens = most_probable(logits, count)
    ids: list[int] = tokens.tolist()
    logprobs: list[float] = (logits[tokens].astype(np.float64) - total).tolist()
    shares = choice.shares_of(ids) if choice else [None] * count
    return tuple(
        Alternative(
            token=token,
            text=model.piece(token).decode("utf-8", "replace"),
            logprob=logprob,
            share=share,
        )
        for token, logprob, share in zip(ids, logprobs, shares, strict=True)
    )
