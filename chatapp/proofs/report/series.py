"""A plot's values made safe to draw: what is no number is left out, and lengths agree."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from chatapp.proofs.evidence import Plot


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """Each series has one value, or None, for each label. ``mark`` is a label, or None."""

    labels: Sequence[str]
    series: Mapping[str, Sequence[float | None]]
    unit: str
    mark: str | None
    mark_says: str

    @property
    def values(self) -> list[float]:
        """All that are known."""
        return [value for values in self.series.values() for value in values if value is not None]


def drawn(plot: Plot) -> Drawn:
    """``plot`` with values for all labels; what is infinite or not a number becomes None."""
    count = len(plot.labels)
    series = {
        name: ([_known(value) for value in values] + [None] * count)[:count]
        for name, values in plot.series.items()
    }
    mark = plot.mark if plot.mark in plot.labels else None
    return Drawn(
        labels=plot.labels, series=series, unit=plot.unit, mark=mark, mark_says=plot.mark_says
    )


def _known(value: float | None) -> float | None:
    return float(value) if value is not None and math.isfinite(value) else None
