"""Whether the steps of a lesson fit together: names, references, and values that exist."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from chatapp.errors import LessonError
from chatapp.lessons.bringing import check_notes, place_of
from chatapp.lessons.checks import TEXTS, Check
from chatapp.lessons.filling import PLACE
from chatapp.lessons.outcome import VALUES
from chatapp.lessons.steps import (
    AnotherPerson,
    Ask,
    Attach,
    Correct,
    Expect,
    Lesson,
    NewSession,
    Prove,
    Raw,
    Retrieve,
    SavedNotes,
    Say,
    Settings,
    Show,
    Step,
    Summary,
    SwitchTo,
)
from chatapp.proofs.experiments import EXPERIMENTS
from chatapp.proofs.facts import built_in

_ANSWERS: Final = (Ask, Correct, Raw)


def check_wiring(lesson: Lesson) -> None:
    """Raises :class:`LessonError` for the first thing that does not fit."""
    places: dict[str, int] = {}
    for place, step in enumerate(lesson.steps):
        if step.id and step.id in places:
            raise LessonError(f"{_where(lesson, step)}: another step is called {step.id} too.")
        if step.id:
            places[step.id] = place
    sessions = {"first"}
    for place, step in enumerate(lesson.steps):
        where = _where(lesson, step)
        match step:
            case NewSession() | AnotherPerson():
                name = step.new_session if isinstance(step, NewSession) else step.another_person
                if name in sessions:
                    raise LessonError(f"{where}: a session called {name} is open already.")
                sessions.add(name)
            case SwitchTo() if step.switch not in sessions:
                raise LessonError(f"{where}: no session called {step.switch} is open here.")
            case Settings():
                if not step.given():
                    raise LessonError(f"{where}: nothing is set.")
            case Prove():
                _proves(step, where)
            case Attach():
                place_of(lesson, step.attach, where, folder=False)
                _goes(lesson, place, where)
            case Retrieve():
                place_of(lesson, step.retrieve, where, folder=True)
                _goes(lesson, place, where)
            case SavedNotes():
                check_notes(step.notes, where)
            case Correct():
                _earlier(lesson, step.of, place, places, where, "of", (Ask, Correct))
            case Expect():
                _expects(lesson, step, place, places, where)
            case Summary() if place + 1 != len(lesson.steps):
                raise LessonError(f"{where}: a summary must be the last step.")
            case _:
                pass
        for check in step.checks:
            _checks(lesson, check, step, place, places, where)
        _numbers(lesson, step, place, places, where)


def _where(lesson: Lesson, step: Step) -> str:
    name = f" ({step.id})" if step.id else ""
    return f"{lesson.source}, step {step.number}{name}"


def _goes(lesson: Lesson, place: int, where: str) -> None:
    """Whether what is attached goes with a message of the session that it is attached in."""
    for step in lesson.steps[place + 1 :]:
        if isinstance(step, Ask):
            return
        if isinstance(step, (NewSession, AnotherPerson, SwitchTo, Correct, Raw)):
            break
    raise LessonError(f"{where}: an 'ask' in the same session must follow, to send it.")


def _proves(step: Prove, where: str) -> None:
    if step.prove not in EXPERIMENTS:
        known = ", ".join(EXPERIMENTS)
        raise LessonError(
            f"{where}: there is no experiment called {step.prove}; there are: {known}."
        )
    known_facts = [fact.id for fact in built_in().every]
    for name in step.facts:
        if name not in known_facts:
            raise LessonError(
                f"{where}: there is no fact called {name}; there are: {', '.join(known_facts)}."
            )


def _earlier(
    lesson: Lesson,
    name: str,
    place: int,
    places: Mapping[str, int],
    where: str,
    key: str,
    kinds: tuple[type[object], ...] | None = None,
) -> Step:
    if name not in places:
        raise LessonError(f"{where}: '{key}' names {name!r}, and no step is called that.")
    if places[name] >= place:
        raise LessonError(f"{where}: '{key}' must name an earlier step, and {name} comes later.")
    step = lesson.steps[places[name]]
    if kinds is not None and not isinstance(step, kinds):
        raise LessonError(f"{where}: '{key}' must name a step that is answered, and {name} is not.")
    return step


def _expects(
    lesson: Lesson, step: Expect, place: int, places: Mapping[str, int], where: str
) -> None:
    ids = [option.id for option in step.options]
    if len(set(ids)) != len(ids):
        raise LessonError(f"{where}: two options have the same id.")
    if step.expected not in ids:
        raise LessonError(
            f"{where}: 'expected' must be the id of an option; there are: {', '.join(ids)}."
        )
    if step.at not in places:
        raise LessonError(f"{where}: 'at' names {step.at!r}, and no step is called that.")
    if places[step.at] <= place:
        raise LessonError(
            f"{where}: 'at' must name a later step; a guess is asked before the answer."
        )
    decides = lesson.steps[places[step.at]]
    if not _values(decides):
        raise LessonError(f"{where}: nothing comes of the step {step.at} that could decide.")
    for number, option in enumerate(step.options, 1):
        here = f"{where}, option {number}"
        if not option.when and number < len(step.options):
            raise LessonError(f"{here}: only the last option may be without 'when'.")
        for check in option.when:
            _checks(lesson, check, decides, places[step.at], places, here)


def _checks(
    lesson: Lesson, check: Check, step: Step, place: int, places: Mapping[str, int], where: str
) -> None:
    looked = step
    if check.at and check.at != step.id:
        looked = _earlier(lesson, check.at, place, places, where, "at")
    _names(check, looked, where)
    if check.kind in ("same", "other") or (
        check.kind in ("more", "less") and isinstance(check.than, str)
    ):
        other = _earlier(lesson, str(check.than), place, places, where, "than")
        _names(check, other, where)


def _numbers(lesson: Lesson, step: Step, place: int, places: Mapping[str, int], where: str) -> None:
    """Whether the numbers in a step's words come of a step that is done by then."""
    main = getattr(step, step.kind) if isinstance(step, (Say, Expect, Summary)) else ""
    texts = [(main, place - 1), (step.note, place)]
    if isinstance(step, Expect):
        texts += [(option.text, place) for option in step.options]
        texts += [(option.after, places[step.at]) for option in step.options]
    for text, until in texts:
        for name, value in PLACE.findall(text):
            if name not in places or places[name] > until:
                raise LessonError(f"{where}: {{{name}.{value}}} is not known by then.")
            if value not in _values(lesson.steps[places[name]]):
                known = ", ".join(_values(lesson.steps[places[name]]))
                raise LessonError(f"{where}: {{{name}.{value}}}: there are: {known}.")


