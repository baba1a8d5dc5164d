"""Painting what has changed, and nothing else.

Where two places far apart have changed, Textual has every widget drawn that touches the rectangle
around both, whatever lies behind another one included. That costs a whole screen for two lines.
Here a widget is asked for a line only if it can be seen there and was to be painted.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from textual._compositor import ChopsUpdate, Compositor
from textual.geometry import Region
from textual.strip import Strip

__all__ = ["Painter"]

Chops = list[dict[int, Strip | None]]
Spans = list[tuple[int, int, int]]


class Painter(Compositor):
    """Textual's compositor; what reaches the terminal is the same."""

    def render_partial_update(self) -> ChopsUpdate | None:
        regions = self._dirty_regions.copy()
        self._dirty_regions.clear()
        if not regions:
            return None
        spans = list(self._regions_to_spans(regions))
        return ChopsUpdate(self._painted(spans), spans, [cuts[1:] for cuts in self.cuts])

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
            rows = [
                y
                for y in seen.line_range
                if y in missing and any(left <= x < right for x in missing[y])
            ]
            if not rows:
                continue
            first = rows[0]
            lines = widget.render_lines(
                Region(seen.x - region.x, first - region.y, seen.width, rows[-1] + 1 - first)
            )
            for y in rows:
                mine = [cut for cut in cuts[y] if left <= cut <= right]
                pieces = lines[y - first].divide([cut - left for cut in mine[1:]])
                _fill(chops[y], missing[y], mine, pieces)
                if not missing[y]:
                    del missing[y]
        return chops


def _fill(
    line: dict[int, Strip | None], missing: set[int], at: Sequence[int], pieces: Sequence[Strip]
) -> None:
    for x, piece in zip(at, pieces, strict=False):
        if x in missing:
            line[x] = piece
            missing.discard(x)
