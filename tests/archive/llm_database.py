"""``logs.db`` as ``llm`` makes it: the tables of its releases, and rows as it writes them."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

# llm 0.4: one table; chat_id names the first row of a conversation.
LOGS = """
CREATE TABLE "logs" ("id" INTEGER PRIMARY KEY, "model" TEXT, "prompt" TEXT, "system" TEXT,
  "prompt_json" TEXT, "options_json" TEXT, "response" TEXT, "response_json" TEXT,
  "reply_to_id" INTEGER REFERENCES "logs"("id"), "chat_id" INTEGER, "duration_ms" INTEGER,
  "datetime_utc" TEXT);
"""
# llm 0.5: neither attachments nor fragments nor tools yet.
EARLY = """
CREATE TABLE "conversations" ("id" TEXT PRIMARY KEY, "name" TEXT, "model" TEXT);
CREATE TABLE "responses" ("id" TEXT PRIMARY KEY, "model" TEXT, "prompt" TEXT, "system" TEXT,
  "prompt_json" TEXT, "options_json" TEXT, "response" TEXT, "response_json" TEXT,
  "conversation_id" TEXT REFERENCES "conversations"("id"), "duration_ms" INTEGER,
  "datetime_utc" TEXT);
"""
# llm 0.31: the last that writes responses.
RESPONSES = """
CREATE TABLE "conversations" ("id" TEXT PRIMARY KEY, "name" TEXT, "model" TEXT);
CREATE TABLE "schemas" ("id" TEXT PRIMARY KEY, "content" TEXT);
CREATE TABLE "responses" ("id" TEXT PRIMARY KEY, "model" TEXT, "prompt" TEXT, "system" TEXT,
  "prompt_json" TEXT, "options_json" TEXT, "response" TEXT, "response_json" TEXT,
  "conversation_id" TEXT REFERENCES "conversations"("id"), "duration_ms" INTEGER,
  "datetime_utc" TEXT, "input_tokens" INTEGER, "output_tokens" INTEGER, "token_details" TEXT,
  "schema_id" TEXT REFERENCES "schemas"("id"), "resolved_model" TEXT, "reasoning" TEXT);
CREATE TABLE "attachments" ("id" TEXT PRIMARY KEY, "type" TEXT, "path" TEXT, "url" TEXT,
  "content" BLOB);
CREATE TABLE "prompt_attachments" ("response_id" TEXT REFERENCES "responses"("id"),
  "attachment_id" TEXT REFERENCES "attachments"("id"), "order" INTEGER,
  PRIMARY KEY ("response_id", "attachment_id"));
CREATE TABLE "fragments" ("id" INTEGER PRIMARY KEY, "hash" TEXT, "content" TEXT,
  "datetime_utc" TEXT, "source" TEXT);
CREATE TABLE "prompt_fragments" ("response_id" TEXT REFERENCES "responses"("id"),
  "fragment_id" INTEGER REFERENCES "fragments"("id"), "order" INTEGER,
  PRIMARY KEY ("response_id", "fragment_id", "order"));
CREATE TABLE "system_fragments" ("response_id" TEXT REFERENCES "responses"("id"),
  "fragment_id" INTEGER REFERENCES "fragments"("id"), "order" INTEGER,
  PRIMARY KEY ("response_id", "fragment_id", "order"));
CREATE TABLE "tool_calls" ("id" INTEGER PRIMARY KEY, "response_id" TEXT, "tool_id" INTEGER,
  "name" TEXT, "arguments" TEXT, "tool_call_id" TEXT);
CREATE TABLE "tool_results" ("id" INTEGER PRIMARY KEY, "response_id" TEXT, "tool_id" INTEGER,
  "name" TEXT, "output" TEXT, "tool_call_id" TEXT, "instance_id" INTEGER, "exception" TEXT);
"""
# llm 0.32: the tables above stay, and these are written.
THREADS = """
CREATE TABLE "messages" ("hash" TEXT PRIMARY KEY,
  "parent_hash" TEXT REFERENCES "messages"("hash"), "role" TEXT, "provider_metadata" TEXT);
CREATE TABLE "parts" ("id" INTEGER PRIMARY KEY,
  "message_hash" TEXT REFERENCES "messages"("hash"), "position" INTEGER, "type" TEXT,
  "tool_name" TEXT, "text" TEXT, "payload" TEXT);
CREATE TABLE "threads" ("id" TEXT PRIMARY KEY, "name" TEXT,
  "tip_message_hash" TEXT REFERENCES "messages"("hash"),
  "forked_from" TEXT REFERENCES "threads"("id"), "datetime_utc" TEXT);
CREATE TABLE "turns" ("id" TEXT PRIMARY KEY, "thread_id" TEXT REFERENCES "threads"("id"),
  "parent_message_hash" TEXT REFERENCES "messages"("hash"),
  "tip_message_hash" TEXT REFERENCES "messages"("hash"), "model" TEXT, "resolved_model" TEXT,
  "options_json" TEXT, "schema_id" TEXT, "input_tokens" INTEGER, "output_tokens" INTEGER,
  "token_details" TEXT, "duration_ms" INTEGER, "datetime_utc" TEXT, "response_json" TEXT);
"""


class LogsDatabase:
    """Writes rows into a file of its own."""

    def __init__(self, path: Path, *schemas: str) -> None:
        self.path = path
        with closing(sqlite3.connect(path)) as db:
            db.executescript("".join(schemas))

    def insert(self, table: str, **values: Any) -> None:
        names = ", ".join(f'"{name}"' for name in values)
        marks = ", ".join("?" * len(values))
        with closing(sqlite3.connect(self.path)) as db, db:
            db.execute(f'INSERT INTO "{table}" ({names}) VALUES ({marks})', [*values.values()])

    def response(self, ident: str, of: str, prompt: str, response: str, **more: Any) -> None:
        """One row of ``responses``; times follow from the id."""
        values = {"model": "gpt-4o-mini", "datetime_utc": f"2024-03-01T10:00:{ident[-2:]}.25+00:00"}
        self.insert(
            "responses",
            id=ident,
            conversation_id=of,
            prompt=prompt,
            response=response,
            **values | more,
        )

    def message(self, ident: str, parent: str | None, role: str, *parts: Any) -> None:
        """A message with its parts: a text, or the columns of another part."""
        self.insert("messages", hash=ident, parent_hash=parent, role=role)
        for position, part in enumerate(parts):
            columns = {"type": "text", "text": part} if isinstance(part, str) else part
            self.insert("parts", message_hash=ident, position=position, **columns)

    def turn(self, ident: str, thread: str, parent: str, tip: str, **more: Any) -> None:
        """One call of a model."""
        values = {"model": "qwen3", "datetime_utc": f"2026-09-01T10:00:{ident[-2:]}.000000+00:00"}
        self.insert(
            "turns",
            id=ident,
            thread_id=thread,
            parent_message_hash=parent,
            tip_message_hash=tip,
            **values | more,
        )

    def thread(self, ident: str, name: str, tip: str | None) -> None:
        self.insert(
            "threads",
            id=ident,
            name=name,
            tip_message_hash=tip,
            datetime_utc="2026-09-01 10:00:00.000000+00:00",
        )


def refers(*pieces: int | str) -> dict[str, Any]:
    """A part whose text is put together from fragments (their ids) and its own words."""
    refs = [{"fragment": one} if isinstance(one, int) else {"literal": one} for one in pieces]
    return {"type": "text", "payload": json.dumps({"text_ref": refs})}
