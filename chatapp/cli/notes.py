"""``chatapp notes``: what is pasted into the system prompt of each new session."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING

from chatapp.cli.options import add_command, home_of
from chatapp.cli.text import clean

if TYPE_CHECKING:
    from pathlib import Path

    from chatapp.sources.notes import Notes

__all__ = ["register"]


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = add_command(
        subparsers,
        "notes",
        help="saved notes: text pasted into each new session",
        description="A list of notes of your own. Switched on, it is pasted into the system prompt "
        "of each new session of the screen. The weights stay the same file. Nothing is added "
        "to it but by you.",
        epilog="examples:\n"
        '  chatapp notes add "My dog is called Biscuit."\n'
        "  chatapp notes on\n"
        '  chatapp ask --notes "What is my dog called?"\n'
        "  chatapp notes remove 1\n",
    )
    actions = parser.add_subparsers(metavar="ACTION", dest="action")
    showing = actions.add_parser("list", help="what is saved (the default)")
    adding = actions.add_parser("add", help="save one more note")
    adding.add_argument("text", metavar="TEXT")
    removing = actions.add_parser("remove", help="delete a note by its number")
    removing.add_argument("number", metavar="N", type=int)
    actions.add_parser("on", help="paste them into each new session")
    actions.add_parser("off", help="paste nothing (as at first)")
    for one in (parser, showing):
        one.add_argument("--json", action="store_true", default=False, help="print JSON instead")
    parser.set_defaults(run=_command)


def _command(args: argparse.Namespace) -> int:
    from dataclasses import replace

    from chatapp.sources.notes import load_notes, save_notes

    path = home_of(args).notes_file
    notes = before = load_notes(path)
    if args.action == "add":
        notes = notes.with_note(args.text)
    elif args.action == "remove":
        notes = notes.without(args.number)
    elif args.action in ("on", "off"):
        notes = replace(notes, on=args.action == "on")
    if notes != before:
        save_notes(path, notes)
    if args.json:
        print(json.dumps({"on": notes.on, "notes": list(notes.texts), "file": str(path)}, indent=2))
    else:
        _show(notes, path)
    return 0


def _show(notes: Notes, path: Path) -> None:
    from chatapp.sources.notes import PASTED

    if not notes.texts:
        print('No notes are saved. chatapp notes add "…" saves one.')
    for number, text in enumerate(notes.texts, 1):
        print(f"{number:>3}  {clean(text)}")
    print(f"\n{'on' if notes.on else 'off'}: ", end="")
    print(PASTED if notes.on else "nothing is pasted. chatapp notes on changes that.")
    if path.exists():
        print(f"The file: {clean(str(path))}")
