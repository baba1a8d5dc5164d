"""Playing lessons from the command line: headless, and as plain text in the terminal."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from datetime import datetime

from chatapp.cli import lesson_text as text
from chatapp.cli.lesson_plain import play_plain
from chatapp.lessons.play import Play, Played
from chatapp.lessons.playing import play
from chatapp.lessons.steps import Lesson
from chatapp.lessons.words import Words, words_of
from chatapp.proofs.lab import Lab

__all__ = ["handout", "headless", "plain"]


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
    handout(args, plays)
    return 0 if all(one.held for one in plays) and same else 1


async def _headless(
    lessons: Sequence[Lesson], lab: Lab, *, twice: bool, quiet: bool
) -> tuple[list[Play], bool]:
    plays, same = [], True
    async with lab:
        await lab.engine.start()
        for lesson in lessons:
            words = words_of(lesson.language)

            def tell(played: Played, words: Words = words) -> None:
                line = text.told(played, words)
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
    """Play in the terminal, with questions on stdin: 0, whatever is guessed."""

    async def run() -> Play:
        async with lab:
            await lab.engine.start()
            return await play_plain(lesson, lab)

    one = asyncio.run(run())
    handout(args, [one])
    return 0


def handout(args: argparse.Namespace, plays: Sequence[Play]) -> None:
    """Write the hand-out, where one is asked for."""
    if args.handout and plays:
        from chatapp.lessons.handout import write_handout

        made = datetime.now().astimezone().strftime("%Y-%m-%d %H:%M")
        write_handout(args.handout, plays, made=made)
        print(f"The hand-out is in {args.handout}", file=sys.stderr)
