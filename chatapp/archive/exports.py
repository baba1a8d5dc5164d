"""An export from the store: what may leave now, written, and noted with what it held.

Consent is looked at three times: when a record is read, when the last one was, and when the export
is noted. A session that was withdrawn in between is in no export that stays.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

from sqlite_utils import Database

from chatapp.archive import reviews
from chatapp.archive.exporting import Exported, Item, export
from chatapp.archive.exporting import Review as Told
from chatapp.archive.exporting.folder import MANIFEST_FILE, WITHDRAWN_FILE
from chatapp.archive.exporting.records import RECORDS_FILE
from chatapp.archive.records import now
from chatapp.archive.redaction import redact_example
from chatapp.archive.review import apply, stale
from chatapp.archive.store import Store
from chatapp.errors import ExportError

__all__ = ["ADAPTER_FILE", "Held", "adapters_on", "held_by", "run", "warn", "withdrawn_of"]

ADAPTER_FILE: Final = "provenance.json"
"""Beside an adapter: ``{"export_id": …, "sessions": […]}`` names what it was trained on."""


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
    db.execute("CREATE TEMP TABLE IF NOT EXISTS asked (id TEXT PRIMARY KEY)")
    db.conn.execute("DELETE FROM asked")
    db.conn.executemany("INSERT INTO asked VALUES (?)", ((one,) for one in sessions))
    left = db.execute(
        "SELECT count(*) FROM asked LEFT JOIN sessions s ON s.id = asked.id "
        "WHERE s.state IS NOT 'training'"
    ).fetchone()[0]
    if left:
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
            _note(db, made, target, map(json.loads, lines))
            yield
            there = True
    except BaseException:
        if there:  # in its place, but not noted: then it must not be there
            shutil.rmtree(target, ignore_errors=True)
        raise


def _note(db: Database, made: dict[str, Any], target: Path, records: Iterable[Any]) -> None:
    name = made["export_id"]
    db.execute("DELETE FROM exports WHERE id = ?", (name,))
    db.execute(
        "INSERT INTO exports (id, at, format, folder, records) VALUES (?, ?, ?, ?, ?)",
        (name, made["created"], made["format"], str(target), made["counts"]["records"]),
    )
    db.conn.executemany(
        "INSERT INTO exported (session, export, example, sha256) VALUES (?, ?, ?, ?)",
        ((one["session"], name, one["id"], one["content_sha256"]) for one in records),
    )


@dataclass(frozen=True, slots=True)
class Held:
    """An export that contains records of a session: ``records`` of them."""

    export: str
    at: str
    format: str
    folder: str
    records: int


def held_by(store: Store, session: str) -> list[Held]:
    """The exports that contain something of a session, in their order; also of a deleted one."""
    with store.reading() as db:
        rows = db.execute(
            "SELECT x.id, x.at, x.format, x.folder, count(*) FROM exported e "
            "JOIN exports x ON x.id = e.export WHERE e.session = ? GROUP BY x.id ORDER BY x.at",
            (session,),
        ).fetchall()
    return [Held(*row) for row in rows]


def warn(held: Iterable[Held], session: str) -> list[Path]:
    """Write into the folders that still hold an export of ``session`` that it was withdrawn, so
    that no fine-tuning job takes them; the folders that were told."""
    told = []
    for one in held:
        folder = Path(one.folder)
        path = folder / WITHDRAWN_FILE
        try:
            manifest = json.loads((folder / MANIFEST_FILE).read_text("utf-8"))
            if manifest.get("export_id") != one.export:
                continue  # another export stands in its place
            known = json.loads(path.read_text("utf-8")) if path.exists() else []
            path.write_text(json.dumps(sorted({*known, session})) + "\n", "utf-8")
        except (OSError, ValueError, TypeError, AttributeError):
            continue  # gone, or not to be written: it is listed all the same
        told.append(folder)
    return told


def withdrawn_of(store: Store, adapter: Path) -> str:
    """Whether the adapter in this folder (or of this file) rests on records whose consent has been
    withdrawn since, in a sentence; empty if it does not, or if it does not say what it rests on."""
    told = _provenance(adapter if adapter.is_dir() else adapter.parent)
    names = {name for name in told.get("sessions", ()) if isinstance(name, str)}
    with store.reading() as db:
        agreed = {
            row[0]
            for row in db.execute("SELECT id FROM sessions WHERE state = 'training'").fetchall()
        }
    gone = len(names - agreed)
    if not gone:
        return ""
    of = "one session" if gone == 1 else f"{gone} sessions"
    return f"It rests on records of {of} withdrawn since: chatapp models adapter retrain."


def _provenance(folder: Path) -> dict[str, Any]:
    try:
        told = json.loads((folder / ADAPTER_FILE).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}


def adapters_on(folder: Path, exports: Iterable[str]) -> list[Path]:
    """The adapters in ``folder`` that were trained on one of these exports."""
    wanted = set(exports)
    return [
        path.parent
        for path in sorted(folder.glob(f"*/{ADAPTER_FILE}"))
        if _provenance(path.parent).get("export_id") in wanted
    ]
