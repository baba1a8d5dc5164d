"""Choosing the weights: a model, alone or with an adapter, and what each one is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import ClassVar, Final

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widget import Widget
from textual.widgets import OptionList, Static

from chatapp.tui.dialogs.base import Action, Cards, Dialog, card, one_line
from chatapp.tui.dialogs.model_rows import NOT_PUBLISHED, AdapterRow, ModelRow, size_text
from chatapp.tui.given import Chosen

__all__ = ["ModelsDialog"]

_LEAD = (
    "A model is a file of frozen weights. It learned while it was trained; answering adds nothing."
)
_KINDS = {
    "instruct": "instruct model: taught to converse",
    "base": "base model: continues text",
    "": "",
}
_STEP: Final = 0.1
_MOST: Final = 10.0


@dataclass(frozen=True, slots=True)
class _Item:
    """One card: a model, or an adapter of it."""

    row: ModelRow
    adapter: AdapterRow | None = None


class ModelsDialog(Dialog[Chosen | None]):
    """Choose a model, or a model and an adapter; the result is None if nothing is to change.

    ``current`` are the weights in use: its model is a row's ``path``, its name, or its file's name.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f3", "leave", "Leave", show=False),
        Binding("left", "scale(-1)", "Weaker", show=False),
        Binding("right", "scale(1)", "Stronger", show=False),
    ]
    heading = "Models"
    keys = "Enter use it · ←→ an adapter's scale · Esc leave"

    def __init__(self, entries: Sequence[ModelRow], current: Chosen) -> None:
        super().__init__()
        self._items = [
            item
            for row in entries
            for item in (_Item(row), *(_Item(row, adapter) for adapter in row.adapters))
        ]
        self._current = current
        self._scales: dict[str, float] = {}
        if current.adapter is not None:
            self._scales[current.adapter] = current.scale

    def body(self) -> Iterable[Widget]:
        yield Static(_LEAD, classes="lead", markup=False)
        if not self._items:
            yield Static("No model is here, and none can be had.", markup=False)
        cards = ((str(n), self._card(item), _usable(item)) for n, item in enumerate(self._items))
        yield Cards(cards, id="rows")

    def actions(self) -> Iterable[Widget]:
        yield Action("Use it", "screen.choose", id="choose")
        if any(item.adapter for item in self._items):
            yield Action("− scale", "screen.scale(-1)", id="weaker")
            yield Action("+ scale", "screen.scale(1)", id="stronger")
        yield Action("Leave", "screen.leave", id="leave")

    def on_mount(self) -> None:
        used = [number for number, item in enumerate(self._items) if self._in_use(item)]
        if self._items:
            self.query_one(Cards).highlighted = used[0] if used else 0

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        item = self._items[int(event.option.id or 0)]
        row = item.row
        if not row.installed:
            self.say(
                f"{one_line(row.name)} is not on this machine. In another terminal: "
                f"{self._command(row)} ({size_text(row.size)}). Then open this list again."
            )
            return
        model = self._current.model if self._is_model(row) else row.path
        chosen = Chosen(model)
        if item.adapter is not None:
            chosen = Chosen(model, item.adapter.path, self._scale(item.adapter))
        self.dismiss(None if chosen == self._current else chosen)

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()
        self.say("")

    def action_choose(self) -> None:
        """Use the highlighted weights."""
        self.query_one(Cards).action_select()

    def action_scale(self, steps: int) -> None:
        """Add the highlighted adapter more strongly, or less."""
        cards = self.query_one(Cards)
        number = cards.highlighted
        item = self._items[number] if number is not None else None
        if number is None or item is None or item.adapter is None:
            self.say("Only an adapter has a scale: how strongly it is added to the base.")
            return
        scale = round(self._scale(item.adapter) + steps * _STEP, 1)
        self._scales[item.adapter.path] = min(max(scale, 0.0), _MOST)
        cards.replace_option_prompt_at_index(number, self._card(item))

    def _scale(self, adapter: AdapterRow) -> float:
        return self._scales.get(adapter.path, 1.0)

    def _is_model(self, row: ModelRow) -> bool:
        """Whether this is the model in use."""
        if row.error or not row.installed:
            return False
        path, current = PurePath(row.path), self._current.model
        names = {name.casefold() for name in (row.name, path.name, path.stem)}
        return current == row.path or current.casefold() in names

    def _in_use(self, item: _Item) -> bool:
        adapter = item.adapter.path if item.adapter else None
        return self._is_model(item.row) and adapter == self._current.adapter

    @staticmethod
    def _command(row: ModelRow) -> str:
        return f"chatapp models pull {one_line(row.name)}"

    def _card(self, item: _Item) -> Content:
        if item.adapter is not None:
            return self._adapter_card(item, item.adapter)
        row = item.row
        name = row.name or PurePath(row.path).stem
        if row.error:
            return card(name, one_line(row.error, 400), mark="cannot be used")
        mark = "in use" if self._in_use(item) else "" if row.installed else "not here yet"
        licence = one_line(row.licence) if row.licence else "licence not stated"
        lines = [
            " · ".join(filter(None, (_KINDS[row.kind], size_text(row.size), licence))),
            _training(row),
        ]
        if row.note:
            lines.append(one_line(row.note))
        if not row.installed:
            lines.append(f"To fetch it: {self._command(row)}")
        return card(name, *lines, mark=mark)

    def _adapter_card(self, item: _Item, adapter: AdapterRow) -> Content:
        base = item.row.name or PurePath(item.row.path).stem
        name = f"{one_line(base)} + {one_line(adapter.name)}"
        sentence = one_line(adapter.sentence, 400)
        if adapter.refused:
            return card(name, sentence, mark=adapter.refused)
        about = f"adapter, {size_text(adapter.size)}, added ×{self._scale(adapter)}"
        return card(name, f"{about} · {sentence}", mark="in use" if self._in_use(item) else "")


def _usable(item: _Item) -> bool:
    return not (item.adapter.refused if item.adapter else item.row.error)


def _training(row: ModelRow) -> str:
    if row.trained_on == NOT_PUBLISHED:
        return f"learned in training; how much is not published · cut-off: {row.cutoff}"
    return f"learned in training, from {row.trained_on} · cut-off: {row.cutoff}"
