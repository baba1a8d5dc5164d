"""Lines with a marked label: what happened along the way, and where."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence

from chatapp.proofs.report import svg
from chatapp.proofs.report.axis import Axis
from chatapp.proofs.report.series import Drawn
from chatapp.proofs.report.text import number

_HIGH = 300.0
_ROW = 22.0  # a line of text above the drawing
_LABEL = 100.0  # the most room for one label below


def lines(drawn: Drawn, axis: Axis) -> tuple[str, float]:
    """The drawing, and how high it is."""
    legend, top = _legend(drawn) if len(drawn.series) > 1 else ("", 0.0)
    if drawn.unit:
        legend += svg.text(0, top + 16, drawn.unit, look="z14 quiet")
        top += _ROW
    left = max(svg.width(says, 14) for _, says in axis.ticks) + 12
    right = svg.WIDTH - 40.0
    places = _places(len(drawn.labels), left + 24, right)
    says, top = _mark(drawn, places, top)
    bottom = top + _HIGH

    parts = [legend, _grid(axis, left, right, top, bottom), says]
    taken: list[tuple[float, float, float]] = []
    numbers: list[str] = []  # written last, so that no line crosses them
    for series, (name, values) in enumerate(drawn.series.items()):
        points = [
            None if value is None else (places[at], bottom - axis.at(value) * _HIGH)
            for at, value in enumerate(values)
        ]
        parts += [svg.line(series, part) for part in _unbroken(points) if len(part) > 1]
        for at, (point, value) in enumerate(zip(points, values, strict=True)):
            if point and len(points) <= 60:
                says = f"{drawn.labels[at]}, {name}: {value!r}"
                parts.append(svg.marker(series, *point, says))
        numbers += _values(values, points, bottom, taken)
    parts += [*numbers, _labels(drawn, places, bottom)]
    return "".join(parts), bottom + 34


def _places(count: int, left: float, right: float) -> list[float]:
    if count == 1:
        return [(left + right) / 2]
    return [left + (right - left) * each / (count - 1) for each in range(count)]


def _unbroken(points: list[tuple[float, float] | None]) -> list[list[tuple[float, float]]]:
    """Runs of points. A value that is not known breaks the line: nothing is made up between."""
    runs: list[list[tuple[float, float]]] = [[]]
    for point in points:
        if point is None:
            runs.append([])
        else:
            runs[-1].append(point)
    return [run for run in runs if run]


def _grid(axis: Axis, left: float, right: float, top: float, bottom: float) -> str:
    parts = []
    for at, says in axis.ticks:
        y = bottom - at * (bottom - top)
        parts.append(svg.tag("line", x1=left, x2=right + 8, y1=y, y2=y, class_="grid"))
        parts.append(svg.text(left - 8, y + 5, says, anchor="end", look="z14"))
    parts.append(svg.tag("line", x1=left, x2=left, y1=top, y2=bottom, class_="axis"))
    return "".join(parts)


def _mark(drawn: Drawn, places: list[float], top: float) -> tuple[str, float]:
    """The marked label's upright line, with its words above it; and where the drawing begins."""
    if drawn.mark is None:
        return "", top + 8
    x = places[list(drawn.labels).index(drawn.mark)]
    written = textwrap.wrap(drawn.mark_says, 40)[:3]
    begins = top + _ROW * len(written) + 8
    anchor = "start" if x < svg.WIDTH / 3 else "end" if x > svg.WIDTH * 2 / 3 else "middle"
    parts = [
        svg.text(x, top + _ROW * (row + 1) - 6, says, anchor=anchor, look="strong")
        for row, says in enumerate(written)
    ]
    upright = svg.tag("line", x1=x, x2=x, y1=begins - 8, y2=begins + _HIGH, class_="mark-line")
    return upright + "".join(parts), begins


def _labels(drawn: Drawn, places: list[float], bottom: float) -> str:
    """The labels that have room. The marked one always has, in bold."""
    if not drawn.labels:
        return ""
    says = [svg.fitted(label, _LABEL, 14) for label in drawn.labels]
    room = max(svg.width(each, 14) for each in says) + 12
    marked = list(drawn.labels).index(drawn.mark) if drawn.mark is not None else None
    between = places[1] - places[0] if len(places) > 1 else room
    every = max(1, math.ceil(room / between))
    parts = []
    for at, x in enumerate(places):
        near = marked is not None and at != marked and abs(places[marked] - x) < room
        if at == marked or (at % every == 0 and not near):
            look = "z14 strong" if at == marked else "z14"
            # The outermost labels stay inside the drawing.
            half = svg.width(says[at], 14, strong=at == marked) / 2
            x = min(max(x, half), svg.WIDTH - half)
            parts.append(svg.text(x, bottom + 24, says[at], anchor="middle", look=look))
    return "".join(parts)


def _values(
    values: Sequence[float | None],
    points: list[tuple[float, float] | None],
    bottom: float,
    taken: list[tuple[float, float, float]],
) -> list[str]:
    """Numbers at the largest, the smallest, the last and the first value, where there is room.

    ``taken`` has the places of numbers already written, and how wide they are.
    """
    known = [(value, point) for value, point in zip(values, points, strict=True) if point]
    if not known:
        return []
    # Of equal values the last one: what a line comes to says more than where it was before.
    by_size = sorted(known, key=lambda pair: (pair[0] or 0.0, -pair[1][0]))
    lowest = by_size[0]
    parts = []
    for value, (x, y) in (by_size[-1], lowest, known[-1], known[0]):
        says = number(value or 0.0)
        below = value == lowest[0] and len(known) > 1 and y + 26 < bottom
        y = y + 22 if below else y - 10
        wide = svg.width(says, 14, strong=True)
        near = (abs(x - x0) < (wide + w0) / 2 + 4 and abs(y - y0) < 18 for x0, y0, w0 in taken)
        if not any(near):
            taken.append((x, y, wide))
            x = min(x, svg.WIDTH - wide / 2)
            parts.append(svg.text(x, y, says, anchor="middle", look="z14 halo strong"))
    return parts


def _legend(drawn: Drawn) -> tuple[str, float]:
    parts, x, y = [], 0.0, 0.0
    for series, name in enumerate(drawn.series):
        says = svg.fitted(name, svg.WIDTH - 60)
        needed = 50 + svg.width(says) + 20
        if x and x + needed > svg.WIDTH:
            x, y = 0.0, y + 26
        parts.append(svg.line(series, [(x, y + 11), (x + 40, y + 11)]))
        parts.append(svg.marker(series, x + 20, y + 11))
        parts.append(svg.text(x + 50, y + 16, says))
        x += needed
    return "".join(parts), y + 30
