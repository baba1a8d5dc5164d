"""Which rows a step takes: those of the plan, but of what is held half are those that drifted most.

Most neighbours stay as they were of themselves; a tenth of them make half of the drift. A plan
cannot know which, so the steps find out: each one's drift is kept when it was last seen.
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

    ``share`` of the held rows of a step are exchanged, for those whose last known drift is above
    ``least`` (nats a token). The same notes give the same rows, on each process.
    """

    def __init__(self, plan: Plan, *, share: float, least: float) -> None:
        self._plan, self._least = plan, least
        self._held = set(plan.held)
        self._share = share
        self._known: dict[int, float] = {}
        self._noted: dict[int, dict[int, float]] = {}
        self.dealt: list[list[int]] = []

    def rows(self, step: int) -> list[int]:
        """The indices of a step's rows, in the order of its weights."""
        for number in sorted(n for n in self._noted if n <= step - LAG):
            self._known |= self._noted.pop(number)
        rows = list(self._plan.steps[step])
        places = [at for at, index in enumerate(rows) if index in self._held]
        places = places[: int(len(places) * self._share)]
        taken = set(rows)
        worst = [
            index
            for index, drift in sorted(self._known.items(), key=lambda one: (-one[1], one[0]))
            if drift > self._least and index not in taken
        ]
        for at, index in zip(places, worst, strict=False):
            rows[at] = index
        self.dealt[step:] = [rows]
        return rows

    def note(self, step: int, drifts: Mapping[int, float]) -> None:
        """What a step saw: each held row's drift from the base, in nats a token."""
        self._noted[step] = dict(drifts)

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
