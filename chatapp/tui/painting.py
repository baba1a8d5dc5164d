"""Painting what has changed, and nothing else.

Where two places far apart have changed, Textual has every widget drawn that touches the rectangle
around both, whatever lies behind another one included. That costs a whole screen for two lines.
Here a widget is asked for a line only if it can be seen there and was to be painted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from rich.console import Console
from textual._compositor import ChopsUpdate, Compositor
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

__all__ = ["Painter"]

Chops = list[dict[int, Strip | None]]
Spans = list[tuple[int, int, int]]


class _Update(ChopsUpdate):
    def render_segments(self, console: Console) -> str:
        written: list[str] = []
        for y, left, right in self.spans:
            for end, (x, strip) in zip(self.chop_ends[y], self.chops[y].items(), strict=True):
                if strip is None or x >= right or end <= left:
                    continue
                seen = strip if end <= right else strip.crop(0, right - x)
                written.append(f"\x1b[{y + 1};{x + 1}H{seen.render(console)}")
        return "".join(written)


class Painter(Compositor):
    """Textual's compositor; what reaches the terminal is the same."""

    def update_widgets(self, widgets: set[Widget]) -> None:
        # Textual finds all places anew if any widget is not in sight; it need only be done for one
        # that has no place yet.
        seen, placed = self.visible_widgets, self._full_map
        super().update_widgets({one for one in widgets if one in seen or one not in placed})

    def update_of(self, widget: Widget) -> ChopsUpdate | None:
        """What paints this widget alone: all else is painted when its time comes."""
        others, self._dirty_regions = self._dirty_regions, set()
        self.update_widgets({widget})
        update = self.render_partial_update()
        self._dirty_regions |= others
        return update

    def render_partial_update(self) -> ChopsUpdate | None:
        regions = self._dirty_regions.copy()
        self._dirty_regions.clear()
        if not regions:
            return None
        spans = list(self._regions_to_spans(regions))
        return _Update(self._painted(spans), spans, [cuts[1:] for cuts in self.cuts])

    def _painted(self, spans: Spans) -> Chops:
        """The pieces of each line, between its cuts; those outside of ``spans`` (line, first
        column, end) are ``None``.
        """
        cuts = self.cuts
        missing: dict[int, set[int]] = {}
        for y, left, right in spans:
            pieces = {x for x, end in pairwise(cuts[y]) if x < right and end > left}
            missing.setdefault(y, set()).update(pieces)
        chops: Chops = [
            dict.fromkeys(line[:-1]) if y in missing else {} for y, line in enumerate(cuts)
        ]
        # From the front to the back: what is painted first is what is seen.
        for widget, (region, clip) in self.visible_widgets.items():
            if not missing:
                break
            seen = region.intersection(clip)
            left, right = seen.column_span
            top, bottom = seen.line_span
            rows = [
                y
                for y, pieces in missing.items()
                if top <= y < bottom and any(left <= x < right for x in pieces)
            ]
            for first, end in _runs(rows):
                lines = widget.render_lines(
                    Region(seen.x - region.x, first - region.y, seen.width, end - first)
                )
                # A widget that has just shrunk has fewer lines than it had place: a layout is due.
                for y, line in zip(range(first, end), lines, strict=False):
                    at = [cut for cut in cuts[y] if left <= cut <= right]
                    parts = line.divide([cut - left for cut in at[1:]])
                    _fill(chops[y], missing[y], at, parts)
                    if not missing[y]:
                        del missing[y]
        return chops


def _runs(rows: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Where lines follow each other: the first of them, and the end."""
    first = None
    for before, y in pairwise([*rows, -1]):
        first = before if first is None else first
        if y != before + 1:
            yield first, before + 1
            first = None


def _fill(
    line: dict[int, Strip | None], missing: set[int], at: Sequence[int], pieces: Sequence[Strip]
) -> None:
    for x, piece in zip(at, pieces, strict=False):
        if x in missing:
            line[x] = piece
            missing.discard(x)
