"""How one token of a reply was chosen: its numbers in order, before any of them is a row.

Everything is computed from what the engine told of the step; what it did not tell stays None.
"""

from __future__ import annotations

import hashlib
import math
import string
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chatapp.tui import words

if TYPE_CHECKING:
    from chatapp.conversation import TurnFacts
    from chatapp.engine.protocol import Alternative, Sampling, Token

__all__ = ["END", "Choice", "Draw", "Option", "choice_of", "drawn", "piece", "strip"]

OTHERS = "·"
"""Stands in the strip for all tokens that have no row of their own."""

END = "⟨end of reply⟩"
"""Stands for the token with which the model ended its reply."""


def piece(text: str) -> str:
    """A token's text with its spaces and line breaks to be seen; ∅ if it has none (yet)."""
    return words.visible(text).replace(" ", "␣").replace("\n", "↵").replace("\t", "⇥") or "∅"


@dataclass(frozen=True, slots=True)
class Option:
    """A token that could stand here. ``share`` 0: cut; None: not revealed.

    ``ends``: it was taken, and ended the reply.
    """

    letter: str
    text: str
    probability: float
    share: float | None
    taken: bool
    ends: bool = False

    @property
    def name(self) -> str:
        """The token to be seen."""
        return END if self.ends else piece(self.text)


@dataclass(frozen=True, slots=True)
class Draw:
    """Where the draw came from and where it fell, computed again from seed and position."""

    seed: int
    position: int
    digest: str
    again: float
    value: float

    @property
    def same(self) -> bool:
        """Whether the engine's draw is the one that the formula gives."""
        return self.again == self.value


@dataclass(frozen=True, slots=True)
class Choice:
    """One step. The probabilities of ``options`` and ``rest`` add up to 1, and so do the shares.

    ``others`` is how many tokens ``rest`` stands for, ``rest_kept`` how many of them survived.
    """

    options: tuple[Option, ...]
    others: int | None
    rest: float
    rest_kept: int | None
    rest_share: float | None
    kept: int | None
    vocabulary: int | None
    draw: Draw | None
    token: Token
    sampling: Sampling

    @property
    def taken(self) -> Option | None:
        return next((option for option in self.options if option.taken), None)

    @property
    def stretch(self) -> tuple[float, float] | None:
        """The part of 0 to 1 that belongs to the token taken."""
        if self.token.before is None or self.token.share is None:
            return None
        return self.token.before, min(self.token.before + self.token.share, 1.0)


def choice_of(facts: TurnFacts, index: int, most: int = 10) -> Choice | None:
    """The step at ``index`` with at most ``most`` rows; None if no probability was revealed."""
    token = facts.tokens[index]
    if token.logprob is None:
        return None
    options = _options(token, max(most, 1))
    shares = [option.share for option in options if option.share is not None]
    revealed = token.share is not None
    kept = token.kept
    return Choice(
        options=options,
        others=None if facts.vocabulary is None else max(facts.vocabulary - len(options), 0),
        rest=_left(option.probability for option in options),
        rest_kept=None if kept is None else max(kept - sum(share > 0 for share in shares), 0),
        rest_share=_left(shares) if revealed else None,
        kept=kept,
        vocabulary=facts.vocabulary,
        draw=_draw_of(facts, index, token),
        token=token,
        sampling=facts.sampling,
    )


def _left(parts: Iterable[float]) -> float:
    rest = 1.0 - math.fsum(parts)
    return rest if rest > 1e-9 else 0.0


def _options(token: Token, most: int) -> tuple[Option, ...]:
    """The most probable tokens, the one taken among them."""
    others = list(token.alternatives)
    at = next((n for n, other in enumerate(others) if _is(token, other)), None)
    found = [(other.text, other.logprob, other.share) for other in others[:most]]
    if at is None or at >= most:
        assert token.logprob is not None
        text = token.text if at is None else others[at].text
        found = [*found[: most - (len(found) == most)], (text, token.logprob, token.share)]
        at = len(found) - 1
    ends = bool(token.ends)
    return tuple(
        Option(
            string.ascii_letters[n % 52],
            text,
            min(math.exp(logprob), 1.0),
            share,
            n == at,
            n == at and ends,
        )
        for n, (text, logprob, share) in enumerate(found)
    )


def _is(token: Token, other: Alternative) -> bool:
    if token.token is None or other.token is None:
        return token.text == other.text and token.logprob == other.logprob
    return token.token == other.token


def drawn(seed: int, position: int) -> tuple[str, float]:
    """SHA-256 of ``"seed:position"`` in hexadecimal, and its first 53 bits as a fraction."""
    digest = hashlib.sha256(f"{seed}:{position}".encode()).hexdigest()
    return digest, (int(digest[:16], 16) >> 11) / 2**53


def _draw_of(facts: TurnFacts, index: int, token: Token) -> Draw | None:
    if token.draw is None or facts.seed is None or facts.tokens_sent is None:
        return None
    position = facts.tokens_sent + index
    digest, again = drawn(facts.seed, position)
    return Draw(facts.seed, position, digest, again, token.draw)


def strip(choice: Choice, width: int) -> tuple[str, int] | None:
    """The line from 0 to 1 in ``width`` cells, each the letter of the token that it belongs to,
    and the cell in which the draw fell."""
    stretch, taken, draw = choice.stretch, choice.taken, choice.token.draw
    if stretch is None or taken is None or draw is None or width < 1:
        return None
    parts: list[tuple[str, float]] = [(OTHERS, stretch[0]), (taken.letter, stretch[1])]
    if choice.sampling.repeat_penalty == 1.0:
        # Without a penalty the rows stand in the order of the draw.
        parts, end = [], 0.0
        for option in choice.options:
            if option.taken and option.share:
                parts.append((OTHERS, stretch[0]))
                end = stretch[0]
            end += option.share or 0.0
            parts.append((option.letter, end))
    cells = []
    for cell in range(width):
        middle = (cell + 0.5) / width
        cells.append(next((name for name, end in parts if middle < end), OTHERS))
    at = min(int(draw * width), width - 1)
    cells[at] = taken.letter
    return "".join(cells), at
