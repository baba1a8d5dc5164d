"""``chatapp chat``: the screen."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from chatapp.cli.options import add_command, add_model_options, open_home, settings_from

if TYPE_CHECKING:
    from chatapp.home.paths import Home
    from chatapp.home.settings import AppSettings

__all__ = ["register", "run"]


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = add_command(
        subparsers,
        "chat",
        help="start the screen (the same as chatapp alone)",
        description="Start the screen. The first start fetches the default model.",
        epilog="examples:\n"
        "  chatapp chat\n"
        "  chatapp chat -m ~/Downloads/some-model.gguf --temperature 0.7\n"
        "  chatapp chat --server http://127.0.0.1:8080/v1\n",
    )
    add_model_options(parser)
    parser.set_defaults(run=_command)


def _command(args: argparse.Namespace) -> int:
    home, settings = open_home(args)
    return run(args, home, settings_from(args, settings))


def run(args: argparse.Namespace, home: Home, settings: AppSettings) -> int:
    """Start the screen with these settings; return the exit status."""
    from chatapp.tui.app import run as run_screen

    return run_screen(args, home, settings)
