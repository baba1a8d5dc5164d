"""Stored sessions on the terminal: listed, searched, shown."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from chatapp.cli.store import as_dict, opened, print_json
from chatapp.cli.text import clean

if TYPE_CHECKING:
    from chatapp.archive.records import SessionInfo

__all__ = ["show_list", "show_search", "show_session"]

_ID = 8
"""Characters of an id that are printed: enough to name one among many thousands."""


def show_list(args: argparse.Namespace) -> int:
    """The sessions, the last changed first."""
    from chatapp.archive import sessions

    limit = getattr(args, "limit", 50)
    with opened(args) as store:
        if store is None:
            return 0
        found = sessions.listed(
            store,
            limit=limit,
            tag=getattr(args, "tag", None),
            state=getattr(args, "state", None),
        )
        total = sessions.count(store)
    if getattr(args, "json", False):
        print_json([as_dict(info) for info in found])
        return 0
    if not found:
        print("No stored session is like that." if total else "No session is stored.")
    for line in _lines(found):
        print(line)
    if len(found) == limit < total:
        print(f"… of {total:,}; --limit shows more")
    return 0


def _lines(found: Iterable[SessionInfo]) -> Iterable[str]:
    for info in found:
        state = "training" if info.state == "training" else "kept"
        tags = "".join(f" #{tag}" for tag in info.tags)
        yield clean(
            f"{info.id[:_ID]}  {when(info.changed)}  {state:<8}  {info.messages:>5}  "
            f"{_one_line(info.title) or '(nothing said)'}{tags}"
        )


def when(at: str) -> str:
    """A stored time as the clock here shows it."""
    try:
        moment = datetime.fromisoformat(at)
    except ValueError:
        return at[:16].ljust(16)
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return moment.astimezone().strftime("%Y-%m-%d %H:%M")


def _one_line(text: str, most: int = 60) -> str:
    line = " ".join(clean(text).split())
    return line if len(line) <= most else line[: most - 1] + "…"


def show_search(args: argparse.Namespace) -> int:
    """Messages that hold the words; status 1 if there is none, as grep has it."""
    from chatapp.archive.search import CLOSE, OPEN, search

    with opened(args) as store:
        hits = search(store, " ".join(args.words), limit=args.limit) if store else []
        if store is None:
            return 1
    if args.json:
        plain = str.maketrans("", "", OPEN + CLOSE)
        print_json([{**as_dict(hit), "snippet": hit.snippet.translate(plain)} for hit in hits])
        return 0 if hits else 1
    bold = sys.stdout.isatty()
    for hit in hits:
        title = _one_line(hit.session.title, 40)
        print(clean(f"{hit.session.id[:_ID]}  {when(hit.created)}  {title}"))
        text = " ".join(hit.snippet.split())
        head, *rest = text.split(OPEN)
        parts = [clean(head)]
        for part in rest:
            word, _, after = part.partition(CLOSE)
            parts.append((f"\x1b[1m{clean(word)}\x1b[0m" if bold else clean(word)) + clean(after))
        print(f"          {hit.role}: {''.join(parts)}")
    if not hits:
        print("Nothing stored holds these words.")
        return 1
    return 0


def show_session(args: argparse.Namespace) -> int:
    """One session as Markdown, or all of it as JSON."""
    from chatapp.archive import sessions
    from chatapp.archive.reading import render

    with opened(args) as store:
        if store is None:
            return 1
        session = sessions.load(store, sessions.find(store, args.id).id)
    for piece in render(
        session, "json" if args.json else "markdown", all_branches=args.all_branches
    ):
        sys.stdout.write(piece if args.json else clean(piece))
    return 0
