"""``logs.db`` of llm: each generation of its tables, opened to read only."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatapp.archive.importing import read
from chatapp.archive.records import ImportedSession
from chatapp.errors import ImportFileError

from .llm_database import EARLY, LOGS, RESPONSES, THREADS, LogsDatabase, refers
from .trees import branch, check


def imported(path: Path) -> tuple[list[ImportedSession], dict[str, int]]:
    reading = read(path)
    assert reading.kind == "llm"
    sessions = list(reading)
    for session in sessions:
        check(session)
    return sessions, {one.reason: one.count for one in reading.skipped}


@pytest.mark.parametrize("schema", [EARLY, RESPONSES])
def test_responses_of_a_conversation_follow_one_another(tmp_path: Path, schema: str) -> None:
    db = LogsDatabase(tmp_path / "logs.db", schema)
    db.insert("conversations", id="c1", name="Capitals", model="gpt-4o-mini")
    db.response("r02", "c1", "Sure?", "Yes, Ankara.", system="Be brief.")
    db.response("r01", "c1", "Capital of Turkey?", "Ankara.", system="Be brief.")
    db.response("r03", "c2", "Another chat", "Hello")
    (first, second), counts = imported(db.path)
    assert first.system == "Be brief."
    assert first.title == "Capitals"
    assert first.source == "llm, logs.db"
    assert first.created == "2024-03-01T10:00:01.250Z"
    assert branch(first) == [
        ("user", "Capital of Turkey?"),
        ("assistant", "Ankara."),
        ("user", "Sure?"),
        ("assistant", "Yes, Ankara."),
    ]
    assert [one.weights.model for one in first.messages] == [None, "gpt-4o-mini"] * 2
    assert second.title == "Another chat"
    assert counts == {}


def test_a_system_prompt_that_changes_stands_where_it_did(tmp_path: Path) -> None:
    db = LogsDatabase(tmp_path / "logs.db", RESPONSES)
    db.response("r01", "c1", "a", "b", system="One.", resolved_model="gpt-4o-2024")
    db.response("r02", "c1", "c", "d", system="Two.")
    (session,), _ = imported(db.path)
    assert session.system == "One."
    assert branch(session)[2] == ("system", "Two.")
    assert session.messages[1].weights.model == "gpt-4o-2024"


def test_fragments_are_part_of_what_was_sent(tmp_path: Path) -> None:
    db = LogsDatabase(tmp_path / "logs.db", RESPONSES)
    db.insert("fragments", id=1, content="A novel.")
    db.insert("fragments", id=2, content="Rules. ")
    db.response("r01", "c1", "What of it?", "Good.", system="Be kind.")
    db.insert("prompt_fragments", response_id="r01", fragment_id=1, order=0)
    db.insert("system_fragments", response_id="r01", fragment_id=2, order=0)
    (session,), _ = imported(db.path)
    assert session.system == "Rules.\n\nBe kind."
    assert branch(session)[0] == ("user", "A novel.\nWhat of it?")


def test_tools_attachments_and_reasoning_are_counted(tmp_path: Path) -> None:
    db = LogsDatabase(tmp_path / "logs.db", RESPONSES)
    db.response("r01", "c1", "What time is it?", "", reasoning="Let me look.")
    db.response("r02", "c1", "", "Noon.")
    db.insert("tool_calls", response_id="r01", name="clock")
    db.insert("tool_results", response_id="r02", name="clock", output="12:00")
    db.insert("prompt_attachments", response_id="r01", attachment_id="x", order=0)
    (session,), counts = imported(db.path)
    assert branch(session) == [("user", "What time is it?"), ("assistant", "Noon.")]
    assert counts == {"tool": 2, "attachment": 1, "reasoning": 1}


def test_the_oldest_table_is_read_too(tmp_path: Path) -> None:
    db = LogsDatabase(tmp_path / "logs.db", LOGS, RESPONSES)
    rows = [(1, None, "a", "b"), (2, 1, "c", "d"), (3, None, "e", "f")]
    for ident, chat, prompt, response in rows:
        db.insert(
            "logs",
            id=ident,
            chat_id=chat,
            prompt=prompt,
            response=response,
            model="gpt-3.5-turbo",
            datetime_utc=f"2023-06-15T08:0{ident}:00.000000",
        )
    (first, second), _ = imported(db.path)
    assert [content for _, content in branch(first)] == ["a", "b", "c", "d"]
    assert [content for _, content in branch(second)] == ["e", "f"]
    assert first.created == "2023-06-15T08:01:00.000Z"


def pelican(path: Path) -> LogsDatabase:
    """A thread of two turns, and one that was forked from its first answer."""
    db = LogsDatabase(path, RESPONSES, THREADS)
    db.insert("fragments", id=7, content="A novel.")
    db.message("h0", None, "system", "Be brief.")
    db.message("h1", "h0", "user", refers(7, "\nName a pelican"))
    db.message("h2", "h1", "assistant", {"type": "reasoning", "text": "Hm."}, "Percy.")
    db.message("h3", "h2", "user", "And a walrus", {"type": "attachment", "payload": "{}"})
    db.message("h4", "h3", "assistant", "Let me look.", {"type": "tool_call", "tool_name": "f"})
    db.message("h5", "h4", "tool", {"type": "tool_result", "tool_name": "f"})
    db.message("h6", "h5", "assistant", "Wallace.")
    db.message("f3", "h2", "user", "Why Percy?")
    db.message("f4", "f3", "assistant", "It is dignified.")
    db.thread("t1", "Name a pelican", "h6")
    db.thread("t2", "Why", "f4")
    db.turn("u01", "t1", "h1", "h2")
    db.turn("u02", "t1", "h3", "h4", resolved_model="qwen3-4b")
    db.turn("u03", "t1", "h5", "h6")
    db.turn("u04", "t2", "f3", "f4")
    return db


def test_threads_of_newer_releases(tmp_path: Path) -> None:
    (first, second), counts = imported(pelican(tmp_path / "logs.db").path)
    assert first.system == "Be brief."
    assert branch(first) == [
        ("user", "A novel.\nName a pelican"),
        ("assistant", "Percy."),
        ("user", "And a walrus"),
        ("assistant", "Let me look."),
        ("assistant", "Wallace."),
    ]
    models = [one.weights.model for one in first.messages]
    assert models == [None, "qwen3", None, "qwen3-4b", "qwen3"]
    assert first.messages[2].created == "2026-09-01T10:00:02.000Z"
    assert [content for _, content in branch(second)][1:] == [
        "Percy.",
        "Why Percy?",
        "It is dignified.",
    ]
    assert counts == {"tool": 2, "attachment": 1, "reasoning": 1}


def test_an_answer_asked_for_again_is_a_branch_of_its_thread(tmp_path: Path) -> None:
    db = pelican(tmp_path / "logs.db")
    db.message("g6", "h5", "assistant", "Walter.")
    db.turn("u05", "t1", "h5", "g6")
    (first, _), _ = imported(db.path)
    assert branch(first)[-1] == ("assistant", "Wallace.")  # the thread points at it
    assert [one.content for one in first.messages if not one.chosen] == ["Walter."]


def test_a_conversation_in_two_generations_is_read_once(tmp_path: Path) -> None:
    db = pelican(tmp_path / "logs.db")
    db.response("r01", "t1", "A novel.\nName a pelican", "Percy.", system="Be brief.")
    before = imported(pelican(tmp_path / "before.db").path)[0]
    sessions, counts = imported(db.path)
    assert counts["twice"] == 1
    assert [one.key for one in sessions] == [one.key for one in before]
    # Unless the old form holds something that the new one lacks.
    db.response("r02", "t1", "Only here", "Indeed.")
    sessions, counts = imported(db.path)
    assert "twice" not in counts
    assert len({one.key for one in sessions}) == 3


def test_messages_that_lead_nowhere_do_no_harm(tmp_path: Path) -> None:
    db = LogsDatabase(tmp_path / "logs.db", THREADS)
    db.message("a", "b", "user", "in a ring")
    db.message("b", "a", "assistant", {"type": "text", "payload": '{"text_ref": [[], {"x": 1}]}'})
    db.message("c", "gone", "user", {"type": "text", "payload": "not JSON"}, "Hi")
    db.message("d", "c", "robot", "Beep")
    db.message("e", "d", "assistant", "Hello", refers(99))
    db.thread("t1", "ring", "a")
    db.thread("t2", "", "e")
    db.thread("t3", "empty", None)
    (ring, other), counts = imported(db.path)
    assert branch(ring) == [("user", "in a ring")]
    assert branch(other) == [("user", "Hi"), ("assistant", "Hello")]
    assert other.title == "Hi"
    assert counts == {"role": 1, "nothing": 1}


def test_what_is_being_written_meanwhile_is_read(tmp_path: Path) -> None:
    db = LogsDatabase(tmp_path / "a #1?.db", RESPONSES)
    db.response("r01", "c1", "a", "b")
    with closing(sqlite3.connect(db.path)) as writer:
        writer.execute("PRAGMA journal_mode = WAL")
        with writer:
            writer.execute("UPDATE responses SET response = 'in the log beside the file'")
        (session,), _ = imported(db.path)
    assert branch(session)[1] == ("assistant", "in the log beside the file")


def test_a_locked_or_cut_file_is_told(tmp_path: Path) -> None:
    db = LogsDatabase(tmp_path / "logs.db", RESPONSES)
    for number in range(10, 40):
        db.response(f"r{number}", f"c{number}", "a" * 3000, "b" * 3000)
    whole = db.path.read_bytes()
    db.path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ImportFileError, match="cannot be read as SQLite"):
        list(read(db.path))


columns = st.none() | st.text(max_size=6) | st.binary(max_size=4) | st.integers(-5, 5) | st.floats()
hashes = st.sampled_from(["a", "b", "c", "d", None]) | columns


@settings(max_examples=60, deadline=None)
@given(
    responses=st.lists(st.tuples(hashes, columns, columns, columns, columns), max_size=5),
    messages=st.dictionaries(
        st.sampled_from("abcd"),
        st.tuples(hashes, st.sampled_from(["user", "assistant", "system"]) | columns, columns),
    ),
    turns=st.lists(st.tuples(hashes, hashes, hashes, columns), max_size=4),
)
def test_any_rows_are_read(
    tmp_path_factory: pytest.TempPathFactory,
    responses: list[Any],
    messages: dict[str, Any],
    turns: list[Any],
) -> None:
    db = LogsDatabase(tmp_path_factory.mktemp("fuzz") / "logs.db", RESPONSES, THREADS)
    for number, (of, prompt, system, response, when) in enumerate(responses):
        db.response(
            f"r{number}", of, prompt, response, system=system, datetime_utc=when, model=prompt
        )
    for ident, (parent, role, content) in messages.items():
        db.message(ident, parent, role, {"type": "text", "text": content, "payload": content})
    for number, (thread, sent, tip, model) in enumerate(turns):
        db.turn(f"u{number}", thread, sent, tip, model=model, datetime_utc=model)
    for ident in "abcd":
        db.thread(ident, ident, ident)
    imported(db.path)
