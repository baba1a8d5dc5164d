"""Playing a lesson: a plain state machine. What it does, it does on a :class:`Stage`."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Literal

from chatapp.errors import ChatappError
from chatapp.lessons.acting import acts, take
from chatapp.lessons.checks import look
from chatapp.lessons.play import Guess, Play, Played
from chatapp.lessons.stage import Stage
from chatapp.lessons.steps import Expect, Lesson, Option, Step
from chatapp.lessons.words import words_of
from chatapp.proofs.evidence import Check

Phase = Literal["new", "ready", "acting", "done", "away", "ended"]
"""``new``: :meth:`Player.begin` was not called. ``ready``: the step is shown, and what it does is
not done yet. ``done``: it is, and its outcome can be shown. ``away``: the person took over.
``ended``: the last page."""


class Player:
    """``phase`` tells where it is, ``step`` which step is shown, ``play`` what came so far.

    A step that says something is done when :meth:`next` goes past it; one that does something is
    done by one ``next``, shows what came of it, and is gone past by another.
    """

    def __init__(self, lesson: Lesson, stage: Stage) -> None:
        self.lesson = lesson
        self.stage = stage
        self.words = words_of(lesson.language)
        self.phase: Phase = "new"
        self.at = 0
        self.play = Play(lesson)
        self._before: list[object] = []
        """How everything stood before each step that was reached."""
        self._aside: tuple[Phase, object] | None = None
        self._broken = False
        """A step broke off, and what it left is not put back yet."""
        self._clock = 0.0

    # ── what there is to show ───────────────────────────────────────────────────────────────────

    @property
    def step(self) -> Step:
        """The step that is shown (the last one, at the end)."""
        return self.lesson.steps[self.at]

    @property
    def played(self) -> Played | None:
        """What came of the step that is shown, once it is done."""
        last = self.play.steps[-1] if self.play.steps else None
        return last if last is not None and last.step is self.step else None

    @property
    def asking(self) -> bool:
        """Whether a guess is awaited. :meth:`next` goes on without one."""
        return self.phase == "ready" and isinstance(self.step, Expect)

    @property
    def can_go_back(self) -> bool:
        return self.phase in ("done", "ended") or (self.phase == "ready" and self.at > 0)

    # ── going on, and back ──────────────────────────────────────────────────────────────────────

    async def begin(self) -> None:
        """Set the stage: a fresh session with the lesson's settings. May be called again."""
        await self.stage.begin(self.lesson.start)
        self.play = Play(self.lesson, started=datetime.now(UTC).isoformat(timespec="seconds"))
        self.play.setting = await self.stage.lab.setting()
        self._clock = time.monotonic()
        self.at, self.phase, self._broken = 0, "ready", False
        self._before = [self.stage.snapshot()]

    async def next(self) -> None:
        """One step on: do what the step does, or go to the next one.

        Raises ``ChatappError`` if it cannot be done; all is then as before, and it may be tried
        again.
        """
        if self.phase == "away":
            await self.resume()
        elif self.phase == "ready" and acts(self.step):
            await self._act()
        elif self.phase == "ready":
            self._note(Played(self.step, guess=self._guess(None)))
            self._go_on()
        elif self.phase == "done":
            self._go_on()

    def guess(self, option: str) -> None:
        """Guess the option of this id; the answer is not shown yet. Then :meth:`next`."""
        if not self.asking or not isinstance(self.step, Expect):
            raise ChatappError("Nothing is asked here.")
        chosen = next((one for one in self.step.options if one.id == option), None)
        if chosen is None:
            raise ChatappError(f"There is no option {option!r} here.")
        self._note(Played(self.step, guess=self._guess(chosen)))
        self.phase = "done"

    async def back(self) -> None:
        """One step back: what it did is undone, and the sessions stand as before it."""
        if not self.can_go_back:
            return
        undo_here = self.phase == "done"
        if self.phase != "ended" and not undo_here:
            self.at -= 1
        await self.stage.restore(self._before[self.at])
        del self._before[self.at + 1 :]
        for played in [one for one in self.play.steps if one.step.number >= self.step.number]:
            self.play.steps.remove(played)
            self.play.taken_back += bool(played.outcome and played.outcome.prompt)
            for guess in played.decides:
                guess.happened, guess.decided = None, False
        self.play.finished = False
        self.phase, self._broken = "ready", False

    async def take_over(self) -> None:
        """From here the person goes on alone, until :meth:`resume`."""
        if self.phase not in ("ready", "done"):
            raise ChatappError("The lesson can be left between two steps only.")
        self._aside = (self.phase, self.stage.snapshot())
        self.play.taken_over += 1
        self.phase = "away"

    async def resume(self) -> None:
        """Back to the lesson: everything stands as it did when the person took over."""
        if self._aside is None:
            raise ChatappError("The lesson was not left.")
        phase, snapshot = self._aside
        await self.stage.restore(snapshot)
        self.phase, self._aside = phase, None

    # ── inside ──────────────────────────────────────────────────────────────────────────────────

    async def _act(self) -> None:
        step = self.step
        if self._broken:
            await self.stage.restore(self._before[self.at])
        self.phase, self._broken = "acting", True
        try:
            outcome = await take(step, self.stage, self.play)
        except ChatappError:
            await self.stage.restore(self._before[self.at])
            self._broken = False
            raise
        finally:
            self.phase = "ready"
        self._broken = False
        played = Played(step, outcome)
        others = {**self.play.outcomes, **({step.id: outcome} if step.id else {})}
        played.checks = [look(check, outcome, others, self.words) for check in step.checks]
        for guess in self.play.guesses:
            if guess.step.at == step.id:
                guess.decided = True
                guess.happened = next(
                    (
                        option
                        for option in guess.step.options
                        if all(look(c, outcome, others, self.words).held for c in option.when)
                    ),
                    None,
                )
                played.decides.append(guess)
                played.checks.append(self._as_expected(guess))
        self._note(played)
        self.phase = "done"

    def _as_expected(self, guess: Guess) -> Check:
        expected = next(one for one in guess.step.options if one.id == guess.step.expected)
        found = guess.happened.text if guess.happened else self.words("none")
        return Check(
            says=self.words("check-expected", question=guess.step.expect, option=expected.text),
            held=guess.happened is expected,
            expected=expected.text,
            found=found,
        )

    def _guess(self, chosen: Option | None) -> Guess | None:
        return Guess(self.step, chosen) if isinstance(self.step, Expect) else None

    def _note(self, played: Played) -> None:
        self.play.steps.append(played)

    def _go_on(self) -> None:
        self.play.seconds = time.monotonic() - self._clock
        if self.at + 1 == len(self.lesson.steps):
            self.phase, self.play.finished = "ended", True
            return
        self.at += 1
        self.phase = "ready"
        self._before[self.at :] = [self.stage.snapshot()]
