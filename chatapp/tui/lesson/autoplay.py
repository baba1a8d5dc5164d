"""A lesson that plays by itself, for recordings: it reads, guesses the first option, goes on."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Final

from textual.widgets import Static

from chatapp.tui.given import Autoplay
from chatapp.tui.lesson.playing import LessonPlaying

if TYPE_CHECKING:
    from chatapp.tui.screens.lesson_actions import LessonActions

__all__ = ["autoplay", "reading"]

_WORDS: Final = 3.5
"""Words that are read in a second."""
_LEAST, _MOST, _VIEW, _END = 1.5, 10.0, 4.0, 6.0


def reading(text: str) -> float:
    """Seconds that it takes to read ``text``."""
    return min(max(len(text.split()) / _WORDS, _LEAST), _MOST)


async def autoplay(screen: LessonActions, lesson: LessonPlaying, how: Autoplay) -> None:
    """Play to the last page, write its picture, and end the program: status 0 if it was reached."""
    player, failures = lesson.player, 0
    while player.phase != "ended" and failures < 3:
        text = str(screen.query_one("#lesson-text", Static).content)
        await asyncio.sleep(how.pace * reading(text))
        if screen.app.screen is not screen:
            await asyncio.sleep(how.pace * _VIEW)
        if player.asking:
            await lesson.guess(1)
            await asyncio.sleep(how.pace * _LEAST)
        lesson.stage.close_views()
        await lesson.next()
        failures = failures + 1 if lesson.error else 0
    await asyncio.sleep(0.5 + how.pace * _END)
    if how.still is not None:
        from chatapp.tui.picture import read

        if (seen := read(screen.app)) is not None:
            await asyncio.to_thread(_write, how.still, seen.draw())
    screen.app.exit(return_code=0 if player.phase == "ended" else 1)


def _write(path: os.PathLike[str], svg: str) -> None:
    with open(path, "w", encoding="utf-8") as file:
        file.write(svg)
