"""Going through the examples before they may leave: one after the other, each with a decision."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chatapp.archive import reviews
from chatapp.archive.records import Example
from chatapp.archive.redaction import Redacted
from chatapp.archive.review import Decision, Review, decide, look, stale
from chatapp.archive.store import Store
from chatapp.keeping.archive import Archive

__all__ = ["Case", "Reviewing"]


@dataclass(slots=True)
class Case:
    """An example, and what was decided about it, if anything."""

    example: Example
    review: Review | None

    @property
    def stands(self) -> str:
        """In a word: ``waits``, ``approved``, ``edited``, ``skipped``, or ``changed`` since."""
        if self.review is None:
            return "waits"
        return "changed" if stale(self.example, self.review) else self.review.decision


class Reviewing:
    """The cases that consent allows to be exported now, in the order of an export."""

    def __init__(self, archive: Archive) -> None:
        self.archive = archive
        self.cases: list[Case] = []

    async def load(self) -> None:
        """Read them from the store. Raises :class:`~chatapp.errors.StoreError`."""

        def read(store: Store) -> list[Case]:
            return [Case(example, review) for example, review in reviews.reviewed(store)]

        self.cases = await self.archive.call(read)

    async def look(self, case: Case) -> Redacted:
        """The example before and after redaction; on a thread, as it takes its time."""
        return await asyncio.to_thread(look, case.example)

    async def decide(
        self, case: Case, decision: Decision, content: Mapping[str, Any] | None = None
    ) -> None:
        """Keep a decision. Raises ``ArchiveError`` if an edited content cannot be used."""
        review = decide(case.example, decision, content)
        await self.archive.call(reviews.put, review)
        case.review = review

    def next(self, after: int) -> int | None:
        """The next case that waits for a decision, from ``after`` on and then from the start."""
        order = [*range(after + 1, len(self.cases)), *range(after + 1)]
        return next((n for n in order if self.cases[n].stands in ("waits", "changed")), None)

    def counts(self) -> dict[str, int]:
        """How many stand where."""
        stands = [case.stands for case in self.cases]
        return {word: stands.count(word) for word in dict.fromkeys(stands)}
