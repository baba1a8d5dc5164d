"""Lessons as text for a terminal: the course, a step, what came of it."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TextIO

from chatapp.cli.text import clean
from chatapp.lessons.library import Lessons
from chatapp.lessons.play import Play, Played
from chatapp.lessons.steps import Lesson
from chatapp.lessons.words import Words
from chatapp.proofs.evidence import Check

__all__ = [
    "checked",
    "last_page",
    "listing",
    "note_untranslated",
    "told",
    "verdict",
    "wrapped",
]

_WIDTH = 79


def listing(lessons: Lessons, language: str) -> str:
    """The course in its order, with the minutes that each lesson takes."""
    found, errors = lessons.course(language)
    wide = max((len(lesson.name) for lesson in found), default=0)
    lines = ["Lessons, in the order of the course. Each is played on the real model.", ""]
    for lesson in found:
        own = "  (yours)" if lessons.is_own(lesson.name) else ""
        lines.append(f"{lesson.name:<{wide}}  {lesson.minutes:>2} min  {lesson.title}{own}")
        lines += wrapped(lesson.about, " " * (wide + 10))
    minutes = sum(lesson.minutes for lesson in found)
    lines += ["", f"{len(found)} lessons, {minutes} minutes. Play one: chatapp lesson NAME"]
    lines += [line for error in errors for line in ("", *wrapped(f"Not playable: {error}", ""))]
    return clean("\n".join(lines))


def note_untranslated(lessons: Sequence[Lesson], language: str, out: TextIO) -> None:
    """Say once what is English where another language was asked for."""
    missing = [lesson.name for lesson in lessons if lesson.untranslated]
    if missing:
        names = ", ".join(missing)
        print(f"chatapp: not all of this is translated ({language}): {names}", file=out)


def wrapped(text: str, indent: str) -> list[str]:
    """Paragraphs, wrapped; an empty line stays one."""
    lines: list[str] = []
    for paragraph in text.strip().split("\n\n"):
        lines += [
            "",
            *textwrap.wrap(paragraph, _WIDTH, initial_indent=indent, subsequent_indent=indent),
        ]
    return lines[1:]


def checked(check: Check, words: Words, indent: str = "    ") -> list[str]:
    """A check in a line or two: what had to be, and whether it was."""
    lines = wrapped(f"{'✓' if check.held else '✗'} {check.says}", indent)
    if not check.held:
        found = check.found if len(check.found) < 200 else check.found[:200] + "…"
        lines += wrapped(f"  {words('expected')}: {check.expected}", indent)
        lines += wrapped(f"  {words('found')}: {found}", indent)
    return lines


def told(played: Played, words: Words) -> str:
    """One step of a headless play: what was sent, what came, and its checks."""
    outcome = played.outcome
    if outcome is None:
        return ""
    lines = []
    if outcome.prompt:
        lines += wrapped(f"> {outcome.prompt}", "  ")
        lines += wrapped(outcome.text.strip() or words("nothing"), "    ")
    for check in played.checks:
        lines += checked(check, words)
    return clean("\n".join(lines))


def verdict(play: Play, words: Words) -> str:
    """The verdict on a play, in a line."""
    missed = sum(not check.held for check in play.checks)
    state = words("held") if play.held else words("failed")
    return clean(
        f"{'✓' if play.held else '✗'} {play.lesson.name}: {state}  "
        f"({len(play.checks) - missed}/{len(play.checks)}, {play.seconds:.1f} s, {play.bits[:16]})"
    )


def last_page(play: Play, words: Words) -> str:
    """What was guessed, and what happened."""
    lines = [f"── {words('guesses')} ──"] if play.guesses else []
    for guess in play.guesses:
        guessed = guess.guessed.text if guess.guessed else words("no-guess")
        open_ = words("none" if guess.decided else "open")
        happened = guess.happened.text if guess.happened else open_
        mark = {True: "✓", False: "✗", None: "·"}[guess.met]
        lines += ["", *wrapped(f"{mark} {guess.step.expect}", "")]
        lines += wrapped(f"{words('guessed')}: {guessed}", "    ")
        lines += wrapped(f"{words('happened')}: {happened}", "    ")
    return clean("\n".join(lines))
