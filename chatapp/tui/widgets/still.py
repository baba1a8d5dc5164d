"""Widgets of a conversation that the screen lays out once when they grow, not twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.containers import Horizontal, Vertical
from textual.geometry import Size

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

    def _size_updated(
        self, size: Size, virtual_size: Size, container_size: Size, layout: bool = True
    ) -> bool:
        return super()._size_updated(size, virtual_size, container_size, layout=False)


class StillVertical(Still, Vertical):
    """A column."""


class StillHorizontal(Still, Horizontal):
    """A row."""
