"""The last line: the keys that matter now, each of them a button as well."""

from __future__ import annotations

from typing import Final, NamedTuple

from textual.content import Content
from textual.style import Style
from textual.widget import Widget

__all__ = ["Key", "KeyBar"]

_TINY: Final = 60


class Key(NamedTuple):
    """A key as printed, what it does (in short where the screen is small), and its action."""

    name: str
    label: str
    short: str
    action: str
    essential: bool = True


class KeyBar(Widget):
    """As many keys as fit, in the order given; ``last`` always stay."""

    ALLOW_SELECT = False

    _keys: tuple[Key, ...] = ()
    _last: tuple[Key, ...] = ()

    def show(self, keys: tuple[Key, ...], last: tuple[Key, ...]) -> None:
        """Show these keys."""
        if (keys, last) != (self._keys, self._last):
            self._keys, self._last = keys, last
            self.refresh()

    def render(self) -> Content:
        tiny = self.size.width < _TINY
        room = self.size.width - 1
        last = [self._item(key, tiny) for key in self._last if key.essential or not tiny]
        room -= sum(item.cell_length + 2 for item in last)
        items = []
        for key in self._keys:
            item = self._item(key, tiny)
            if item.cell_length + 2 > room:
                break
            items.append(item)
            room -= item.cell_length + 2
        return Content(" ") + Content("  ").join([*items, *last])

    @staticmethod
    def _item(key: Key, tiny: bool) -> Content:
        label = key.short if tiny else key.label
        item = Content.assemble((key.name, "bold $text-accent"), " ", label)
        return item.stylize(Style.from_meta({"@click": key.action}))
