"""The last line: the keys that matter now, each of them a button as well."""

from __future__ import annotations

from typing import Final, NamedTuple

from textual.content import Content
from textual.reactive import reactive
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

    roomy = reactive(False)
    """Whether keys stand far apart, each as a cap."""

    _keys: tuple[Key, ...] = ()
    _last: tuple[Key, ...] = ()

    def show(self, keys: tuple[Key, ...], last: tuple[Key, ...]) -> None:
        """Show these keys."""
        if (keys, last) != (self._keys, self._last):
            self._keys, self._last = keys, last
            self.refresh()

    def render(self) -> Content:
        width = self.size.width
        for roomy in (True, False) if self.roomy else (False,):
            line, whole = self._line(width, roomy)
            if whole:
                break
        return line

    def _line(self, width: int, roomy: bool) -> tuple[Content, bool]:
        """The keys that fit, and whether these are all."""
        tiny, gap = width < _TINY, 3 if roomy else 2
        room = width - 1
        last = [self._item(key, tiny, roomy) for key in self._last if key.essential or not tiny]
        room -= sum(item.cell_length + gap for item in last)
        items = []
        for key in self._keys:
            item = self._item(key, tiny, roomy)
            if item.cell_length + gap > room:
                break
            items.append(item)
            room -= item.cell_length + gap
        line = Content(" ") + Content(" " * gap).join([*items, *last])
        return line, len(items) == len(self._keys)

    @staticmethod
    def _item(key: Key, tiny: bool, roomy: bool) -> Content:
        label = key.short if tiny else key.label
        cap = (f" {key.name} ", "bold reverse") if roomy else (key.name, "bold $text-accent")
        item = Content.assemble(cap, " ", label)
        return item.stylize(Style.from_meta({"@click": key.action}))
