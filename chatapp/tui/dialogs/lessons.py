"""The lessons, in the order of the course."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from textual.content import Content
from textual.widget import Widget
from textual.widgets import OptionList, Static

from chatapp.tui.dialogs.base import Action, Cards, Dialog, card, one_line

if TYPE_CHECKING:
    from chatapp.lessons.steps import Lesson

__all__ = ["LessonsDialog"]

_SAYS = (
    "Each is played on the model at hand: every answer is its own, live. You guess first; you can "
    "take over at any point, and go back."
)


class LessonsDialog(Dialog[str | None]):
    """The result is the name of a lesson, or an empty one to leave the one that is ``playing``.

    ``wrong`` says what is wrong with lessons that cannot be read.
    """

    heading = "Lessons"
    keys = "Enter play · Esc leave"

    def __init__(self, lessons: Sequence[Lesson], wrong: Sequence[str], playing: str) -> None:
        super().__init__()
        self._lessons = lessons
        self._wrong = wrong
        self._playing = playing

    def body(self) -> Iterable[Widget]:
        yield Static(_SAYS, classes="lead", markup=False)
        yield Cards(((one.name, self._card(one), True) for one in self._lessons), id="rows")
        for text in self._wrong:
            yield Static(Content(f"✗ {text}"), markup=False)

    def actions(self) -> Iterable[Widget]:
        yield Action("Play", "screen.choose", id="choose")
        if self._playing:
            yield Action("Leave the lesson", "screen.end", id="end")
        yield Action("Back", "screen.leave", id="leave")

    def on_mount(self) -> None:
        names = [one.name for one in self._lessons]
        cards = self.query_one(Cards)
        cards.highlighted = names.index(self._playing) if self._playing in names else 0
        cards.focus()

    def _card(self, lesson: Lesson) -> Content:
        mark = "being played" if lesson.name == self._playing else f"{lesson.minutes} min"
        return card(lesson.title, one_line(lesson.about), mark=mark)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.dismiss(event.option.id)

    def action_choose(self) -> None:
        """Play the highlighted lesson."""
        self.query_one(Cards).action_select()

    def action_end(self) -> None:
        """Leave the lesson that is being played."""
        self.dismiss("")
