"""Stored sessions as files for people, conversations from elsewhere, and the store's health."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from chatapp.cli.options import open_home
from chatapp.cli.status import Status
from chatapp.cli.store import opened
from chatapp.cli.text import clean
from chatapp.errors import ArchiveError, ExportError

if TYPE_CHECKING:
    from chatapp.archive.reading import Format
    from chatapp.archive.records import StoredSession
    from chatapp.archive.store import Store

__all__ = ["check", "export", "take"]


def export(args: argparse.Namespace) -> int:
    """Write sessions as Markdown, JSON or HTML: one into a file, several into a folder."""
    from chatapp.archive import sessions

    if bool(args.ids) == args.all:
        raise ArchiveError("Name the sessions to write, or say --all.")
    with opened(args) as store:
        if store is None:
            return 1
        names = [sessions.find(store, name).id for name in args.ids]
        if len(names) == 1 and not (args.output and args.output.is_dir()):
            _write_one(args, sessions.load(store, names[0]))
            return 0
        _write_many(args, store, names)
    return 0


def _format(args: argparse.Namespace) -> Format:
    """The format that was named, or the one that a file's name asks for."""
    from chatapp.keeping.saving import format_of

    if args.format:
        chosen: Format = args.format
        return chosen
    return format_of(args.output) if args.output and args.output.suffix else "markdown"


def _write_one(args: argparse.Namespace, session: StoredSession) -> None:
    if args.output is None:
        from chatapp.archive.reading import render

        for piece in render(session, _format(args), all_branches=args.all_branches):
            sys.stdout.write(clean(piece))
        return
    if args.output.exists():
        raise ExportError(f"{args.output} is there already; name another file.")
    _save(args, session, args.output, _format(args))
    print(clean(f"Written: {args.output}"))


def _save(args: argparse.Namespace, session: StoredSession, path: Path, form: Format) -> None:
    from chatapp.keeping.saving import save

    save(session, path, format=form, all_branches=args.all_branches)


def _write_many(args: argparse.Namespace, store: Store, names: list[str]) -> None:
    from chatapp.archive import sessions
    from chatapp.archive.reading import SUFFIXES
    from chatapp.archive.sessions import Place

    if args.output is None:
        raise ArchiveError("Say where to: -o FOLDER.")
    try:
        args.output.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ExportError(f"{args.output} cannot be made: {error.strerror}.") from error
    form: Format = args.format or "markdown"
    total = len(names) or sessions.count(store)

    def all_names() -> Iterator[str]:
        after = None
        while page := sessions.listed(store, after=after):
            yield from (info.id for info in page)
            after = Place(page[-1].changed, page[-1].id)

    written = 0
    with Status(sys.stderr) as status:
        for name in names or all_names():
            session = sessions.load(store, name)
            words = re.sub(r"[^\w]+", "-", session.info.title.casefold()).strip("-")[:40]
            path = args.output / f"{name[:8]}-{words or 'session'}{SUFFIXES[form]}"
            _save(args, session, path, form)
            written += 1
            status("Writing", written, total)
    print(clean(f"Written: {written:,} sessions in {args.output}"))


def take(args: argparse.Namespace) -> int:
    """Import conversations: kept, never training, until somebody says so."""
    from chatapp.archive.imported import Imported, put
    from chatapp.archive.importing import read
    from chatapp.archive.store import NAME, Store

    reading = read(args.file, args.kind)
    home, _ = open_home(args)
    with Store(home.transcripts / NAME) as store, Status(sys.stderr) as status:

        def progress(done: Imported) -> None:
            status(f"Reading {reading.words}: {done.added + done.known:,} conversations", 0, 0)

        done = put(store, reading, progress)
    print(
        f"Imported {done.added:,} sessions with {done.messages:,} messages. They are kept on this "
        "machine; none may train until you say so."
    )
    if done.known:
        print(f"{done.known:,} were here already and stay as they are.")
    if done.grown:
        print(
            f"{done.grown:,} of them have gone on at their source since: delete those here to read "
            "them whole."
        )
    for skipped in reading.skipped:
        print(clean(skipped.sentence))
    return 0


def check(args: argparse.Namespace) -> int:
    """SQLite's own check of the whole file."""
    with opened(args) as store:
        if store is None:
            return 0
        problems = store.check()
        path = store.path
    for problem in problems[:20]:
        print(clean(problem))
    print(clean(f"{path}: {'in order' if not problems else 'damaged'}"))
    return 1 if problems else 0
