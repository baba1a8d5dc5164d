"""Bars lie on their side: words are read beside them, and thirty of them still fit."""

from __future__ import annotations

import math

from chatapp.proofs.report import svg
from chatapp.proofs.report.axis import Axis
from chatapp.proofs.report.series import Drawn
from chatapp.proofs.report.text import number

_FEW = 12  # with more labels than this, bars are thin
_WIDEST_NAMES = 180.0
_GAP = 8.0


def bars(ident: str, drawn: Drawn, axis: Axis) -> tuple[str, float]:
    """The drawing, and how high it is. ``ident`` makes the names of fills unique on the page."""
    made = _Bars(ident, drawn, axis)
    return made.content, made.high


class _Bars:
    """Three layouts.

    Few groups: each has its label as a heading, and each bar its series' name beside it.
    One series: the label stands beside its bar.
    Many groups: the label stands beside thin bars, and a legend names their fills.
    """

    def __init__(self, ident: str, drawn: Drawn, axis: Axis) -> None:
        self._ident, self._drawn, self._axis = ident, drawn, axis
        one, few = len(drawn.series) == 1, len(drawn.labels) <= _FEW
        self._headed = few and not one
        self._size = 16 if few else 14
        if one:
            self._row, self._bar, self._between = (30, 20, 0) if few else (23, 16, 0)
        else:
            self._row, self._bar, self._between = (28, 20, 12) if few else (16, 12, 8)
        names = list(drawn.series) if self._headed else drawn.labels
        widest = max(svg.width(name, self._size) for name in names)
        self._room = min(_WIDEST_NAMES, widest)
        self._left = self._room + _GAP
        values = max(svg.width(number(value), self._size) for value in drawn.values)
        self._wide = svg.WIDTH - self._left - values - _GAP - 4
        legend, top = ("", 0.0) if one or self._headed else self._legend()
        self._y = top + 6
        groups = "".join(self._group(at, label) for at, label in enumerate(drawn.labels))
        self.content = legend + self._grid(top) + groups
        self.high = self._y + 44

    def _group(self, at: int, label: str) -> str:
        parts = []
        if self._headed:
            self._y += 26
            says = svg.fitted(label, svg.WIDTH, self._size)
            parts.append(svg.text(0, self._y - 8, says, look="strong halo"))
        else:
            middle = self._y + self._row * len(self._drawn.series) / 2
            parts.append(self._name(middle, label, strong=label == self._drawn.mark))
        for series, (name, values) in enumerate(self._drawn.series.items()):
            middle = self._y + self._row / 2
            if self._headed:
                parts.append(self._name(middle, name))
            value = values[at]
            if value is not None:
                parts.append(self._one(series, f"{label}, {name}: {value!r}", value, middle))
            self._y += self._row
        self._y += self._between
        return "".join(parts)

    def _name(self, middle: float, says: str, *, strong: bool = False) -> str:
        look = f"z{self._size} strong" if strong else f"z{self._size}"
        fitted = svg.fitted(says, self._room, self._size)
        return svg.text(0, middle + self._size * 0.35, fitted, look=look)

    def _one(self, series: int, says: str, value: float, middle: float) -> str:
        """One bar with its value."""
        zero, end = (0.0 if self._axis.log else self._axis.at(0)), self._axis.at(value)
        x, length = self._left + min(zero, end) * self._wide, abs(end - zero) * self._wide
        shape = ""
        # Nothing is not drawn as something: a value of 0 has a number and no bar.
        if value > 0 or (value < 0 and not self._axis.log):
            y = middle - self._bar / 2
            shape = svg.bar(self._ident, series, x, y, max(length, 1), self._bar, says)
        beside = self._left + max(zero, end) * self._wide + 6
        look = f"z{self._size} halo"
        return shape + svg.text(beside, middle + self._size * 0.35, number(value), look=look)

    def _grid(self, top: float) -> str:
        parts = []
        ticks, bottom = self._axis.ticks, self._y
        # A narrow drawing writes only as many numbers as have room.
        room = max(1.0, self._wide / max(1, len(ticks) - 1) - 6)
        every = math.ceil(max(svg.width(says, 14) for _, says in ticks) / room)
        for place, (at, says) in enumerate(ticks):
            x = self._left + at * self._wide
            parts.append(svg.tag("line", x1=x, x2=x, y1=top, y2=bottom, class_="grid"))
            if place % every == 0:
                parts.append(svg.text(x, bottom + 18, says, anchor="middle", look="z14"))
        zero = self._left + (0 if self._axis.log else self._axis.at(0)) * self._wide
        parts.append(svg.tag("line", x1=zero, x2=zero, y1=top, y2=bottom, class_="axis"))
        end = self._left + self._wide
        unit = svg.text(end, bottom + 38, self._drawn.unit, anchor="end", look="z14 quiet")
        return "".join(parts) + unit

    def _legend(self) -> tuple[str, float]:
        parts, x, y = [], 0.0, 4.0
        for series, name in enumerate(self._drawn.series):
            says = svg.fitted(name, svg.WIDTH - 40)
            needed = 34 + svg.width(says) + 20
            if x and x + needed > svg.WIDTH:
                x, y = 0.0, y + 26
            parts.append(svg.bar(self._ident, series, x, y, 26, 14, name))
            parts.append(svg.text(x + 34, y + 13, says))
            x += needed
        return "".join(parts), y + 30
