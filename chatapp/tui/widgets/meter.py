"""The context window as a bar: what each part of the next request takes, and what is left."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from textual.content import Content
from textual.widget import Widget

from chatapp.tui import words

if TYPE_CHECKING:
    from chatapp.context.budget import Budget

__all__ = ["Meter"]

_STYLES: Final = {
    "█": "$foreground 60%",
    "▚": "$text-warning",
    "▞": "$text-success",
    "▓": "$text-primary",
    "▒": "$text-accent",
    "╱": "$foreground 60%",
    "·": "$foreground 40%",
}
_LEVELS: Final = {"ok": "", "amber": "$text-warning bold", "red": "$text-error bold"}


class Meter(Widget):
    """Exact numbers or none: while a count is under way it says so."""

    ALLOW_SELECT = False

    _budget: Budget | None = None
    _note = ""

    def show(self, budget: Budget | None, note: str = "") -> None:
        """Show a budget, or a ``note`` in its place."""
        if (budget, note) != (self._budget, self._note):
            self._budget, self._note = budget, note
            self.set_class(budget is not None and budget.level == "amber", "-amber")
            self.set_class(budget is not None and budget.level in ("red", "over"), "-red")
            self.refresh()

    def render(self) -> Content:
        width = self.size.width - 2
        if self._budget is None:
            return Content.styled(f" context  {self._note}", "$foreground 60%").truncate(width + 2)
        lines = [self._first_line(self._budget, width), *self._legend(self._budget, width)]
        return Content("\n").join([Content(" ") + line for line in lines])

    def _first_line(self, budget: Budget, width: int) -> Content:
        of = f"{budget.sent:,} of {budget.window:,} tokens"
        full = words.fullness(budget)
        name = "context  "
        if width < 60:
            of, name = f"{budget.sent:,} of {budget.window:,}", ""
            full = f"{budget.share:.0%}" if budget.level == "ok" else full.split(": ")[-1]
        style = _LEVELS.get(budget.level, _LEVELS["red"])
        tail = Content.assemble(f"  {of}  ", (full, style))
        cells = max(width - len(name) - tail.cell_length, 4)
        signs = [sign for _, sign, _ in words.budget_parts(budget)]
        bar = [
            (signs[part] * count, _STYLES[signs[part]]) for part, count in words.bar(budget, cells)
        ]
        return Content.assemble(name, *bar) + tail

    def _legend(self, budget: Budget, width: int) -> list[Content]:
        """The parts with their signs, names and exact numbers, on as many lines as it takes."""
        for short, gap in ((False, "   "), (True, "  "), (True, " ")):
            parts = self._parts(budget, short=short)
            legend = Content(gap).join(parts)
            if legend.cell_length <= width:
                return [legend]
        lines: list[Content] = []
        for part in parts:
            if lines and lines[-1].cell_length + 1 + part.cell_length <= width:
                lines[-1] = Content(" ").join([lines[-1], part])
            else:
                lines.append(part)
        return lines

    def _parts(self, budget: Budget, *, short: bool) -> list[Content]:
        parts = [
            Content.assemble((sign, _STYLES[sign]), f" {name} {count:,}")
            for name, sign, count in words.budget_parts(budget, short=short)
        ]
        if budget.free < 0:
            parts[-1] = Content.styled(f"✗ {-budget.free:,} too many", "$text-error bold")
        if self._note:
            parts.append(Content.styled(self._note, "italic"))
        return parts
