"""What is attached to the message being written, a line each; a click takes one off."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from textual.content import Content
from textual.style import Style
from textual.widgets import Static

from chatapp.tui import source_words, words

if TYPE_CHECKING:
    from chatapp.context.parts import Part

__all__ = ["Chips"]

_MOST: Final = 5


class Chips(Static):
    """Names, characters and tokens of what will go along; nothing while nothing is attached."""

    ALLOW_SELECT = False

    def __init__(self) -> None:
        super().__init__("", markup=False)
        self._shown: tuple[Sequence[Part], Sequence[int]] = ((), ())

    def show(self, parts: Sequence[Part], tokens: Sequence[int] = ()) -> None:
        """Show the parts; ``tokens`` are theirs if they have been counted."""
        counts = tokens if len(tokens) == len(parts) else ()
        if (parts, counts) == self._shown:
            return
        self._shown = (parts, counts)
        self.set_class(bool(parts), "-some")
        lines = [self._line(n, part, counts) for n, part in enumerate(parts)]
        if len(lines) > _MOST:
            cut = lines[: _MOST - 1]
            more = f"… and {len(lines) - len(cut)} more"
            if counts:
                more += f" · {words.many(sum(counts), 'token')} in all {source_words.EVERY_TURN}"
            lines = [*cut, Content.styled(more, "$foreground 60%")]
        self.update(Content("\n").join(lines))

    @staticmethod
    def _line(number: int, part: Part, counts: Sequence[int]) -> Content:
        style = Style.from_meta({"@click": f"screen.detach({number})"})
        text = source_words.cost(part, counts[number] if counts else None)
        return Content.assemble(Content("[×]").stylize(style), f" {text}")
