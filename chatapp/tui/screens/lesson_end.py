"""The last page of a lesson: what was guessed, what happened, and what to take home."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Horizontal, VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from chatapp.errors import ChatappError
from chatapp.lessons.steps import Summary
from chatapp.lessons.words import Words, words_of
from chatapp.tui import words
from chatapp.tui.dialogs.base import Action
from chatapp.tui.lesson.rows import guessed, text

if TYPE_CHECKING:
    from chatapp.lessons.play import Guess, Play

__all__ = ["LessonEnd", "last_page"]

HANDOUT = (
    "One page of HTML that needs nothing else: the questions, the guesses, what was sent and what "
    "was answered."
)


def last_page(play: Play) -> Iterator[Content]:
    """The blocks of the page: take-home words, then each question with its guess and outcome."""
    say, step = words_of(play.lesson.language), play.lesson.steps[-1]
    if isinstance(step, Summary):
        yield from text(play, step.summary, "bold")
    decided = [guess for guess in play.guesses if guess.decided]
    if decided:
        yield Content(_score([guess for guess in decided if guess.guessed is not None], say))
    for guess in decided:
        lines = [*text(play, guess.step.expect, "bold"), *guessed(guess, play)]
        yield Content("\n").join(lines)
    missed = [check for played in play.steps for check in played.checks if not check.held]
    if missed:
        lines = [Content(f"· {words.one_line(check.says)}") for check in missed]
        yield Content("\n").join([Content.styled(say("screen-otherwise"), "bold"), *lines])
    if play.taken_over:
        yield Content(say("screen-taken-over", count=play.taken_over))


def _score(made: list[Guess], say: Words) -> str:
    met = sum(guess.met is True for guess in made)
    if not made:
        return say("screen-no-guess")
    if len(made) == 1:
        return say("screen-one-met" if met else "screen-one-missed")
    return say("screen-score", all=len(made), met=met)


class LessonEnd(Screen[str | None]):
    """The result: ``back``, ``lessons`` (choose another), or nothing to go on alone."""

    AUTO_FOCUS = "#page"
    HORIZONTAL_BREAKPOINTS = [(0, "-tiny"), (60, "-narrow")]  # noqa: RUF012 (as in Textual)
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter", "leave", "Leave"),
        Binding("left,backspace", "back", "Back", show=False),
        Binding("s", "save", "Save", show=False),
        Binding("ctrl+t", "lessons", "Lessons", show=False),
    ]
    DEFAULT_CSS = """
    LessonEnd {
        background: $background;
        #end {
            height: 1fr; border: round $accent; padding: 1 4;
            border-title-style: bold; border-title-color: $text; border-subtitle-color: $text-muted;
        }
        &.-tiny #end { padding: 0 1; }
        #page { height: 1fr; scrollbar-size-vertical: 1; background: $background; }
        #page Static { height: auto; max-width: 92; margin-bottom: 1; }
        .actions { height: 1; }
        &.-tiny #save, &.-tiny #back { display: none; }
    }
    """

    def __init__(self, play: Play, handout: Callable[[Path, Play], None] | None) -> None:
        super().__init__()
        self._play = play
        self._handout = handout

    def compose(self) -> ComposeResult:
        say = words_of(self._play.lesson.language)
        with Container(id="end") as frame:
            frame.border_title = Content(words.one_line(self._play.lesson.title))
            frame.border_subtitle = Content(say("end-keys"))
            with VerticalScroll(id="page"):
                for block in last_page(self._play):
                    yield Static(block, markup=False)
            with Horizontal(classes="actions"):
                yield Action(say("end-leave"), "screen.leave", id="leave")
                yield Action(say("end-lessons"), "screen.lessons", id="lessons")
                if self._handout is not None:
                    yield Action(say("end-save"), "screen.save", id="save")
                yield Action(say("end-back"), "screen.back", id="back")

    def action_leave(self) -> None:
        """Go on alone."""
        self.dismiss(None)

    def action_back(self) -> None:
        """Back to the last step."""
        self.dismiss("back")

    def action_lessons(self) -> None:
        """Choose another lesson."""
        self.dismiss("lessons")

    def action_save(self) -> None:
        """Write the hand-out."""
        if self._handout is not None:
            self.run_worker(self._saving(self._handout), name="save", exit_on_error=False)

    async def _saving(self, handout: Callable[[Path, Play], None]) -> None:
        from chatapp.tui.dialogs.save import SaveDialog

        path = await self.app.push_screen_wait(
            SaveDialog(
                Path.cwd() / f"chatapp-{self._play.lesson.name}.html",
                heading="Save the hand-out",
                says=HANDOUT,
            )
        )
        if path is None:
            return
        try:
            await asyncio.to_thread(handout, path, self._play)
        except ChatappError as error:
            self.app.notify(words.one_line(str(error)), severity="error", markup=False)
        else:
            self.app.notify(f"Saved: {path}", markup=False)
