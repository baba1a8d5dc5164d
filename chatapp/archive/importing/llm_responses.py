"""The tables of ``llm`` before 0.32: each row is a prompt and the response to it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

from chatapp.archive.importing.draft import Draft, moment, name_of
from chatapp.archive.importing.llm_tables import Tables, text
from chatapp.archive.importing.skipped import Tally
from chatapp.archive.records import ImportedSession

if TYPE_CHECKING:
    from chatapp.archive.importing.llm_threads import Threads

_COLUMNS: Final = ("id", "prompt", "system", "response", "model", "resolved_model", "datetime_utc")
_NEEDED: Final = ("id", "prompt", "response", "model", "datetime_utc")


class Responses:
    """Reads ``responses`` (a conversation has an id) or ``logs`` (it has that of its first row)."""

    def __init__(self, tables: Tables, table: str, source: str, tally: Tally) -> None:
        self._tables = tables
        self._table = table
        self._source = source
        self._tally = tally
        self._of = "conversation_id" if table == "responses" else "chat_id"

    @staticmethod
    def are_in(tables: Tables) -> bool:
        return tables.has("responses", *_NEEDED, "conversation_id")

    @staticmethod
    def old_are_in(tables: Tables) -> bool:
        return tables.has("logs", *_NEEDED, "chat_id")

    def sessions(self, threads: Threads | None) -> Iterator[ImportedSession]:
        """Conversations in the order of their ids, which is that of time.

        One that also stands among the ``threads``, with all that was said in it, is left to them.
        """
        self._count()
        order = self._tables.rows(
            f'SELECT coalesce("{self._of}", id), rowid FROM "{self._table}" '
            "ORDER BY 1, datetime_utc, rowid"
        )
        for ident, rows in groupby(order, key=lambda row: row[0]):
            draft = self._draft([rowid for _, rowid in rows])
            kind = "llm" if self._table == "responses" else "llm logs"
            if threads and kind == "llm" and threads.has(ident):
                if draft.said() <= threads.said(ident):
                    self._tally.add("twice")
                    continue
                kind = "llm responses"  # the thread lacks some of it: both are worth having
            found = draft.finish(
                source=self._source, kind=kind, ident=str(ident), title=self._name(ident)
            )
            if found is None:
                self._tally.add("nothing")
            else:
                yield found

    def _draft(self, rows: list[Any]) -> Draft:
        draft = Draft()
        at: int | None = None
        before = ""
        for rowid in rows:
            row = self._tables.row(self._table, _COLUMNS, "rowid", rowid)
            created = moment(row["datetime_utc"])
            system = "\n\n".join(
                self._fragments("system_fragments", row, row["system"], strip=True)
            )
            if system and system != before:
                at = draft.add("system", system, at, created=created)
                before = system
            prompt = "\n".join(self._fragments("prompt_fragments", row, row["prompt"]))
            if prompt:
                at = draft.add("user", prompt, at, created=created)
            if text(row["response"]):
                model = name_of(row["resolved_model"]) or name_of(row["model"])
                at = draft.add("assistant", row["response"], at, created=created, model=model)
        return draft

    def _fragments(
        self, table: str, row: dict[str, Any], own: Any, *, strip: bool = False
    ) -> list[str]:
        """The stored texts that this row begins with, as they were sent, and its own text."""
        texts: list[str] = []
        if self._table == "responses" and self._tables.has(table) and self._tables.has("fragments"):
            found = self._tables.rows(
                f'SELECT fragments.content FROM "{table}" JOIN fragments ON fragments.id = '
                'fragment_id WHERE response_id = ? ORDER BY "order"',
                row["id"],
            )
            texts = [text(content) for (content,) in found]
        texts.append(text(own))
        if strip:
            texts = [each.strip() for each in texts]
        return [each for each in texts if each]

    def _name(self, ident: Any) -> Any:
        if self._table != "responses" or not self._tables.has("conversations", "id", "name"):
            return None
        return self._tables.row("conversations", ("name",), "id", ident)["name"]

    def _count(self) -> None:
        """What is never read. It is counted for the file, not while its conversations are read."""
        if self._table != "responses":
            return
        self._tally.add("tool", self._tables.count("tool_calls"))
        self._tally.add("tool", self._tables.count("tool_results"))
        self._tally.add("attachment", self._tables.count("prompt_attachments"))
        if self._tables.has("responses", "reasoning"):
            self._tally.add("reasoning", self._tables.count("responses", "reasoning != ''"))
