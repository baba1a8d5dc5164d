"""A plot's values made safe to draw: what is no number is left out, and lengths agree."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from chatapp.proofs.evidence import Plot

# Nothing measured here is outside; drawing it would need sums that overflow.
_SMALLEST, _LARGEST = 1e-290, 1e30


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
    """``plot`` with values for all labels; what has no place on an axis becomes None."""
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
    if value is None or not math.isfinite(value) or abs(value) > _LARGEST:
        return None
    return float(value) if abs(value) > _SMALLEST else 0.0
