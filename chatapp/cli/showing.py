"""Options of commands that show the screen to others."""

from __future__ import annotations

import argparse
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chatapp.home.settings import AppSettings

__all__ = ["add_showing_options", "showing_from"]


def add_showing_options(parser: argparse.ArgumentParser) -> None:
    """``--presenter``."""
    group = parser.add_argument_group("showing it to others")
    group.add_argument(
        "--presenter",
        action=argparse.BooleanOptionalAction,
        help="for a projector: few panels, much air, high contrast",
    )


def showing_from(args: argparse.Namespace, settings: AppSettings) -> AppSettings:
    """The settings with what was given on this command line laid over them."""
    if args.presenter is None:
        return settings
    return replace(settings, presenter=args.presenter)
