"""The ``chatapp`` command: what was typed is handed to one subcommand.

Exit status: 0 done, 1 a :class:`ChatappError` (one sentence on stderr), 2 wrong usage,
130 stopped with Ctrl+C, 141 the reader of our output went away.
"""

from __future__ import annotations

import argparse
import importlib
import io
import os
import sys
from collections.abc import Sequence

from chatapp import __version__
from chatapp.cli.options import add_home_option
from chatapp.cli.text import clean
from chatapp.errors import ChatappError

__all__ = ["main"]

#: Modules of ``chatapp.cli``, in the order of the help. Each is light to import: whatever a
#: subcommand needs, it imports when it runs.
COMMANDS = (
    "chat",
    "ask",
    "notes",
    "prove",
    "lesson",
    "transcripts",
    "export",
    "models",
    "doctor",
    "bench",
    "serve",
    "paths",
)

_EXAMPLES = """\
examples:
  chatapp                                   start the screen
  chatapp -m gemma-3-270m                   the same, with another model
  chatapp ask "What is a token?"            one answer on stdout
  chatapp notes add "I like tea."           saved, pasted into new sessions
  chatapp prove --all                       test the claims on the real model
  chatapp lesson                            demonstrations, one for each claim
  chatapp transcripts                       what is stored, if you chose so
  chatapp export training-set               what you agreed to let train
  chatapp models                            what is here, what can be fetched
  chatapp models info FILE                  what a GGUF file says of itself
  chatapp doctor                            is everything here in order?
  chatapp bench --quick                     how fast the model runs here
  chatapp serve                             the screen in a browser, for a class
  chatapp paths                             where everything lies
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line (without the program's name) and return the exit status."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that lacks a character shows "?"
    parser = _parser()
    args = parser.parse_args(_with_chat(list(sys.argv[1:] if argv is None else argv)))
    try:
        status: int = args.run(args)
        sys.stdout.flush()
    except ChatappError as error:
        print(f"chatapp: {clean(str(error))}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("chatapp: stopped.", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # Python flushes stdout once more at exit, and must not complain then.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="chatapp",
        description="A terminal chat on a local model that shows and proves what the model\n"
        "receives: the whole transcript, again on every turn, to a file of numbers that\n"
        "never changes. Without a command, it starts the screen.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"chatapp {__version__}")
    add_home_option(parser)
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name in COMMANDS:
        importlib.import_module(f"chatapp.cli.{name}").register(subparsers)
    return parser


def _with_chat(argv: list[str]) -> list[str]:
    """``chatapp`` alone, or followed by options, means ``chatapp chat``."""
    at = 0
    while at < len(argv) and argv[at].split("=")[0] == "--home":
        at += 1 if "=" in argv[at] else 2
    if at > len(argv):
        return argv  # --home without a folder: argparse says so
    rest = argv[at:]
    if not rest or (rest[0].startswith("-") and rest[0] not in ("-h", "--help", "--version")):
        return [*argv[:at], "chat", *rest]
    return argv


if __name__ == "__main__":
    sys.exit(main())
