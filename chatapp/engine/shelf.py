"""Caches of other conversations, set aside so that switching back costs nothing.

What is saved are whole prompt blocks, bit for bit as they were computed, so using them changes
speed and nothing else. Bounded in bytes; of the scope that takes most, the one not used for longest
leaves first. Nothing that was computed for one scope is found from another.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

ROOM: Final = 256 << 20
"""Bytes that set-aside caches may take together."""


@dataclass(frozen=True, slots=True)
class Saved:
    """A cache and the tokens it was computed from."""

    tokens: tuple[int, ...]
    state: bytes
    scope: str = ""


class Shelf:
    """Saved caches, the latest used last."""

    def __init__(self, room: int = ROOM) -> None:
        self.room = room
        self._saved: list[Saved] = []

    @property
    def size(self) -> int:
        """Bytes taken."""
        return sum(len(saved.state) for saved in self._saved)

    def put(self, tokens: Sequence[int], state: bytes, scope: str = "") -> None:
        """Set a cache aside. Shorter ones of the same text are then of no use."""
        key = tuple(tokens)
        self._saved = [
            old for old in self._saved if old.scope != scope or key[: len(old.tokens)] != old.tokens
        ]
        if len(state) > self.room:
            return
        self._saved.append(Saved(key, state, scope))
        while self.size > self.room:
            self._saved.remove(self._leaves())

    def _leaves(self) -> Saved:
        """The oldest of the scope that takes most: who asks much displaces nobody else's."""
        taken: Counter[str] = Counter()
        for saved in self._saved:
            taken[saved.scope] += len(saved.state)
        most = max(taken.values())
        return next(saved for saved in self._saved if taken[saved.scope] == most)

    def best(self, tokens: Sequence[int], block: int, scope: str = "") -> tuple[int, Saved | None]:
        """The scope's cache that shares most whole blocks with ``tokens``; how many tokens."""
        found: tuple[int, Saved | None] = (0, None)
        for saved in self._saved:
            if saved.scope != scope:
                continue
            shared = common_blocks(saved.tokens, tokens, block)
            if shared > found[0]:
                found = (shared, saved)
        return found

    def take(self, saved: Saved) -> bytes:
        """A saved cache's state; it counts as used now."""
        self._saved.remove(saved)
        self._saved.append(saved)
        return saved.state

    def clear(self) -> None:
        self._saved.clear()


def common_blocks(held: Sequence[int], tokens: Sequence[int], block: int) -> int:
    """How many leading tokens two prompts share, in whole blocks."""
    limit = min(len(held), len(tokens)) // block * block
    at = 0
    while at < limit and list(held[at : at + block]) == list(tokens[at : at + block]):
        at += block
    return at
