"""The axis of values: where a number lies, and which numbers are written beside it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from chatapp.proofs.report.text import number, power

_MOST_TICKS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """Maps values from ``low`` to ``high`` onto the way from 0 to 1.

    On a logarithmic axis, ``low`` and ``high`` are exponents of ten, and so is ``step``.
    """

    low: float
    high: float
    step: float
    log: bool

    def at(self, value: float) -> float:
        """Where ``value`` lies, from 0 to 1. A logarithmic one has no place for 0."""
        if self.log:
            if value <= 0:
                return 0.0
            value = math.log10(value)
        return min(1.0, max(0.0, (value - self.low) / (self.high - self.low)))

    @property
    def ticks(self) -> list[tuple[float, str]]:
        """Where a grid line stands, from 0 to 1, and what is written beside it."""
        count = round((self.high - self.low) / self.step)
        values = [self.low + self.step * each for each in range(count + 1)]
        if not self.log:  # whole steps, so that sums do not write 0.30000000000000004
            values = [float(f"{round(value / self.step) * self.step:.12g}") for value in values]
        span = self.high - self.low
        return [((value - self.low) / span, self._says(value)) for value in values]

    @property
    def says(self) -> str:
        """How to read it, if that is not what a reader expects."""
        if not self.log:
            return ""
        return f"Each grid line stands for {number(10 ** round(self.step))} times the one before."

    def _says(self, value: float) -> str:
        if not self.log:
            return number(value)
        exponent = round(value)
        return number(10.0**exponent) if -3 <= exponent <= 3 else power(exponent)


def axis(values: Iterable[float], *, log: bool) -> Axis:
    """An axis that holds ``values``, and 0 if it is not logarithmic."""
    known = list(values)
    positive = [value for value in known if value > 0]
    return _logarithmic(positive) if log and positive else _linear([0.0, *known])


def _logarithmic(values: list[float]) -> Axis:
    smallest, largest = math.log10(min(values)), math.log10(max(values))
    # The smallest value, too, gets a bar that can be seen.
    low, high = math.floor(smallest - 0.2), math.ceil(largest)
    high = max(high, low + 1)
    step = math.ceil((high - low) / _MOST_TICKS)
    low -= -(high - low) % step  # whole steps down from a high end that is kept: often it is 1
    return Axis(low=low, high=high, step=step, log=True)


def _linear(values: list[float]) -> Axis:
    low, high = min(values), max(values)
    if high - low < 1e-300:  # equal, or nearer than a step can be computed for
        high = low + 1
    rough = (high - low) / (_MOST_TICKS - 1)
    size = 10.0 ** math.floor(math.log10(rough))
    step = next(size * times for times in (1, 2, 2.5, 5, 10) if size * times >= rough * 0.999)
    low, high = math.floor(low / step) * step, math.ceil(high / step - 1e-9) * step
    return Axis(low=low, high=high, step=step, log=False)