def _names(check: Check, step: Step, where: str) -> None:
    """Whether what the check looks at comes of ``step``."""
    known: Sequence[str] = _values(step)
    named = step.id or f"step {step.number}"
    if not known:
        raise LessonError(f"{where}: nothing comes of {named} that could be checked.")
    if check.kind in ("contains", "lacks"):
        if not isinstance(step, _ANSWERS):
            raise LessonError(f"{where}: {named} has no answer that words could stand in.")
        return
    if check.kind == "held":
        if not isinstance(step, Prove):
            raise LessonError(f"{where}: 'held' is for a step that proves, and {named} does not.")
        return
    texts = TEXTS if isinstance(step, _ANSWERS) else ("logits",) if "probe" in known else ()
    if isinstance(step, Show) and step.show == "next-token":
        texts = ("logits",)
    measured = ("p_right", "p_wrong")
    if check.what in measured and getattr(step, "measure", None) is None:
        raise LessonError(f"{where}: {named} needs a 'measure' for '{check.what}' to be known.")
    allowed = (*(texts if check.kind in ("same", "other") else ()), *known)
    if check.what not in allowed:
        raise LessonError(
            f"{where}: '{check.kind}' must name one of: {', '.join(allowed)} (at {named})."
        )


def _values(step: Step) -> Sequence[str]:
    return VALUES.get(step.show if isinstance(step, Show) else step.kind, ())
