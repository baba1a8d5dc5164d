"""Train or validation: decided by the session alone, so that no session is ever split."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

from chatapp.errors import ExportError

SplitName = Literal["train", "validation"]
SPLITS: Final[tuple[SplitName, SplitName]] = ("train", "validation")


@dataclass(frozen=True, slots=True)
class Split:
    """``fraction`` of the sessions go to validation: those whose hash is smallest.

    Which ones depends on the seed and each session's id, never on the other sessions, so a record
    that is added moves no other one. (One exception, made when everything is written: when no
    session at all fell into train, all of them go there.)
    """

    seed: int = 0
    fraction: float = 0.1

    def __post_init__(self) -> None:
        if not 0 <= self.fraction < 1:
            raise ExportError("The validation part must be at least 0 and less than 1.")

    def of(self, session: str) -> SplitName:
        """Where a session belongs."""
        return "validation" if _share(self.seed, session) < self.fraction else "train"


@lru_cache(maxsize=4096)
def _share(seed: int, session: str) -> float:
    """A number from 0 to 1 that a session is known by."""
    digest = hashlib.sha256(f"{seed}:{session}".encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8], "big") / 2**64
