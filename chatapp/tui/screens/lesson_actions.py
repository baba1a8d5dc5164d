"""Lessons on the main screen: choosing one, playing it, leaving it, and its last page."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from textual.worker import WorkerError

from chatapp.tui import words
from chatapp.tui.screens.keys import LAST
from chatapp.tui.screens.lesson_views import LessonViews
from chatapp.tui.widgets.keybar import KeyBar

if TYPE_CHECKING:
    from chatapp.engine.client import LocalEngine
    from chatapp.lessons.play import Play
    from chatapp.lessons.steps import Lesson
    from chatapp.tui.lesson.panel import LessonPanel
    from chatapp.tui.lesson.playing import LessonPlaying

__all__ = ["LessonActions"]

_AT_WORK = "The lesson is at work. Esc stops it."
_LOCAL = "A lesson looks into the model, so it needs a local one: a server shows too little."


class LessonActions(LessonViews):
    """The lesson acts on sessions of its own; the person's stay as they are."""

    lesson: LessonPlaying | None = None
    _at_its_end = False

    # ── beginning and ending ────────────────────────────────────────────────────────────────────

    def action_lesson(self) -> None:
        """Go back to the lesson; without one, choose one."""
        if self.lesson is not None and self.lesson.away:
            self._lesson_work(self._resume_lesson())
        elif self.lesson is not None and self.lesson.busy:
            self.say(_AT_WORK)
        elif self.given.lessons is None:
            self.say(_LOCAL if self.served else "There are no lessons here.")
        else:
            self._dialog(self._choose_lesson())

    async def _choose_lesson(self) -> None:
        from chatapp.tui.dialogs.lessons import LessonsDialog

        assert self.given.lessons is not None
        lessons = await asyncio.to_thread(self.given.lessons)
        found, errors = await asyncio.to_thread(lessons.course, self.given.language)
        playing = self.lesson.player.lesson.name if self.lesson is not None else ""
        wrong = [words.one_line(str(error)) for error in errors]
        chosen = await self.app.push_screen_wait(LessonsDialog(found, wrong, playing))
        if chosen == "":
            await self.leave_lesson()
        elif chosen is not None:
            await self.play_lesson(next(one for one in found if one.name == chosen))

    def begin_lesson(self, lesson: Lesson) -> None:
        """The lesson that was asked for on the command line."""
        self._lesson_work(self._begin_lesson(lesson))

    async def _begin_lesson(self, lesson: Lesson) -> None:
        await self.play_lesson(lesson)
        if self.given.autoplay is not None and self.lesson is not None:
            from chatapp.tui.lesson.autoplay import autoplay

            await autoplay(self, self.lesson, self.given.autoplay)

    async def play_lesson(self, lesson: Lesson) -> None:
        """Begin a lesson; one that is being played is left."""
        await self.leave_lesson()
        await self.opened.wait()
        if self.model is None:
            self.say("A lesson needs a model. F3 chooses one.")
            return
        engine = cast("LocalEngine", self.model.engine)
        if self.served or not isinstance(getattr(engine, "weights", None), Path):
            self.say(_LOCAL)
            return
        for name in ("chatapp.tui.lesson.playing", "chatapp.proofs.experiments"):
            await asyncio.to_thread(importlib.import_module, name)
        from chatapp.proofs.lab import Lab
        from chatapp.tui.lesson.panel import LessonPanel
        from chatapp.tui.lesson.playing import LessonPlaying

        find = self.given.base
        base = await asyncio.to_thread(find, engine.weights) if find else None
        lab = Lab(engine.weights, engine.options, base=base, engine=engine)
        self.lesson = LessonPlaying(self, lesson, lab)
        self.set_class(True, "-lesson")
        self.set_class(True, "-hide-context")
        self.set_class(False, "-show-context")
        await self.mount(LessonPanel(), before="Meter")
        await self.lesson.begin()

    async def leave_lesson(self) -> None:
        """The lesson is over; its sessions stay."""
        lesson, self.lesson = self.lesson, None
        if lesson is None:
            return
        await lesson.stage.leave()
        await self.query("LessonPanel").remove()
        self.remove_class("-lesson", "-writing", "-show-meter")
        self.set_class(self.presenting, "-hide-context")
        self.composer.focus()
        self.refresh_all()

    def action_leave_lesson(self) -> None:
        """Leave the lesson; its sessions stay open."""
        if self.lesson is None:
            self.say("No lesson is being played.")
        elif self.lesson.busy:
            self.say(_AT_WORK)
        else:
            self._lesson_work(self.leave_lesson())

    async def _resume_lesson(self) -> None:
        if self.lesson is None:
            return
        for session in self.sessions:
            if (turn := session.turn) is not None:
                await self.turns.stop(session)
                with contextlib.suppress(WorkerError):
                    await turn.wait()
        await self.lesson.resume()

    async def lesson_stands(self) -> bool:
        """Whether the lesson can go on: a lesson on one model cannot be ended on another."""
        if self.lesson is None:
            return False
        if self.model is not None and self.model.engine is self.lesson.stage.lab.engine:
            return True
        self.say("Another model is at hand now, so the lesson has ended.")
        await self.leave_lesson()
        return False

    async def action_new_session(self) -> None:
        """A person's own session: the lesson waits."""
        if self.lesson is not None and not self.lesson.busy:
            await self.lesson.take_over()
        await super().action_new_session()

    # ── keys of the strip ───────────────────────────────────────────────────────────────────────

    def _lesson_work(self, work: Any) -> None:
        self.run_worker(work, name="lesson", group="lesson", exit_on_error=False)

    def action_lesson_next(self) -> None:
        """On."""
        if self.lesson is not None:
            self._lesson_work(self.lesson.next())

    def action_lesson_back(self) -> None:
        """One step back: what it did is undone."""
        if self.lesson is not None:
            self._lesson_work(self.lesson.back())

    def action_lesson_guess(self, number: int) -> None:
        """Guess the option of this number."""
        if self.lesson is not None:
            self._lesson_work(self.lesson.guess(number))

    async def action_lesson_over(self) -> None:
        """Take over; while the model answers or an experiment runs, stop that."""
        if self.lesson is None:
            return
        if self.lesson.busy and self.session.busy:
            await self.turns.stop(self.session)
        elif self.lesson.busy:
            self.lesson.stop()
        else:
            self._lesson_work(self.lesson.take_over())

    async def _typed_over(self, character: str) -> None:
        if self.lesson is not None and not self.lesson.busy:
            await self.lesson.take_over()
            if self.lesson.away:
                self.composer.insert_text(character)

    def on_lesson_panel_typed(self, event: LessonPanel.Typed) -> None:
        self._lesson_work(self._typed_over(event.character))

    # ── what is shown ───────────────────────────────────────────────────────────────────────────

    def refresh_lesson(self) -> None:
        """Show where the lesson is."""
        from chatapp.tui.lesson.panel import LessonPanel

        lesson = self.lesson
        panels = self.query(LessonPanel)
        if lesson is None or not panels:
            return
        panel = panels.first()
        panel.show(lesson.player, progress=lesson.progress, error=lesson.error)
        if not lesson.busy:
            self.show_composer(lesson.away)
            if lesson.away:
                self.composer.focus()
            elif self.app.screen is self:
                panel.focus()
        self.refresh_keys()
        if lesson.player.phase == "ended" and not lesson.busy and not self._at_its_end:
            self._at_its_end = True
            self._dialog(self._last_page(lesson.player.play))

    def refresh_keys(self) -> None:
        if self.lesson is None or self.lesson.away or not self.is_mounted:
            super().refresh_keys()
            return
        from chatapp.tui.lesson.rows import keys

        self.query_one(KeyBar).show(keys(self.lesson.player), LAST)

    async def _last_page(self, play: Play) -> None:
        from chatapp.tui.screens.lesson_end import LessonEnd

        await self._hand_out(play)
        try:
            result = await self.app.push_screen_wait(LessonEnd(play, self.given.handout))
        finally:
            self._at_its_end = False
        if self.lesson is None or self.lesson.player.play is not play:
            return
        if result == "back":
            await self.lesson.back()
            return
        await self.leave_lesson()
        if result == "lessons" and self.given.lessons is not None:
            self.call_later(self.action_lesson)

    async def _hand_out(self, play: Play) -> None:
        """Write the hand-out, where one was asked for on the command line."""
        from chatapp.errors import ChatappError

        write, path = self.given.handout, self.given.handout_path
        if write is None or path is None:
            return
        try:
            await asyncio.to_thread(write, path, play)
        except ChatappError as error:
            self.say(words.one_line(str(error)), wrong=True)
        else:
            self.say(f"The hand-out is in {path}.")
