"""``chatapp transcripts review``: each example before and after redaction, and a decision."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chatapp.cli.store import opened, print_json
from chatapp.cli.text import clean
from chatapp.errors import ArchiveError

if TYPE_CHECKING:
    from chatapp.archive.records import Example
    from chatapp.archive.redaction import Redacted
    from chatapp.archive.review import Review
    from chatapp.archive.store import Store

__all__ = ["review"]

_ASK = "[a]pprove as redacted · [e]dit · [s]kip, it does not leave · [l]ater · [q]uit: "


def review(args: argparse.Namespace) -> int:
    """Go through what waits; on no terminal, list where each example stands."""
    with opened(args, writing=True) as store:
        if store is None:
            return 0
        if args.list or args.json or not sys.stdin.isatty():
            return _list(store, args.json)
        return _go_through(store, again=args.again)


def _list(store: Store, as_json: bool) -> int:
    from chatapp.archive import reviews

    rows: list[dict[str, Any]] = []
    for example, found in reviews.reviewed(store):
        rows.append(
            {
                "id": example.id,
                "session": example.session,
                "turn": example.turn,
                "kind": example.kind,
                "stands": _stands(example, found),
                "text": example.right or example.chosen or example.rejected or "",
            }
        )
    if as_json:
        print_json(rows)
        return 0
    for row in rows:
        text = " ".join(clean(str(row["text"])).split())[:50]
        print(f"{row['id'][:8]}  {row['stands']:<9}  {row['kind']:<10}  {text}")
    if not rows:
        print("Nothing to review: no session that is kept + training holds a marked reply.")
    return 0


def _stands(example: Example, found: Review | None) -> str:
    from chatapp.archive.review import stale

    if found is None:
        return "waits"
    return "changed" if stale(example, found) else found.decision


def _go_through(store: Store, *, again: bool) -> int:
    from chatapp.archive import reviews
    from chatapp.archive.review import look
    from chatapp.archive.review_text import lines

    if again:
        examples = [example for example, _ in reviews.reviewed(store)]
    else:
        examples = list(reviews.waiting(store))
    done: Counter[str] = Counter()
    for number, example in enumerate(examples, 1):
        shown = look(example)
        print(
            f"\n── {number} of {len(examples)}: {example.kind}, session {example.session[:8]}, ",
            end="",
        )
        print(f"turn {example.turn} ──")
        for line in lines(shown):
            print(line)
        decided = _ask(example, shown, store.path.parent)
        if decided == "quit":
            break
        if isinstance(decided, str):
            continue
        reviews.put(store, decided)
        done[decided.decision] += 1
    told = ", ".join(f"{count} {word}" for word, count in done.items()) or "nothing decided"
    left = len(examples) - sum(done.values())
    print(f"\n{told}; {left} left. Only what was approved or edited can be exported.")
    return 0


def _ask(example: Example, shown: Redacted, folder: Path) -> Review | str:
    from chatapp.archive.review import decide

    while True:
        try:
            answer = input(_ASK).strip().casefold()[:1]
        except EOFError:
            return "quit"
        try:
            if answer == "a":
                return decide(example, "approved")
            if answer == "s":
                return decide(example, "skipped")
            if answer == "e":
                return decide(example, "edited", _edited(shown.after, folder))
        except ArchiveError as error:
            print(clean(str(error)))
        if answer in ("q", "l"):
            return "quit" if answer == "q" else "later"


def _edited(content: dict[str, Any], folder: Path) -> dict[str, Any]:
    """The content as the person leaves it in their editor, or with another right answer."""
    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR")
    if not editor:
        print("(No $EDITOR is set: only the right answer can be changed here.)")
        return {**content, "chosen": input("right answer: ")}
    # Beside the store, private, and gone again: nowhere else on the disk.
    handle, name = tempfile.mkstemp(suffix=".json", prefix=".review-", dir=folder)
    path = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(content, file, indent=2, ensure_ascii=False)
        subprocess.run([*shlex.split(editor), name], check=True)
        found: dict[str, Any] = json.loads(path.read_text("utf-8"))
        return found
    except (OSError, subprocess.CalledProcessError) as error:
        raise ArchiveError(f"The editor {editor!r} failed: {error}.") from error
    except ValueError as error:
        raise ArchiveError(f"What the editor left is not valid JSON: {error}.") from error
    finally:
        path.unlink(missing_ok=True)
