"""Evidence as lines of text: verdicts in words, checks, tables, and plots of blocks."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from rich.cells import cell_len, set_cell_size

from chatapp.tui import words
from chatapp.tui.proof_rows import Line, Style, probability

if TYPE_CHECKING:
    from chatapp.proofs.evidence import Cell, Check, Evidence, Plot, Table, Verdict

__all__ = ["cell", "check_lines", "plot_lines", "table_lines", "verdict", "verdict_line"]

_BLOCKS: Final = " ▁▂▃▄▅▆▇█"
_ROWS: Final = 4
_MOST: Final = 24
"""So many labels of bars, or rows of a table, are shown; the saved report has all."""
_CELL: Final = 36
_VERDICTS: Final = {
    "held": "✓ held",
    "failed": "✗ did not hold",
    "untested": "? not tested",
}
_STYLES: Final[dict[Verdict, Style]] = {"held": "good", "failed": "wrong", "untested": "quiet"}


def verdict(name: Verdict) -> str:
    """A verdict as it stands beside an experiment."""
    return _VERDICTS[name]


def verdict_line(evidence: Evidence) -> Line:
    """The verdict in words, with its reason."""
    says = f"{_VERDICTS[evidence.verdict]}: {words.one_line(evidence.because)}"
    return says, _STYLES[evidence.verdict]


def check_lines(check: Check, width: int) -> Iterator[Line]:
    """One check: whether it held, what was expected and what was found."""
    mark = "✓ held: " if check.held else "✗ did not hold: "
    style: Style = "text" if check.held else "wrong"
    yield from _hung(mark + words.one_line(check.says), width, 2, style)
    if check.expected or check.found:
        yield from _hung(f"  expected  {_brief(check.expected)}", width, 12, "quiet")
        style = "quiet" if check.held else "wrong"
        yield from _hung(f"  found     {_brief(check.found)}", width, 12, style)


def _hung(text: str, width: int, indent: int, style: Style) -> Iterator[Line]:
    """Lines of which all but the first are indented."""
    lines = textwrap.wrap(
        text, max(width, indent + 8), subsequent_indent=" " * indent, break_on_hyphens=False
    )
    yield from ((line, style) for line in lines or [""])


def _brief(text: str, most: int = 300) -> str:
    line = words.one_line(text) or "–"
    return line if len(line) <= most else line[: most - 1] + "…"


# ── tables ──────────────────────────────────────────────────────────────────────────────────────


def cell(value: Cell) -> str:
    """A cell of a table as it is read."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return probability(value) if 0 <= value <= 1 else f"{value:,.4g}"
    if len(value) == 64 and value.isalnum():
        return f"{value[:16]}…"
    return _brief(value)


