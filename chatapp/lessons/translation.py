"""A lesson's words in another language: a file beside it, ``NAME.de.toml``, with the same keys.

Prompts are not translated: what is sent to the model is part of what was measured.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, replace
from typing import Any, Final

from chatapp.errors import LessonError
from chatapp.lessons.steps import Expect, Lesson, Option, Step

_OPTION: Final = "option"


def words(lesson: Lesson) -> dict[str, str]:
    """All words that are shown, by their keys: ``title``, ``guess.expect``,
    ``guess.option.old.text``. A step's keys begin with its id, or with its number.
    """
    found = dict(_words_of(lesson, ""))
    for step in lesson.steps:
        name = _name(step)
        found |= dict(_words_of(step, f"{name}."))
        if isinstance(step, Expect):
            for option in step.options:
                found |= dict(_words_of(option, f"{name}.{_OPTION}.{option.id}."))
    return found


def translated(lesson: Lesson, table: Mapping[str, Any], language: str, where: str) -> Lesson:
    """The lesson with the words of ``table``; what it lacks stays English, and is named in
    ``untranslated``. Raises :class:`LessonError` for a key that the lesson does not have.
    """
    known, given = words(lesson), dict(_flat(table, "", where))
    for key in given:
        if key not in known:
            raise LessonError(f"{where}: the lesson has no words called {key!r}.")

    def turned(thing: Any, begin: str) -> dict[str, Any]:
        keys = {f.name: begin + f.name.replace("_", "-") for f in fields(thing)}
        return {name: given[key] for name, key in keys.items() if key in given}

    steps = []
    for step in lesson.steps:
        name = _name(step)
        if isinstance(step, Expect):
            options = tuple(
                replace(option, **turned(option, f"{name}.{_OPTION}.{option.id}."))
                for option in step.options
            )
            step = replace(step, options=options)
        steps.append(replace(step, **turned(step, f"{name}.")))
    return replace(
        lesson,
        **turned(lesson, ""),
        steps=tuple(steps),
        language=language,
        untranslated=tuple(key for key in known if key not in given),
    )


def _name(step: Step) -> str:
    return step.id or f"step-{step.number}"


def _words_of(thing: Lesson | Step | Option, begin: str) -> Iterator[tuple[str, str]]:
    for field in fields(thing):
        text = getattr(thing, field.name)
        if field.metadata.get("words") and text:
            yield begin + field.name.replace("_", "-"), text


def _flat(table: Mapping[str, Any], begin: str, where: str) -> Iterator[tuple[str, str]]:
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{begin}{key}.", where)
        elif isinstance(value, str) and value.strip():
            yield begin + key, value
        else:
            raise LessonError(f"{where}: {begin + key!r} must be a text that is not empty.")
