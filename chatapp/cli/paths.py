"""``chatapp paths``: where everything lies."""

from __future__ import annotations

import argparse
import json

from chatapp.cli.options import add_command, home_of
from chatapp.cli.text import clean

__all__ = ["register", "run"]


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = add_command(
        subparsers,
        "paths",
        help="where everything lies",
        description="Print every folder and file that chatapp uses. Nothing is made or changed.",
        epilog="The home is --home, else $CHATAPP_HOME, else the nearest folder upwards holding\n"
        "both models/ and transcripts/, else your data folder.\n\n"
        "examples:\n  chatapp paths\n  chatapp --home ~/lesson paths --json\n",
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the paths; return 0."""
    home = home_of(args)
    paths = {
        "home": (home.root, f"({home.found})"),
        "models": (home.models, "frozen weights; chatting never writes here"),
        "transcripts": (home.transcripts, "what was said, if you choose to keep it"),
        "lessons": (home.lessons, "lessons of your own (chatapp lesson new NAME)"),
        "settings": (home.settings_file, ""),
        "notes": (home.notes_file, "what you saved to be pasted into new sessions"),
        "cache": (home.cache, "may be deleted at any time"),
        "logs": (home.logs, ""),
        "engine_log": (home.engine_log, "what the model process prints; never what was said"),
    }
    if args.json:
        print(json.dumps({name: str(path) for name, (path, _) in paths.items()}, indent=2))
        return 0
    for name, (path, meaning) in paths.items():
        there = "" if path.exists() else " - not there yet"
        print(f"{name.replace('_', ' '):<12}{clean(str(path))}{there}")
        if meaning:
            print(f"{'':<12}  {meaning}")
    return 0
