"""Results as plain text, 80 columns wide, and as JSON."""

from __future__ import annotations

import dataclasses
import textwrap
from typing import Any

from benchmarks.result import Figure, Result

WIDTH = 80


def lines_of(
    name: str, meaning: str, result: Result, seconds: float, others: float | None
) -> list[str]:
    """A benchmark's part of the table. ``others``: cores that other processes kept busy."""
    head = f"{name}: {meaning}"
    tail = f"({seconds:.0f} s" + ("" if others is None else f", others {others:.1f} cores") + ")"
    found = [*textwrap.wrap(f"{head} {tail}", WIDTH, subsequent_indent="  "), ""]
    for figure in result.figures:
        found += _figure(figure)
    for note in result.notes:
        found += textwrap.wrap(note, WIDTH, initial_indent="  · ", subsequent_indent="    ")
    return [*found, "─" * WIDTH]


def _figure(figure: Figure) -> list[str]:
    value = _number(figure.value, figure.unit)
    around = ""
    if figure.low is not None and figure.high is not None and figure.count > 1:
        around = f"{_number(figure.low)}–{_number(figure.high)} of {figure.count}"
    verdict = ""
    if figure.aim:
        verdict = f"{figure.aim.relation} {_number(figure.aim.value)} "
        verdict += "met" if figure.met else "MISSED"
    line = f"  {figure.name:<32.32}{value:>11}  {around:<20.20}{verdict}".rstrip()
    beside = textwrap.wrap(figure.beside, WIDTH, initial_indent=" " * 6, subsequent_indent=" " * 6)
    return [line, *beside]


def _number(value: float, unit: str = "") -> str:
    if value == int(value) and abs(value) < 1e6 and unit != "×":
        text = f"{value:.0f}"
    else:
        text = f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"
        text = f"{value:.2f}" if 0.1 <= abs(value) < 10 else text
    return f"{text}{'' if unit in ('', '×') else ' '}{unit}"


def as_dict(result: Result) -> dict[str, Any]:
    """A result for ``--json``."""
    figures = [{**dataclasses.asdict(one), "met": one.met} for one in result.figures]
    return {"figures": figures, "notes": result.notes}
