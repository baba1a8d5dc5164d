"""Which rows a step takes: those of the plan, but half of them are the worst known so far.

Most neighbours stay as they were of themselves; a tenth of them make half of the drift. Most
wordings of a correction are known after a few steps, some after a hundred. A plan cannot know
which, so the steps find out: what each row was like when it was last seen is kept.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from chatapp.training.plan import Plan

LAG: Final = 2
"""A step uses what was seen so many steps before it: its rows are put together while the step
before it is still to be computed, and a run that is taken up again must deal the same."""

FILE: Final = "dealt.json"
"""Beside a checkpoint."""


class Dealer:
    """Deals the rows of steps, counted from 0.

    ``share`` of the held rows of a step, and of those of corrections, are exchanged for others of
    their kind: the worst known. Worth a place are a drift above ``drift`` and a loss above ``loss``
    (nats a token). The same notes give the same rows, on each process.
    """

    def __init__(self, plan: Plan, *, share: float, drift: float, loss: float) -> None:
        self._plan, self._share = plan, share
        facts = {n for n, row in enumerate(plan.rows) if row.kind == "fact"}
        self._groups = (set(plan.held), drift), (facts, loss)
        self._known: dict[int, float] = {}
        self._noted: dict[int, dict[int, float]] = {}
        self.dealt: list[list[int]] = []

    def rows(self, step: int) -> list[int]:
        """The indices of a step's rows, in the order of its weights."""
        for number in sorted(n for n in self._noted if n <= step - LAG):
            self._known |= self._noted.pop(number)
        rows = list(self._plan.steps[step])
        for group, least in self._groups:
            weights = self._plan.weights[step]
            places = [at for at, index in enumerate(rows) if index in group and weights[at]]
            places = places[: int(len(places) * self._share)]
            for at, index in zip(places, self._worst(group - set(rows), least), strict=False):
                rows[at] = index
        self.dealt[step:] = [rows]
        return rows

    def _worst(self, rows: set[int], least: float) -> list[int]:
        known = [(-self._known[index], index) for index in rows if index in self._known]
        return [index for value, index in sorted(known) if -value > least]

    def note(self, step: int, seen: Mapping[int, float]) -> None:
        """What a step saw, in nats a token: each held row's drift, each other one's loss."""
        self._noted[step] = dict(seen)

    def save(self, folder: Path, steps: int) -> None:
        """Keep beside a checkpoint what was known after so many steps."""
        told: dict[str, Any] = {
            "known": list(self._known.items()),
            "noted": [[step, list(seen.items())] for step, seen in self._noted.items()],
            "dealt": self.dealt[:steps],
        }
        (folder / FILE).write_text(json.dumps(told))

    def load(self, folder: Path) -> None:
        """Go on from there."""
        told = json.loads((folder / FILE).read_bytes())
        self._known = dict(map(tuple, told["known"]))
        self._noted = {step: dict(map(tuple, seen)) for step, seen in told["noted"]}
        self.dealt = told["dealt"]
