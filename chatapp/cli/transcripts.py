"""``chatapp transcripts``: what is stored by consent; found, shown, changed, deleted."""

from __future__ import annotations

import argparse
from argparse import SUPPRESS, ArgumentParser
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Final

from chatapp.cli.options import add_command

__all__ = ["register"]

_EPILOG: Final = """\
A session is off (nothing is stored; the default), kept (stored here), or kept + training (what you
mark in it may be exported). Sessions are named by their id or its beginning.

examples:
  chatapp transcripts                            the latest sessions
  chatapp transcripts search capital turkey      where something was said
  chatapp transcripts show 3f9a                  one session, as Markdown
  chatapp transcripts export 3f9a -o talk.html   the same as a file
  chatapp transcripts withdraw 3f9a              out of every later export
  chatapp transcripts delete 3f9a                gone from the disk
  chatapp transcripts import conversations.json  from ChatGPT, llm, or message JSONL
  chatapp transcripts review                     look at each example before it may leave
"""


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = add_command(
        subparsers,
        "transcripts",
        help="what is stored of your chats, if you chose so",
        description="List, search, show, change and delete what is stored. Nothing is stored "
        "unless you asked for it, and nothing here uses the network.",
        epilog=_EPILOG,
    )
    _listing(parser, SUPPRESS)
    parser.set_defaults(run=_run, act=("transcripts_list", "show_list"))
    actions = parser.add_subparsers(title="commands", metavar="COMMAND")

    def action(name: str, module: str, function: str, text: str) -> ArgumentParser:
        sub = add_command(actions, name, help=text, description=text[0].upper() + text[1:] + ".")
        sub.set_defaults(act=(module, function))
        return sub

    _listing(action("list", "transcripts_list", "show_list", "the sessions (default)"), SUPPRESS)
    search = action("search", "transcripts_list", "show_search", "where something was said")
    search.add_argument("words", metavar="WORD", nargs="+", help='words, or a "phrase"')
    search.add_argument("--limit", metavar="N", type=_count, default=20, help="at most (20)")
    search.add_argument("--json", action="store_true", help="print JSON")
    show = action("show", "transcripts_list", "show_session", "one session as Markdown")
    show.add_argument("id", metavar="ID")
    show.add_argument("--all-branches", action="store_true", help="edited and repeated ones too")
    show.add_argument("--json", action="store_true", help="print all of it as JSON")
    _changes(action)
    _files(action)


def _listing(parser: ArgumentParser, absent: object) -> None:
    parser.add_argument("--tag", metavar="TAG", default=absent, help="only those with this tag")
    parser.add_argument(
        "--state", choices=["kept", "training"], default=absent, help="only those in this state"
    )
    parser.add_argument("--limit", metavar="N", type=_count, default=absent, help="at most (50)")
    parser.add_argument("--json", action="store_true", default=absent, help="print JSON")


Action = Callable[[str, str, str, str], ArgumentParser]


def _changes(action: Action) -> None:
    rename = action("rename", "transcripts_change", "rename", "give a session another name")
    rename.add_argument("id", metavar="ID")
    rename.add_argument("name", metavar="NAME")
    tag = action("tag", "transcripts_change", "tag", "give a session these tags, and no others")
    tag.add_argument("id", metavar="ID")
    tag.add_argument("tags", metavar="TAG", nargs="*")
    consent = action(
        "consent", "transcripts_change", "consent", "what was agreed to, or agree to something else"
    )
    consent.add_argument("id", metavar="ID")
    consent.add_argument("state", nargs="?", choices=["off", "kept", "training"])
    consent.add_argument("--yes", action="store_true", help="do not ask")
    consent.add_argument("--json", action="store_true", help="print JSON")
    withdraw = action(
        "withdraw",
        "transcripts_change",
        "withdraw",
        "take a session out of every later export, and say which ones hold it",
    )
    withdraw.add_argument("id", metavar="ID", help="also of a session that was deleted")
    withdraw.add_argument("--json", action="store_true", help="print JSON")
    delete = action("delete", "transcripts_change", "delete", "delete sessions from the disk")
    delete.add_argument("ids", metavar="ID", nargs="+")
    delete.add_argument("--yes", action="store_true", help="do not ask")


def _files(action: Action) -> None:
    export = action("export", "transcripts_files", "export", "write sessions for people to read")
    export.add_argument("ids", metavar="ID", nargs="*", help="sessions (or --all)")
    export.add_argument("--all", action="store_true", help="every stored session")
    export.add_argument("--format", choices=["markdown", "json", "html"], help="default: markdown")
    export.add_argument("--all-branches", action="store_true", help="edited and repeated ones too")
    export.add_argument("-o", "--output", metavar="PATH", type=Path, help="a file or a folder")
    take = action("import", "transcripts_files", "take", "read conversations from elsewhere")
    take.add_argument("file", metavar="FILE", type=Path)
    take.add_argument("--kind", choices=["openai", "chatgpt", "llm"], help="default: as it looks")
    review = action("review", "review", "review", "look at each example before it may leave")
    review.add_argument("--list", action="store_true", help="only list where each stands")
    review.add_argument("--again", action="store_true", help="also those that were looked at")
    review.add_argument("--json", action="store_true", help="list them as JSON")
    action("check", "transcripts_files", "check", "see whether the store is in order")


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


def _run(args: argparse.Namespace) -> int:
    module, function = args.act
    status: int = getattr(import_module(f"chatapp.cli.{module}"), function)(args)
    return status
