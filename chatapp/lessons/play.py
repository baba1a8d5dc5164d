"""What came of playing a lesson, as data: the last page, the JSON and the hand-out show this."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from chatapp.lessons.filling import fill
from chatapp.lessons.outcome import Outcome, digest
from chatapp.lessons.steps import Expect, Lesson, Option, Step
from chatapp.lessons.words import words_of
from chatapp.proofs.evidence import Check, Setting

SCHEMA: Final = 1
"""The version of the JSON form."""


@dataclass(slots=True)
class Guess:
    """A question, what was guessed (``None``: nothing), and what happened (``None``: not yet, or
    none of the options).
    """

    step: Expect
    guessed: Option | None = None
    happened: Option | None = None
    decided: bool = False

    @property
    def met(self) -> bool | None:
        """Whether the guess was right; ``None`` without a guess, or before it is decided."""
        if self.guessed is None or not self.decided:
            return None
        return self.happened is not None and self.guessed.id == self.happened.id


@dataclass(slots=True)
class Played:
    """A step that was taken. ``outcome`` is ``None`` for words alone. ``decides`` are the guesses
    that it decided. ``checks`` are its own, and one for each guess: what was expected happened.
    """

    step: Step
    outcome: Outcome | None = None
    guess: Guess | None = None
    decides: list[Guess] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)


@dataclass(slots=True)
class Play:
    """One time that a lesson is played. ``steps`` are those that were taken, in their order, those
    that were taken back left out: ``taken_back`` counts their requests, as what was sent was sent.
    ``taken_over`` counts how often the person went on alone in between.
    """

    lesson: Lesson
    setting: Setting | None = None
    started: str = ""
    seconds: float = 0.0
    finished: bool = False
    steps: list[Played] = field(default_factory=list)
    taken_back: int = 0
    taken_over: int = 0

    @property
    def guesses(self) -> list[Guess]:
        return [played.guess for played in self.steps if played.guess is not None]

    @property
    def checks(self) -> list[Check]:
        return [check for played in self.steps for check in played.checks]

    @property
    def held(self) -> bool:
        """Whether it was played to its end, and everything was as expected."""
        return self.finished and all(check.held for check in self.checks)

    @property
    def outcomes(self) -> Mapping[str, Outcome]:
        """By the names of their steps."""
        return {
            played.step.id: played.outcome
            for played in self.steps
            if played.step.id and played.outcome is not None
        }

    @property
    def bits(self) -> str:
        """One hash over everything that has to be the same when it is played again: prompts,
        answers, token counts, hashes of distributions, evidence, and whether checks held. No times,
        no guesses, no words of the lesson: it is the same in every language.
        """
        return digest(
            [
                [
                    played.step.number,
                    played.outcome.repeatable() if played.outcome else None,
                    [guess.happened.id if guess.happened else None for guess in played.decides],
                    [check.held for check in played.checks],
                ]
                for played in self.steps
            ]
        )

    def as_dict(self) -> dict[str, Any]:
        """The JSON form."""
        return {
            "schema": SCHEMA,
            "lesson": self.lesson.name,
            "title": self.lesson.title,
            "language": self.lesson.language,
            "held": self.held,
            "finished": self.finished,
            "bits": self.bits,
            "started": self.started,
            "seconds": round(self.seconds, 3),
            "taken_back": self.taken_back,
            "taken_over": self.taken_over,
            "setting": dataclasses.asdict(self.setting) if self.setting else None,
            "guesses": [_guess(guess) for guess in self.guesses],
            "steps": [self._played(played) for played in self.steps],
        }

    def says(self, step: Step) -> str:
        """The words of a step, with the numbers that are known by now. A note that holds one that
        is not is left out: it is said when the step is done.
        """
        main = getattr(step, step.kind) if step.kind in ("say", "expect", "summary") else ""
        return "\n\n".join(text for text in (self.filled(main), self.filled(step.note)) if text)

    def filled(self, text: str) -> str:
        """``text`` with its numbers, or nothing while one is not known."""
        return (fill(text, self.outcomes, words_of(self.lesson.language)) or "").strip()

    def _played(self, played: Played) -> dict[str, Any]:
        step = played.step
        return {
            "step": step.number,
            "id": step.id or None,
            "kind": step.kind,
            "says": self.says(step),
            "outcome": played.outcome.as_dict() if played.outcome else None,
            "checks": [dataclasses.asdict(check) for check in played.checks],
        }


def _guess(guess: Guess) -> dict[str, Any]:
    return {
        "step": guess.step.id or guess.step.number,
        "question": guess.step.expect,
        "options": {option.id: option.text for option in guess.step.options},
        "guessed": guess.guessed.id if guess.guessed else None,
        "happened": guess.happened.id if guess.happened else None,
        "met": guess.met,
    }
