"""A scrollbar that is drawn from pieces it has drawn before.

Every line of a growing conversation moves its scrollbar. Textual draws all of it anew then, which
takes as long as all the text beside it.
"""

from __future__ import annotations

from functools import lru_cache

from rich.segment import Segment, Segments
from rich.style import Style
from textual.geometry import Region
from textual.scrollbar import ScrollBar, ScrollBarRender
from textual.strip import Strip

__all__ = ["QuickBar"]


@lru_cache(maxsize=256)
def _piece(segment: Segment, below: Style) -> Strip:
    text, style, _ = segment
    return Strip([Segment(text, below + style if style is not None else below)], 1)


class QuickBar(ScrollBar):
    """A vertical scrollbar, one cell wide."""

    def render_lines(self, crop: Region) -> list[Strip]:
        bar = self.render()
        if self.thickness != 1 or not isinstance(bar, ScrollBarRender):
            return super().render_lines(crop)
        colours = self.app.console.get_style(bar.style)
        assert colours.bgcolor is not None
        assert colours.color is not None
        drawn: Segments = bar.render_bar(
            size=self.size.height,
            virtual_size=bar.virtual_size,
            window_size=bar.window_size,
            position=bar.position,
            back_color=colours.bgcolor,
            bar_color=colours.color,
        )
        beneath, background = self.background_colors
        below = self.visual_style.rich_style + Style(bgcolor=(beneath + background).rich_color)
        lines = [_piece(segment, below) for segment in drawn.segments]
        for each in self.get_line_filters():
            lines = [line.apply_filter(each, background) for line in lines]
        return lines[crop.y : crop.bottom]
