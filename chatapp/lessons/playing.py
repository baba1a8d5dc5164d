"""A headless play, from the first step to the last."""

from __future__ import annotations

from collections.abc import Callable

from chatapp.lessons.headless import HeadlessStage
from chatapp.lessons.play import Play, Played
from chatapp.lessons.player import Player
from chatapp.lessons.steps import Lesson
from chatapp.proofs.lab import Lab


async def play(
    lesson: Lesson, lab: Lab, told: Callable[[Played], None] = lambda played: None
) -> Play:
    """Play to the end without guessing. ``told`` is called with each step that was taken.

    Processes that the lesson started are gone afterwards, but for the lab's own. Raises
    ``ChatappError`` if a step cannot be done.
    """
    player = Player(lesson, HeadlessStage(lab))
    try:
        await player.begin()
        seen = 0
        while player.phase != "ended":
            await player.next()
            for played in player.play.steps[seen:]:
                told(played)
            seen = len(player.play.steps)
        return player.play
    finally:
        await lab.close(but=lab.engine)
