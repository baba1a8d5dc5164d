"""Options of commands that show the screen to others."""

from __future__ import annotations

import argparse
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chatapp.home.settings import AppSettings
    from chatapp.showing.access import Door

__all__ = ["add_showing_options", "audience_of", "showing_from"]


def add_showing_options(parser: argparse.ArgumentParser) -> None:
    """``--presenter`` and ``--audience``."""
    group = parser.add_argument_group("showing it to others")
    group.add_argument(
        "--presenter",
        action=argparse.BooleanOptionalAction,
        help="for a projector: few panels, much air, high contrast",
    )
    group.add_argument(
        "--audience",
        metavar="PORT",
        nargs="?",
        const=0,
        type=_port,
        help="a link for a browser on this machine: the same screen as large as its window, "
        "to look at only (a free port, if none is named)",
    )


def _port(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise argparse.ArgumentTypeError("must be a port, 1 to 65535")
    return int(text)


def audience_of(args: argparse.Namespace) -> Door | None:
    """The door of the audience's view, if it was asked for; its link is printed.

    Raises ``ShowingError`` if the port is taken.
    """
    if args.audience is None:
        return None
    from chatapp.showing.access import Door

    door = Door.open(args.audience)
    print(f"The audience's view, in a browser on this machine: {door.link}", flush=True)
    return door


def showing_from(args: argparse.Namespace, settings: AppSettings) -> AppSettings:
    """The settings with what was given on this command line laid over them."""
    if args.presenter is None:
        return settings
    return replace(settings, presenter=args.presenter)