def table_lines(table: Table, width: int) -> Iterator[Line]:
    """A table in columns where it fits, else each row as a short list."""
    yield _brief(table.title), "strong"
    rows = [[cell(value) for value in row] for row in table.rows[:_MOST]]
    columns = [words.one_line(name) for name in table.columns]
    # A column that is too wide makes the rest hard to follow from line to line.
    wide = [
        max(cell_len(text) for text in texts) for texts in zip(columns, *rows, strict=True)
    ] or [0]
    if sum(wide) + 2 * (len(wide) - 1) <= width and max(wide) <= max(_CELL, width // 2):
        yield _row(columns, wide), "quiet"
        yield from ((_row(row, wide), "text") for row in rows)
    else:
        for row in rows:
            pairs = list(zip(columns, row, strict=True))
            for n, (name, text) in enumerate(pairs):
                line = f"{'    ' if n else '• '}{name}{': ' if name else ''}{text}"
                yield from _hung(line, width, 6 if n else 2, "text")
    if (more := len(table.rows) - _MOST) > 0:
        yield f"… and {words.many(more, 'more row')}, in the saved report", "quiet"
    if table.note:
        yield words.one_line(table.note), "quiet"


def _row(texts: Sequence[str], wide: Sequence[int]) -> str:
    return "  ".join(
        set_cell_size(text, size) for text, size in zip(texts, wide, strict=True)
    ).rstrip()


# ── plots ───────────────────────────────────────────────────────────────────────────────────────


def plot_lines(plot: Plot, width: int) -> Iterator[Line]:
    """A plot in blocks; each bar has its number beside it."""
    unit = f" ({words.one_line(plot.unit)}{'; on a scale of powers of ten' if plot.log else ''})"
    yield _brief(plot.title) + (unit if plot.unit or plot.log else ""), "strong"
    known = [v for values in plot.series.values() for v in values if v is not None]
    if not known:
        yield "nothing was measured", "quiet"
        return
    scale = _Scale(known, log=plot.log)
    yield from (_bars if plot.shape == "bars" else _curves)(plot, scale, width)


class _Scale:
    """Where a value lies between nothing and the largest, from 0 to 1."""

    def __init__(self, values: Sequence[float], *, log: bool) -> None:
        positive = [value for value in values if value > 0]
        self._log = log and bool(positive)
        if self._log:
            self._high = math.ceil(math.log10(max(positive)))
            self._low = min(math.floor(math.log10(min(positive)) - 0.2), self._high - 1)
        else:
            self._low, self._high = 0, max([*values, 0]) or 1  # type: ignore[assignment]

    def at(self, value: float) -> float:
        if self._log:
            if value <= 0:
                return 0.0
            value = math.log10(value)
        return min(max((value - self._low) / (self._high - self._low), 0.0), 1.0)


def _bars(plot: Plot, scale: _Scale, width: int) -> Iterator[Line]:
    names = [words.one_line(name) for name in plot.series]
    label = min(max(map(cell_len, names), default=0), max(width // 3, 4))
    room = max(width - label - 20, 4)
    for at, text in enumerate(plot.labels[:_MOST]):
        marked = plot.mark is not None and text == plot.mark
        says = f"  ◂ {words.one_line(plot.mark_says)}" if marked else ""
        if len(names) > 1:
            yield _brief(text, 60) + says, "text"
        for name, values in zip(names, plot.series.values(), strict=True):
            head = f"  {set_cell_size(name, label)}"
            if len(names) == 1:
                head = set_cell_size(words.one_line(text), label + 2)
            value = values[at]
            drawn = "" if value is None else _bar(scale.at(value), room)
            tail = says if len(names) == 1 else ""
            yield f"{head} {drawn} {cell(value)}{tail}", "text"
    if (more := len(plot.labels) - _MOST) > 0:
        yield f"… and {more:,} more, in the saved report", "quiet"


def _bar(share: float, room: int) -> str:
    full = round(share * room)
    return "█" * full if full else "▏"


def _curves(plot: Plot, scale: _Scale, width: int) -> Iterator[Line]:
    count = len(plot.labels)
    wide = max(min(width, 96) // max(count, 1), 1)
    # More values than cells: of those that share a cell, the last is drawn.
    places = [n * count // min(count, width) for n in range(min(count, width))]
    for name, values in plot.series.items():
        known = [value for value in values if value is not None]
        span = f"{cell(min(known))} to {cell(max(known))}" if known else "not measured"
        yield f"{words.one_line(name)}: {span}", "text"
        for row in reversed(range(_ROWS)):
            line = ""
            for place in places:
                value = values[place]
                height = 0 if value is None else max(round(scale.at(value) * _ROWS * 8), 1)
                line += _BLOCKS[min(max(height - row * 8, 0), 8)] * wide
            yield line, "text"
    first, last = words.one_line(plot.labels[0]), words.one_line(plot.labels[-1])
    gap = max(len(places) * wide - cell_len(first) - cell_len(last), 1)
    yield first + " " * gap + last, "quiet"
    if plot.mark is not None and plot.mark in plot.labels:
        at = list(plot.labels).index(plot.mark) * len(places) // count * wide
        yield " " * at + f"▲ {words.one_line(plot.mark)}", "text"
        yield words.one_line(plot.mark_says), "text"
