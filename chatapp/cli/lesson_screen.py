"""A lesson on the screen: played by a person, or by itself and recorded."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from chatapp.cli.options import open_home, settings_from
from chatapp.cli.showing import audience_of, showing_from
from chatapp.cli.terminal import need_terminal
from chatapp.errors import ShowingError

if TYPE_CHECKING:
    from chatapp.lessons.steps import Lesson

__all__ = ["child_of", "play"]


def play(args: argparse.Namespace, lesson: Lesson, language: str) -> int:
    """Start the screen with this lesson; with ``--record``, in a terminal of its own."""
    if args.record is not None and not args.in_recording:
        return _record(args, lesson)
    from chatapp.cli.chat import Wiring, leave_no_core
    from chatapp.cli.first_run import ensure_model
    from chatapp.tui.app import run
    from chatapp.tui.given import Autoplay

    home, settings = open_home(args)
    settings = showing_from(args, settings_from(args, settings))
    # A lesson looks into the model: a server, if one is set, is left aside.
    settings = replace(settings, server=None)
    alone = args.autoplay or args.still is not None
    way = "--record FILE.cast" if alone else "--headless"  # which makes a terminal of its own
    need_terminal(f"Without one: chatapp lesson {lesson.name} {way}")
    model = str(ensure_model(home, settings, args.model))
    leave_no_core()
    given = Wiring(home, settings).given(model)
    return run(
        replace(
            given,
            play=lesson,
            language=language,
            handout_path=args.handout,
            audience=audience_of(args),
            autoplay=Autoplay(args.pace, args.still) if alone else None,
        )
    )


def _record(args: argparse.Namespace, lesson: Lesson) -> int:
    from chatapp.showing.recorder import record

    columns, lines = args.size

    def told(seconds: float) -> None:
        print(f"\r{lesson.name}: {seconds:.0f} s recorded", end="", file=sys.stderr, flush=True)

    command = child_of(sys.argv[1:])
    status = record(command, args.record, size=(columns, lines), title=lesson.title, told=told)
    print(file=sys.stderr)
    if status != 0:
        raise ShowingError(f"The lesson did not reach its end; what was seen is in {args.record}.")
    print(f"Written: {args.record}. Look at it: asciinema play {args.record}")
    if args.still is not None:
        print(f"Written: {args.still}")
    return 0


def child_of(argv: Sequence[str]) -> list[str]:
    """The command that plays alone what ``argv`` asked to record."""
    return [sys.executable, "-m", "chatapp.cli.main", *argv, "--autoplay", "--in-recording"]
