"""Which exports hold what, so that a withdrawal can say so, in words and in their folders."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from chatapp.archive.records import MANIFEST_FILE, WITHDRAWN_FILE
from chatapp.archive.store import Store

if TYPE_CHECKING:
    from sqlite_utils import Database

__all__ = ["Held", "adapters_on", "held_by", "not_agreed", "note", "warn", "withdrawn_of"]

_ADAPTER_FILE: Final = "provenance.json"
"""Beside an adapter: ``{"export_id": …, "sessions": […]}`` names what it was trained on."""


@dataclass(frozen=True, slots=True)
class Held:
    """An export in a folder that contains records of a session: ``records`` of them."""

    export: str
    at: str
    format: str
    folder: str
    records: int

    @property
    def there(self) -> bool:
        """Whether it still lies in the folder that it was written to."""
        return _json(Path(self.folder) / MANIFEST_FILE).get("export_id") == self.export


def note(db: Database, made: dict[str, Any], target: Path, records: Iterable[Any]) -> None:
    """Note an export, inside the transaction in which it comes about. ``records`` as in its file.

    The same records exported to two folders are two exports with one id.
    """
    name = made["export_id"]
    db.execute(
        "INSERT OR REPLACE INTO exports (id, folder, at, format, records) VALUES (?, ?, ?, ?, ?)",
        (name, str(target), made["created"], made["format"], made["counts"]["records"]),
    )
    db.conn.executemany(
        "INSERT OR IGNORE INTO exported (session, export, example, sha256) VALUES (?, ?, ?, ?)",
        ((one["session"], name, one["id"], one["content_sha256"]) for one in records),
    )


def held_by(store: Store, session: str) -> list[Held]:
    """The exports that contain something of a session, in their order; also of a deleted one."""
    with store.reading() as db:
        rows = db.execute(
            "SELECT x.id, x.at, x.format, x.folder, count(*) FROM exported e "
            "JOIN exports x ON x.id = e.export WHERE e.session = ? "
            "GROUP BY x.id, x.folder ORDER BY x.at, x.folder",
            (session,),
        ).fetchall()
    return [Held(*row) for row in rows]


def warn(store: Store, session: str) -> list[Path]:
    """Write into the folders that still hold an export of ``session`` that it was withdrawn; the
    folders that were told. A folder that cannot be written is listed by :func:`held_by` anyway."""
    told = []
    for one in held_by(store, session):
        path = Path(one.folder) / WITHDRAWN_FILE
        try:
            if not one.there:
                continue
            known = json.loads(path.read_text("utf-8")) if path.exists() else []
            path.write_text(json.dumps(sorted({*known, session})) + "\n", "utf-8")
        except (OSError, ValueError, TypeError):
            continue
        told.append(path.parent)
    return told


def withdrawn_of(store: Store, adapter: Path) -> str:
    """Whether the adapter in this folder (or of this file) rests on records whose consent has been
    withdrawn since, in a sentence; empty if it does not, or if it does not say what it rests on."""
    told = _json((adapter if adapter.is_dir() else adapter.parent) / _ADAPTER_FILE)
    named = told.get("sessions")
    sessions = [one for one in named if isinstance(one, str)] if isinstance(named, list) else []
    with store.reading() as db:
        gone = not_agreed(db, sessions)
    if not gone:
        return ""
    of = "one session" if gone == 1 else f"{gone} sessions"
    return f"It rests on records of {of} withdrawn since: chatapp models adapter retrain."


def not_agreed(db: Database, sessions: Iterable[str]) -> int:
    """How many of these sessions, deleted ones included, may not train now."""
    row = db.execute(
        "SELECT count(*) FROM json_each(?) AS asked LEFT JOIN sessions s ON s.id = asked.value "
        "WHERE s.state IS NOT 'training'",
        (json.dumps(sorted(set(sessions))),),
    ).fetchone()
    return int(row[0])


def adapters_on(folder: Path, exports: Iterable[str]) -> list[Path]:
    """The adapters in ``folder`` that were trained on one of these exports."""
    wanted = set(exports)
    return [
        path.parent
        for path in sorted(folder.glob(f"*/{_ADAPTER_FILE}"))
        if _json(path).get("export_id") in wanted
    ]


def _json(path: Path) -> dict[str, Any]:
    try:
        told = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}
