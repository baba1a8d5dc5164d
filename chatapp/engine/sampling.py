"""From logits to a token: penalties, cuts, temperature, draw. Anyone can compute it again.

The draw is a pure function of the seed and of the token's position: ``u`` is the first 53 bits of
SHA-256 of ``"seed:position"`` as a fraction. So a reply that is cut and continued draws the same
numbers, and any language can reproduce them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from chatapp.engine.protocol import Sampling
from chatapp.errors import EngineError

PENALTY_SPAN: Final = 64
"""How many of the last tokens the repeat penalty looks at (llama.cpp's default)."""


def uniform(seed: int, position: int) -> float:
    """The random number in [0, 1) for the token at ``position`` (its index in the context)."""
    digest = hashlib.sha256(f"{seed}:{position}".encode()).digest()
    return (int.from_bytes(digest[:8], "big") >> 11) / 2**53


def logsumexp(logits: NDArray[np.float32]) -> float:
    """log of the sum of exp(logits), in nats; subtract it from a logit to get its logprob."""
    top = float(logits.max())
    return top + float(np.log(np.exp(logits - np.float32(top)).sum(dtype=np.float64)))


_ROWS: Final = 64


def most_probable(logits: NDArray[np.float32], count: int) -> NDArray[np.int64]:
    """The ``count`` tokens with the largest logits, largest first, ties by id."""
    size = len(logits)
    width = size // _ROWS
    if not 0 < count < size:
        found = np.arange(size)
    elif count < width:
        # Laid out in rows, the columns' largest are quickly found. As many of them as are asked
        # for reach the least of these, so nothing smaller can be among the largest of all.
        tops = logits[: width * _ROWS].reshape(_ROWS, width).max(axis=0)
        least = np.partition(tops, width - count)[width - count]
        columns = np.flatnonzero(tops >= least)
        inside = np.add.outer(np.arange(0, width * _ROWS, width), columns).ravel()
        found = np.concatenate((inside, np.arange(width * _ROWS, size)))
        found = found[logits[found] >= least]
    else:
        least = np.partition(logits, size - count)[size - count]
        found = np.flatnonzero(logits >= least)
    return found[np.argsort(-logits[found], kind="stable")][: count or size]


@dataclass(frozen=True, slots=True)
class Candidates:
    """The tokens that survive the cuts, most probable first, and their probabilities (sum 1)."""

    tokens: NDArray[np.int64]
    probabilities: NDArray[np.float64]

    def at(self, u: float) -> int:
        """The token whose stretch of [0, 1) holds ``u``."""
        edges = np.cumsum(self.probabilities)
        index = int(np.searchsorted(edges, u * edges[-1], side="right"))
        return int(self.tokens[min(index, len(self.tokens) - 1)])


def penalised(
    logits: NDArray[np.float32], sampling: Sampling, recent: Sequence[int]
) -> NDArray[np.float32]:
    """Logits after the repeat penalty: positive ones divided by it, negative ones multiplied."""
    if sampling.repeat_penalty == 1.0 or not recent:
        return logits
    seen = np.unique(np.asarray(recent[-PENALTY_SPAN:], dtype=np.int64))
    changed = logits.copy()
    values = changed[seen]
    penalty = np.float32(sampling.repeat_penalty)
    changed[seen] = np.where(values > 0, values / penalty, values * penalty)
    return changed


def candidates(logits: NDArray[np.float32], sampling: Sampling) -> Candidates:
    """Apply top-k, top-p, min-p and temperature, in this order, to (penalised) logits."""
    tokens = most_probable(logits, sampling.top_k)
    values = logits[tokens].astype(np.float64)
    weights = np.exp(values - values[0])
    weights /= weights.sum()
    keep = len(tokens)
    if sampling.top_p < 1.0:
        keep = int(np.searchsorted(np.cumsum(weights), sampling.top_p, side="left")) + 1
    if sampling.min_p > 0.0:
        keep = min(keep, int((weights >= sampling.min_p * weights[0]).sum()))
    keep = max(keep, 1)
    tokens, values = tokens[:keep], values[:keep]
    if sampling.temperature == 0.0:
        return Candidates(tokens[:1], np.ones(1))
    scaled = np.exp((values - values[0]) / sampling.temperature)
    return Candidates(tokens, scaled / scaled.sum())


@dataclass(frozen=True, slots=True)
class Choice:
    """The token taken, and how: the candidates, and the draw in [0, 1) (None if none was made)."""

    token: int
    draw: float | None = None
    candidates: Candidates | None = None

    @property
    def kept(self) -> int:
        """How many tokens survived the cuts."""
        return len(self.candidates.tokens) if self.candidates else 1

    @property
    def share(self) -> float:
        """The probability that the draw gave to the token taken."""
        return self.shares_of([self.token])[0]

    @property
    def before(self) -> float | None:
        """The shares of all candidates before the token taken: where its stretch begins."""
        if self.candidates is None:
            return None
        place = int(np.flatnonzero(self.candidates.tokens == self.token)[0])
        return float(self.candidates.probabilities[:place].sum())

    def shares_of(self, tokens: Sequence[int]) -> list[float]:
        """The probability of each token in the draw; 0 if it was cut."""
        if self.candidates is None:
            return [float(token == self.token) for token in tokens]
        shares = self.candidates.probabilities.tolist()
        known = dict(zip(self.candidates.tokens.tolist(), shares, strict=True))
        return [known.get(token, 0.0) for token in tokens]


def choose(
    logits: NDArray[np.float32],
    sampling: Sampling,
    *,
    recent: Sequence[int],
    seed: int,
    position: int,
) -> Choice:
    """The next token. Raises :class:`EngineError` if the logits are not numbers."""
    shaped = penalised(logits, sampling, recent)
    best = int(shaped.argmax())
    if not np.isfinite(shaped[best]):
        raise EngineError(
            "The model computed values that are not numbers (NaN). The weight file may be damaged.",
            kind="model",
        )
    if sampling.temperature == 0.0:
        return Choice(best)
    draw = uniform(seed, position)
    survivors = candidates(shaped, sampling)
    return Choice(survivors.at(draw), draw, survivors)
