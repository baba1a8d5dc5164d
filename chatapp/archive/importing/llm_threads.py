"""The tables of ``llm`` since 0.32: a tree of messages, shared by all threads that hold them.

A thread points at the message at its end, a turn at the messages at the end of what was sent and of
what came back; each message points at the one before it. So a thread is the union of its chains.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

from chatapp.archive.importing.draft import Draft, moment, name_of
from chatapp.archive.importing.llm_tables import Tables, text
from chatapp.archive.importing.skipped import Tally
from chatapp.archive.records import ImportedSession
from chatapp.context.messages import Role

_ROLES: Final[dict[str, Role]] = {"system": "system", "user": "user", "assistant": "assistant"}
_TURN: Final = (
    "parent_message_hash",
    "tip_message_hash",
    "model",
    "resolved_model",
    "datetime_utc",
)


class Threads:
    """Reads ``threads``."""

    def __init__(self, tables: Tables, source: str, tally: Tally) -> None:
        self._tables = tables
        self._source = source
        self._tally = tally

    @staticmethod
    def are_in(tables: Tables) -> bool:
        return (
            tables.has("threads", "id", "tip_message_hash")
            and tables.has("turns", "id", "thread_id", *_TURN)
            and tables.has("messages", "hash", "parent_hash", "role")
            and tables.has("parts", "message_hash", "position", "type", "text", "payload")
        )

    def has(self, ident: Any) -> bool:
        """Whether there is a thread of this id."""
        return any(self._tables.rows("SELECT 1 FROM threads WHERE id = ?", ident))

    def said(self, ident: Any) -> set[tuple[Role, str]]:
        """Who said what in a thread."""
        draft, _ = self._draft(ident, self._tables.row("threads", _TURN[1:2], "id", ident))
        return draft.said()

    def sessions(self) -> Iterator[ImportedSession]:
        """All threads, oldest first."""
        self._tally.add("tool", self._tables.count("parts", "type IN ('tool_call', 'tool_result')"))
        self._tally.add("attachment", self._tables.count("parts", "type = 'attachment'"))
        self._tally.add("reasoning", self._tables.count("parts", "type = 'reasoning'"))
        self._tally.add(
            "role",
            self._tables.count(
                "messages",
                "role NOT IN ('system', 'user', 'assistant') AND EXISTS "
                "(SELECT 1 FROM parts WHERE message_hash = hash AND type = 'text')",
            ),
        )
        for (ident,) in self._tables.rows("SELECT id FROM threads ORDER BY id"):
            row = self._tables.row(
                "threads", ("tip_message_hash", "name", "datetime_utc"), "id", ident
            )
            draft, tip = self._draft(ident, row)
            found = draft.finish(
                source=self._source,
                kind="llm",
                ident=str(ident),
                title=row["name"],
                created=moment(row["datetime_utc"]),
                tip=tip,
            )
            if found is None:
                self._tally.add("nothing")
            else:
                yield found

    def _draft(self, ident: Any, thread: dict[str, Any]) -> tuple[Draft, int | None]:
        """The thread's messages, and the one at its end."""
        draft = Draft()
        places: dict[Any, int | None] = {None: None}
        turns = self._tables.rows(
            f"SELECT {', '.join(_TURN)} FROM turns WHERE thread_id = ? ORDER BY datetime_utc, id",
            ident,
        )
        for sent, tip, model, resolved, at in list(turns):
            created = moment(at)
            self._chain(draft, places, sent, created, None)
            self._chain(draft, places, tip, created, name_of(resolved) or name_of(model))
        end = thread["tip_message_hash"]
        self._chain(draft, places, end, None, None)
        return draft, places.get(end)

    def _chain(
        self,
        draft: Draft,
        places: dict[Any, int | None],
        tip: Any,
        created: str | None,
        model: str | None,
    ) -> None:
        """Add what is new on the way from a message back to the beginning.

        ``places`` holds, for each message that was seen, the nearest one that was kept.
        """
        chain: dict[Any, dict[str, Any]] = {}
        above = tip
        while above not in places and above not in chain:
            chain[above] = self._tables.row("messages", ("parent_hash", "role"), "hash", above)
            above = chain[above]["parent_hash"]
        at = places.get(above)
        for one, row in reversed(chain.items()):
            content = self._content(one)
            role = row["role"]
            if content and isinstance(role, str) and role in _ROLES:
                at = draft.add(_ROLES[role], content, at, created=created, model=model)
            places[one] = at

    def _content(self, message: Any) -> str:
        """The text of a message; its other parts are counted elsewhere."""
        parts = self._tables.rows(
            "SELECT text, payload FROM parts WHERE message_hash = ? AND type = 'text' "
            "ORDER BY position",
            message,
        )
        return "".join(
            text(own) if own is not None else self._referred(payload)
            for own, payload in list(parts)
        )

    def _referred(self, payload: Any) -> str:
        """The text of a part that is put together from stored texts and its own."""
        try:
            pieces = json.loads(text(payload) or "{}").get("text_ref")
        except (ValueError, AttributeError, RecursionError):
            return ""
        return "".join(map(self._piece, pieces if isinstance(pieces, list) else ()))

    def _piece(self, piece: Any) -> str:
        if not isinstance(piece, dict):
            return ""
        if "literal" in piece or not isinstance(piece.get("fragment"), int):
            return text(piece.get("literal"))
        if not self._tables.has("fragments", "id", "content"):
            return ""
        return text(self._tables.row("fragments", ("content",), "id", piece["fragment"])["content"])
