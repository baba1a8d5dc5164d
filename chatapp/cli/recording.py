"""Options of ``chatapp lesson`` for recordings: a lesson that plays by itself."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

__all__ = ["SIZE", "add_recording_options"]

SIZE = (100, 30)
_SIZE = re.compile(r"(\d{2,3})x(\d{2,3})")


def add_recording_options(parser: argparse.ArgumentParser) -> None:
    """``--autoplay``, ``--record``, ``--still``, ``--size``, ``--pace``."""
    group = parser.add_argument_group("recording it")
    group.add_argument(
        "--record",
        metavar="FILE",
        type=Path,
        help="play it by itself in a terminal of its own, recorded for asciinema (a .cast file)",
    )
    group.add_argument(
        "--still",
        metavar="FILE",
        type=Path,
        help="a picture (SVG) of its last page; plays by itself",
    )
    group.add_argument(
        "--autoplay", action="store_true", help="play by itself: it guesses the first option"
    )
    # Said to the lesson that is being recorded, in its own terminal.
    group.add_argument("--in-recording", action="store_true", help=argparse.SUPPRESS)
    group.add_argument(
        "--size",
        metavar="WxH",
        type=_size,
        default=SIZE,
        help="columns and lines of what is recorded (100x30)",
    )
    group.add_argument(
        "--pace",
        metavar="N",
        type=_pace,
        default=1.0,
        help="how long it waits while playing by itself (1: time to read, 0: none)",
    )


def _size(text: str) -> tuple[int, int]:
    found = _SIZE.fullmatch(text)
    if found is None or not (20 <= int(found[1]) <= 400 and 8 <= int(found[2]) <= 200):
        raise argparse.ArgumentTypeError("must be columns x lines, such as 100x30")
    return int(found[1]), int(found[2])


def _pace(text: str) -> float:
    try:
        pace = float(text)
    except ValueError:
        pace = -1.0
    if not 0 <= pace <= 10:
        raise argparse.ArgumentTypeError("must be a number, 0 to 10")
    return pace
