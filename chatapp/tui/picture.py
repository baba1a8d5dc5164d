"""The screen as a picture: SVG without a frame, and without what is typed if so asked."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from rich.console import Console
from rich.segment import Segment, Segments
from textual._context import visible_screen_stack
from textual.geometry import Region
from textual.strip import Strip

from chatapp.showing.frames import Seen

if TYPE_CHECKING:
    from textual.app import App

__all__ = ["blanked", "draw", "read"]

# As wide and high as the cells, and no more. Fonts are those of the viewer's own machine.
_FORMAT: Final = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 WIDTH HEIGHT" width="WIDTH" height="HEIGHT">
<style>
.{unique_id}-matrix {{ font-family: 'DejaVu Sans Mono', 'Fira Code', Menlo, Consolas, monospace;
  font-size: {char_height}px; line-height: {line_height}px; }}
{styles}
</style>
<defs>{lines}</defs>
{backgrounds}
<g class="{unique_id}-matrix">{matrix}</g>
</svg>
"""
_CELL: Final = (20 * 0.61, 20 * 1.22)
"""Width and height of a cell, as rich sets them."""


def read(app: App[Any], hidden: Sequence[Region] = ()) -> Seen | None:
    """What stands on the screen now; what lies in ``hidden`` is blank.

    Unlike a screenshot it leaves alone what the terminal has still to be told.
    """
    if not app.is_running or not app.screen_stack:
        return None
    screen, (width, height) = app.screen, app.size
    visible_screen_stack.set(app._background_screens)
    strips = [*screen._compositor.render_strips()]
    for region in hidden:
        for y in range(max(region.y, 0), min(region.bottom, len(strips))):
            strips[y] = blanked(strips[y], region.x, region.right)
    looks = width, height, tuple(tuple(strip._segments) for strip in strips)
    return Seen(looks, lambda: draw(strips, width, height))


def blanked(strip: Strip, start: int, end: int) -> Strip:
    """The line with nothing written between two columns."""
    between = strip.crop(start, end)
    blank = [Segment(" " * segment.cell_length, segment.style) for segment in between]
    return Strip.join([strip.crop(0, start), Strip(blank), strip.crop(end, strip.cell_length)])


def draw(strips: Sequence[Strip], width: int, height: int) -> str:
    """The lines as SVG."""
    console = Console(
        width=width,
        height=height,
        file=io.StringIO(),
        force_terminal=True,
        color_system="truecolor",
        record=True,
        legacy_windows=False,
    )
    for strip in strips:
        segments = [*strip.simplify().discard_meta()]
        console.print(Segments([*segments, Segment.line()]), end="", soft_wrap=True)
    wide, high = width * _CELL[0], height * _CELL[1] + 2
    form = _FORMAT.replace("WIDTH", f"{wide:g}").replace("HEIGHT", f"{high:g}")
    svg = console.export_svg(title="", code_format=form)
    return svg.replace("<text ", '<text xml:space="preserve" ')
