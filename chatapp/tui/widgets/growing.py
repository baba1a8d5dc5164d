"""A reply's Markdown while it grows: what is on the screen stays, and only what is new is added.

Laying out the screen takes ten times as long as painting a line, so text that grows asks for it
only when it needs more lines than it has.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from textual.app import ComposeResult
from textual.content import Content
from textual.geometry import Region, Size
from textual.widget import Widget
from textual.widgets import Label
from textual.widgets._markdown import (
    MarkdownBlock,
    MarkdownBullet,
    MarkdownBulletList,
    MarkdownOrderedList,
    MarkdownParagraph,
    MarkdownTable,
)
from textual.widgets.markdown import MarkdownFence

from chatapp.tui.widgets.still import Still, StillHorizontal, StillVertical

if TYPE_CHECKING:
    from markdown_it.token import Token
    from textual.widgets import Static as _Static
else:
    _Static = object

__all__ = [
    "GrowingBulletList",
    "GrowingFence",
    "GrowingOrderedList",
    "GrowingParagraph",
    "graft",
    "growing_in",
]

_AHEAD: Final = 1.5
"""Seconds for which a growing text reserves lines, at the speed at which it grows."""
_SPARE: Final = 6
"""Lines that are reserved at most."""
_SHARE: Final = 5
"""... and of what is in sight, one of so many: one reads the lines above while these fill."""


class _Growing(Still, _Static):
    """Text that keeps its height while new words fit into it."""

    # Lines that are kept free or used, that the screen has given, and that the text had when they
    # were asked for; the width all this is for.
    _room = _height = _lines = _width = 0
    _since = 0.0
    _speed = 0.0  # in lines a second

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        lines = super().get_content_height(container, viewport, width)
        if width != self._width:
            self._width, self._room = width, self._with_spare(lines)
            self._lines, self._since = lines, time.monotonic()
        self._height = max(lines, self._room)
        return self._height

    def grow(self, content: Content) -> None:
        """Show ``content``, and have the screen laid out only if it needs more lines."""
        with self._changed_lines():
            self.update(content, layout=False)
        if len(self._render_cache.lines) < self.size.height and not self._dirty_regions:
            return  # drawn already, with room below
        lines = self._needed
        if self._width and lines > self._height:  # what was never laid out is when it is shown
            now = time.monotonic()
            self._speed = (lines - self._lines) / max(now - self._since, 0.001)
            self._height = self._room = self._with_spare(lines)
            self._lines, self._since = lines, now
            self.refresh(layout=True)

    @property
    def _needed(self) -> int:
        """Lines that the text takes."""
        within = self.container_size
        return super().get_content_height(within, within, self._width)

    def _with_spare(self, lines: int) -> int:
        most = min(self.screen.size.height // _SHARE, _SPARE)
        return lines + min(int(self._speed * _AHEAD), most)

    def follow(self, before: _Growing) -> None:
        """Grow on where ``before`` has stopped, as fast as that grew."""
        self._speed = before._speed
        before.settle()

    def _size_updated(
        self, size: Size, virtual_size: Size, container_size: Size, layout: bool = True
    ) -> bool:
        taller = size.width == self._size.width and size.height > self._size.height
        with self._changed_lines() if taller else nullcontext():
            return super()._size_updated(size, virtual_size, container_size, layout)

    @contextmanager
    def _changed_lines(self) -> Iterator[None]:
        """Whatever is done: of what is drawn, only lines that look different are drawn anew."""
        drawn = self._render_cache
        if not self.size or drawn.size != self.size or self._dirty_regions:
            yield
            return
        with self._keeping():
            yield
        self._render_content()
        before, after = drawn.lines, self._render_cache.lines
        count = max(len(before), len(after))
        changed = [y for y in range(count) if before[y : y + 1] != after[y : y + 1]]
        if changed:
            first, last = changed[0], changed[-1]
            self._set_dirty(Region(0, first, self.size.width, last + 1 - first))
            self._dirty_regions.clear()  # its content is drawn already

    def settle(self) -> None:
        """No more comes: give back the lines that are not used."""
        self._speed = 0.0
        if self._room:
            self._room = 0
            if self._height != self._needed:
                self.refresh(layout=True)


class GrowingParagraph(_Growing, MarkdownParagraph):
    """A paragraph."""

    @classmethod
    @lru_cache(maxsize=1)
    def _get_component_classes(cls) -> frozenset[str]:
        # How emphasis and code look is found at the reply, once for all its paragraphs.
        return frozenset()

    def set_content(self, content: Content) -> None:
        self._content = content
        # What is not on the screen yet is laid out when it comes there, not once more after that.
        self.update(content, layout=self.is_mounted)

    def take(self, block: MarkdownBlock) -> None:
        """Show what ``block``, made of a longer text, would show."""
        self._grow_to(block._content)
        self._copy_context(block)

    def show_token(self, token: Token) -> None:
        """The same, from the text as it was read."""
        self._inline_token = token
        self._grow_to(self._token_to_content(token))

    def _grow_to(self, content: Content) -> None:
        if not self._content.is_same(content):
            self._content = content
            self.grow(content)


class _Code(_Growing, Label):
    """The text of a fence."""


class GrowingFence(Still, MarkdownFence):
    """Code."""

    def compose(self) -> ComposeResult:
        yield _Code(self._highlighted_code, id="code-content", expand=True)

    def take(self, block: MarkdownBlock) -> None:
        """As for a paragraph."""
        before = self._highlighted_code
        self._copy_context(block)
        if not before.is_same(self._highlighted_code):
            self._content = self._highlighted_code
            for code in self.query(_Code):
                code.grow(self._highlighted_code)


def _items(parts: Iterable[Widget]) -> ComposeResult:
    """Rows as Textual makes them: a bullet, and a column of blocks."""
    for row in parts:
        bullet, column = row._pending_children
        yield StillHorizontal(bullet, StillVertical(*column._pending_children))


class GrowingBulletList(Still, MarkdownBulletList):
    """A list with bullets."""

    def compose(self) -> ComposeResult:
        return _items(super().compose())


class GrowingOrderedList(Still, MarkdownOrderedList):
    """A list with numbers."""

    def compose(self) -> ComposeResult:
        return _items(super().compose())


async def graft(old: Widget, new: Widget) -> bool:
    """Let ``old``, on the screen, show what ``new`` would, which is not there yet.

    False if that cannot be; both are then of no use any more.
    """
    if type(old) is not type(new) or isinstance(old, MarkdownTable):
        return False
    if isinstance(old, (GrowingParagraph, GrowingFence)) and isinstance(new, MarkdownBlock):
        old.take(new)
    elif isinstance(old, MarkdownBullet) and isinstance(new, MarkdownBullet):
        old.symbol = new.symbol
    else:
        if isinstance(old, MarkdownBlock) and isinstance(new, MarkdownBlock):
            if not old._content.is_same(new._content):
                old.set_content(new._content)
            old._copy_context(new)
        return await _graft_children(old, new)
    return True


async def _graft_children(old: Widget, new: Widget) -> bool:
    shown = list(old.children)
    parts = [*new._pending_children, *new.compose()]
    if len(parts) < len(shown):
        return False
    for before, after in zip(shown, parts, strict=False):
        if not await graft(before, after):
            return False
    if more := parts[len(shown) :]:
        await old.mount_all(more)
    return True


def growing_in(widget: Widget) -> _Growing | None:
    """The text at the very end of ``widget``."""
    while widget.children:
        widget = widget.children[-1]
    return widget if isinstance(widget, _Growing) else None
