"""Which lessons there are: those of the course, and those in the person's own folder."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Final

from chatapp.errors import LessonError
from chatapp.lessons.reading import parse, read_lesson, read_text
from chatapp.lessons.steps import Lesson
from chatapp.lessons.translation import translated
from chatapp.lessons.words import ENGLISH

COURSE: Final = Path(str(resources.files("chatapp.lessons").joinpath("course")))
_LANGUAGE: Final = re.compile(r"[a-z]{2,3}")


@dataclass(frozen=True)
class Lessons:
    """``own`` is the person's folder; it may be missing. A lesson in it that is called like one of
    the course takes its place.
    """

    own: Path | None = None

    @cached_property
    def files(self) -> Mapping[str, Path]:
        """The lessons' files, by name."""
        found: dict[str, Path] = {}
        for folder in (COURSE, self.own):
            if folder is not None and folder.is_dir():
                found |= {
                    path.name.removesuffix(".toml"): path
                    for path in sorted(folder.glob("*.toml"))
                    if "." not in path.name.removesuffix(".toml")
                }
        return found

    def is_own(self, name: str) -> bool:
        """Whether this one is the person's own."""
        return self.files[name].parent != COURSE

    def languages(self, name: str) -> list[str]:
        """The languages that a lesson can be played in."""
        path = self.files[name]
        found = (other.name.split(".")[1] for other in path.parent.glob(f"{name}.*.toml"))
        return [ENGLISH, *sorted(code for code in found if _LANGUAGE.fullmatch(code))]

    def lesson(self, name: str, language: str = ENGLISH) -> Lesson:
        """The lesson of this name, in this language as far as it is translated.

        Raises :class:`LessonError` if there is none, or its file is not right.
        """
        if name not in self.files:
            known = ", ".join(self.files)
            raise LessonError(f"There is no lesson called {name}. There are: {known}.")
        path = self.files[name]
        where = str(path) if self.is_own(name) else path.name
        lesson = read_lesson(read_text(path), name, where, path.parent)
        if language == ENGLISH:
            return lesson
        other = path.with_name(f"{name}.{language}.toml")
        if not _LANGUAGE.fullmatch(language) or not other.exists():
            return translated(lesson, {}, ENGLISH, path.name)
        return translated(lesson, parse(read_text(other), other.name), language, other.name)

    def course(self, language: str = ENGLISH) -> tuple[list[Lesson], list[LessonError]]:
        """All lessons in the order of the course, and what is wrong with those that are not."""
        lessons, errors = [], []
        for name in self.files:
            try:
                lessons.append(self.lesson(name, language))
            except LessonError as error:
                errors.append(error)
        return sorted(lessons, key=lambda one: (one.place, one.name)), errors
