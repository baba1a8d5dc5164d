"""Figures: a number, what it should be, and whether it is."""

from __future__ import annotations

import math
import operator
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field

_TESTS = {"≤": operator.le, "≥": operator.ge, ">": operator.gt, "=": operator.eq}


@dataclass(frozen=True, slots=True)
class Aim:
    """``Aim("≤", 1.5)``: what a figure should be."""

    relation: str
    value: float

    def met(self, value: float) -> bool:
        return bool(_TESTS[self.relation](value, self.value))


@dataclass(frozen=True, slots=True)
class Figure:
    """One number. ``low`` and ``high`` are the smallest and largest of ``count`` measurements.

    ``beside`` is for information only: absolute medians, which do not travel between machines.
    """

    name: str
    value: float
    unit: str = "×"
    low: float | None = None
    high: float | None = None
    count: int = 1
    aim: Aim | None = None
    beside: str = ""

    @property
    def met(self) -> bool | None:
        return self.aim.met(self.value) if self.aim else None


@dataclass(slots=True)
class Result:
    """What a benchmark found. ``notes`` are lines of text that belong to it."""

    figures: list[Figure] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def paired(
    name: str,
    ours: Sequence[float],
    theirs: Sequence[float],
    *,
    aim: Aim | None = None,
    beside: str = "",
) -> Figure:
    """Ours over theirs, pair by pair: the median of the ratios, and their range."""
    ratios = [a / b for a, b in zip(ours, theirs, strict=True)]
    return Figure(
        name,
        statistics.median(ratios),
        low=min(ratios),
        high=max(ratios),
        count=len(ratios),
        aim=aim,
        beside=beside,
    )


def spread(
    name: str, values: Sequence[float], unit: str, *, aim: Aim | None = None, beside: str = ""
) -> Figure:
    """The median of some values, and their range."""
    return Figure(
        name,
        statistics.median(values),
        unit,
        low=min(values),
        high=max(values),
        count=len(values),
        aim=aim,
        beside=beside,
    )


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least ``share`` of the values do not exceed."""
    ordered = sorted(values)
    return ordered[max(math.ceil(len(ordered) * share) - 1, 0)]
