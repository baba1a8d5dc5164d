"""A new lesson to begin with, in the person's own folder."""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path

from chatapp.errors import LessonError
from chatapp.lessons.steps import NAME


def write_scaffold(folder: Path, name: str) -> Path:
    """Write a small lesson that can be played as it is. Raises :class:`LessonError`."""
    if not re.fullmatch(NAME.pattern, name) or name == "new":
        raise LessonError(f"A lesson must be called {NAME.allowed}, and {name!r} is not.")
    path = folder / f"{name}.toml"
    text = resources.files("chatapp.lessons").joinpath("scaffold.toml").read_text("utf-8")
    if path.exists():
        raise LessonError(f"{path} is there already; nothing was written.")
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise LessonError(f"{path} cannot be written: {error.strerror}.") from None
    return path
