"""An export from the store: what may leave now, written, and noted with what it held.

Consent is looked at three times: when a record is read, when the last one was, and when the export
is noted. A session that was withdrawn in between is in no export that stays.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final

from sqlite_utils import Database

from chatapp.archive import reviews
from chatapp.archive.exporting import Exported, Item, export
from chatapp.archive.exporting import Review as Told
from chatapp.archive.exporting.records import RECORDS_FILE
from chatapp.archive.held import not_agreed, note
from chatapp.archive.records import now
from chatapp.archive.redaction import redact_example
from chatapp.archive.review import apply, stale
from chatapp.archive.store import Store
from chatapp.errors import ExportError

__all__ = ["run"]


def run(
    store: Store,
    target: Path,
    *,
    sessions: Sequence[str] = (),
    unreviewed: bool = False,
    progress: Callable[[int, int | None], None] | None = None,
    **how: Any,
) -> Exported:
    """Export what was marked in sessions that are *kept + training*, or in those named of them.

    ``unreviewed`` lets out what nobody has reviewed, redacted as the rules do it. ``how`` goes to
    :func:`chatapp.archive.exporting.export`: format, container, split, replace.
    Raises :class:`ExportError` or :class:`StoreError`; then no export is left.
    """
    seen: set[str] = set()
    items = _watched(store, _items(store, sessions, unreviewed), seen)
    return export(
        items,
        target,
        unreviewed=unreviewed,
        progress=progress,
        total=reviews.count(store, sessions),
        at=now(),
        moving=partial(_noted, store, seen, target.absolute()),
        **how,
    )


ASKS: Final = "its right answer would be redacted: it has to be reviewed"


def _items(store: Store, sessions: Sequence[str], unreviewed: bool) -> Iterator[Item]:
    for example, review in reviews.reviewed(store, sessions):
        if review is not None and not stale(example, review):
            content = apply(example, review)
            told: Told = {
                "decision": review.decision,
                "at": review.at,
                "redactor": review.redactor,
            }
            yield example, example.content() if content is None else content, told
        elif unreviewed:
            redacted = redact_example(example)
            yield example, redacted.after, ASKS if redacted.answer_hit else None
        else:
            yield example, example.content(), None


def _watched(store: Store, items: Iterable[Item], seen: set[str]) -> Iterator[Item]:
    """The items; behind the last one it is seen to that nothing was withdrawn meanwhile."""
    for item in items:
        seen.add(item[0].session)
        yield item
    with store.reading() as db:
        _all_agreed(db, seen)


def _all_agreed(db: Database, sessions: Iterable[str]) -> None:
    if not_agreed(db, sessions):
        raise ExportError(
            "Consent was withdrawn for a session while it was being exported. No export is left; "
            "export again."
        )


@contextmanager
def _noted(
    store: Store, seen: set[str], target: Path, folder: Path, made: dict[str, Any]
) -> Iterator[None]:
    """Note which records of which sessions the export holds, in one step with its coming about."""
    there = False
    try:
        with store.writing() as db, (folder / RECORDS_FILE).open("rb") as lines:
            _all_agreed(db, seen)
            note(db, made, target, map(json.loads, lines))
            yield
            there = True
    except BaseException:
        if there:  # in its place, but not noted: then it must not be there
            shutil.rmtree(target, ignore_errors=True)
        raise
