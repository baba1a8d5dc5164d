"""Widgets of a conversation that the screen lays out once when they grow, not twice, and does not
draw anew."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from textual.containers import Horizontal, Vertical
from textual.geometry import Region, Size

if TYPE_CHECKING:
    from textual.widget import Widget as _Widget
else:
    _Widget = object  # a style sheet's names follow the first base that is a widget

__all__ = ["Still", "StillHorizontal", "StillVertical"]


class Still(_Widget):
    """Textual lays the screen out again whenever a layout has changed a widget's size.

    That serves widgets whose content depends on it. Here none does: a change of width, which
    wraps lines anew, changes what is above it as well and begins with a layout of its own.
    """

    _kept = False
    """Whether what is drawn stays, whatever Textual says has to be drawn anew."""

    def _size_updated(
        self, size: Size, virtual_size: Size, container_size: Size, layout: bool = True
    ) -> bool:
        before = self._size
        taller = size.width == before.width and size.height > before.height > 0
        # What holds others draws its edges only: growing downwards, they stay as they are.
        if not (taller and self.children):
            return super()._size_updated(size, virtual_size, container_size, layout=False)
        with self._keeping():
            changed = super()._size_updated(size, virtual_size, container_size, layout=False)
        below = self.styles.gutter.bottom
        self._styles_cache.set_dirty(Region(0, before.height - below, size.width, below))
        return changed

    def _set_dirty(self, *regions: Region) -> None:
        if regions or not self._kept:
            super()._set_dirty(*regions)

    @contextmanager
    def _keeping(self) -> Iterator[None]:
        self._kept = True
        try:
            yield
        finally:
            self._kept = False


class StillVertical(Still, Vertical):
    """A column."""


class StillHorizontal(Still, Horizontal):
    """A row."""
