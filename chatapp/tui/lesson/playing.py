"""A lesson that is being played on the screen: keys become steps of the player, one at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from chatapp.errors import ChatappError
from chatapp.lessons.player import Player
from chatapp.lessons.steps import Expect, Lesson
from chatapp.lessons.words import words_of
from chatapp.proofs.lab import Lab
from chatapp.tui.lesson.stage import ScreenStage

if TYPE_CHECKING:
    from chatapp.tui.screens.lesson_actions import LessonActions

__all__ = ["LessonPlaying"]


class LessonPlaying:
    """``busy`` while a step is under way; ``error`` is why the last one could not be done."""

    def __init__(self, screen: LessonActions, lesson: Lesson, lab: Lab) -> None:
        self._screen = screen
        say = words_of(lesson.language)
        self.stage = ScreenStage(screen, lab, self._tell, lambda view: say(f"screen-view-{view}"))
        self.player = Player(lesson, self.stage)
        self.busy = False
        self.progress = ""
        self.error = ""
        self._task: asyncio.Task[Any] | None = None

    @property
    def away(self) -> bool:
        """Whether the person has taken over."""
        return self.player.phase == "away"

    def _tell(self, progress: str) -> None:
        self.progress = progress
        self._screen.refresh_lesson()

    async def begin(self) -> None:
        """Set the stage."""
        await self._do(self.player.begin)

    async def next(self) -> None:
        """On: do what the step does, or go to the next one."""
        if self.player.phase == "new":
            await self.begin()
            return
        if self.player.phase != "ended":
            await self._do(self.player.next)

    async def back(self) -> None:
        """One step back."""
        await self._do(self.player.back)

    async def guess(self, number: int) -> None:
        """Guess the option of this number; the strip shows it until the person goes on."""
        step = self.player.step
        if self.busy or not isinstance(step, Expect) or not 0 < number <= len(step.options):
            return
        if self.player.phase == "done":  # another guess: nothing was shown yet
            await self._do(self.player.back)
        if self.player.asking:
            self.player.guess(step.options[number - 1].id)
            self._screen.refresh_lesson()

    async def take_over(self) -> None:
        """The person goes on alone; the lesson waits."""
        if self.player.phase in ("ready", "done"):
            self.stage.close_views()
            await self._do(self.player.take_over)

    async def resume(self) -> None:
        """Back to the lesson."""
        await self._do(self.player.resume)

    def stop(self) -> None:
        """End what the step does, an experiment for one. It can be done again."""
        if self.busy and self._task is not None:
            self._task.cancel()

    async def _do(self, what: Callable[[], Awaitable[None]]) -> None:
        if self.busy or not await self._screen.lesson_stands():
            return
        self.busy, self.error, self.progress = True, "", ""
        self._task = asyncio.current_task()
        # The phase changes at the first step of the coroutine: what is shown follows then.
        self._screen.call_later(self._screen.refresh_lesson)
        try:
            await what()
        except ChatappError as error:
            self.error = str(error)
        finally:
            self.busy = False
            self.progress = ""
            self._screen.refresh_lesson()
