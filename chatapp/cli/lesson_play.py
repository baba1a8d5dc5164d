"""Playing lessons from the command line: headless, and as plain text in the terminal."""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Sequence

from chatapp.cli import lesson_text as text
from chatapp.errors import ChatappError
from chatapp.lessons.play import Play, Played
from chatapp.lessons.playing import play
from chatapp.lessons.steps import Lesson
from chatapp.lessons.words import words_of
from chatapp.proofs.lab import Lab

__all__ = ["headless", "plain"]


def headless(args: argparse.Namespace, lessons: Sequence[Lesson], lab: Lab) -> int:
    """Play to the end, and print what was checked: 0 if all was as expected, 1 if not."""
    plays, same = asyncio.run(_headless(lessons, lab, twice=args.twice, quiet=args.json))
    if args.json:
        found = {
            "held": all(one.held for one in plays),
            "lessons": [one.as_dict() for one in plays],
        }
        if args.twice:
            found["same_bits"] = same
        print(json.dumps(found, ensure_ascii=False, indent=1))
    return 0 if all(one.held for one in plays) and same else 1


async def _headless(
    lessons: Sequence[Lesson], lab: Lab, *, twice: bool, quiet: bool
) -> tuple[list[Play], bool]:
    plays, same = [], True
    async with lab:
        await lab.engine.start()
        for lesson in lessons:
            words = words_of(lesson.language)

            def tell(played: Played, words: object = words) -> None:
                line = text.told(played, words)  # type: ignore[arg-type]
                if line and not quiet:
                    print(line, flush=True)

            one = await play(lesson, lab, tell)
            plays.append(one)
            if not quiet:
                print(text.verdict(one, words), flush=True)
            if twice:
                again = await play(lesson, lab)
                same = same and again.bits == one.bits
                if not quiet:
                    says = "same-bits" if again.bits == one.bits else "other-bits"
                    print(f"  {words(says)}", flush=True)
    return plays, same


def plain(args: argparse.Namespace, lesson: Lesson, lab: Lab) -> int:
    """Play in the terminal, with questions on stdin."""
    raise ChatappError("Not yet: add --headless.")
