"""Message JSONL: what is said is kept, what is not is counted, and a bad line harms no other."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatapp.archive.importing import openai_messages, read
from chatapp.archive.importing.skipped import Tally
from chatapp.archive.records import ImportedSession

from .trees import branch, check


def imported(path: Path, *lines: Any) -> tuple[list[ImportedSession], dict[str, int], str]:
    """Sessions, counts of what was left out, and its sentences. A line may be raw bytes."""
    raw = [line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines]
    path.write_bytes(b"\n".join(raw) + b"\n")
    reading = read(path, "openai")
    sessions = list(reading)
    for session in sessions:
        check(session)
    counts = {one.reason: one.count for one in reading.skipped}
    return sessions, counts, " ".join(one.sentence for one in reading.skipped)


def line(*messages: Any, **more: Any) -> dict[str, Any]:
    return {
        "messages": [
            {"role": one[0], "content": one[1]} if isinstance(one, tuple) else one
            for one in messages
        ]
    } | more


GOOD = line(("system", "Be brief."), ("user", "Capital of Turkey?"), ("assistant", "Ankara."))


def test_a_line_is_a_session(tmp_path: Path) -> None:
    (session,), counts, _ = imported(tmp_path / "set.jsonl", GOOD)
    assert session.system == "Be brief."
    assert branch(session) == [("user", "Capital of Turkey?"), ("assistant", "Ankara.")]
    assert session.title == "Capital of Turkey?"
    assert session.source == "set.jsonl, line 1"
    assert counts == {}


def test_a_developer_is_the_system_and_parts_of_text_are_text(tmp_path: Path) -> None:
    parts = [{"type": "text", "text": "One"}, {"type": "input_text", "text": "two"}, "three"]
    (session,), counts, _ = imported(
        tmp_path / "a",
        line(("developer", [{"type": "text", "text": "Rules"}]), ("user", parts)),
    )
    assert session.system == "Rules"
    assert branch(session) == [("user", "One\ntwo\nthree")]
    assert counts == {}


def test_a_system_message_in_the_middle_stays_where_it_is(tmp_path: Path) -> None:
    (session,), _, _ = imported(
        tmp_path / "a", line(("user", "a"), ("system", "Now rhyme."), ("assistant", "b"))
    )
    assert session.system == ""
    assert [role for role, _ in branch(session)] == ["user", "system", "assistant"]


def test_what_is_not_said_is_left_out_and_counted(tmp_path: Path) -> None:
    call = {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    (session,), counts, words = imported(
        tmp_path / "a",
        line(
            ("user", [{"type": "text", "text": "Look"}, {"type": "image_url", "image_url": {}}]),
            {"role": "assistant", "content": None, "tool_calls": [call, call]},
            {"role": "tool", "content": "12", "tool_call_id": "1"},
            {"role": "function", "content": "12", "name": "f"},
            ("assistant", "Twelve."),
            ("critic", "Bad."),
            {"content": "no role"},
            "no object",
            ("user", ""),
            {"role": "assistant", "content": None, "refusal": "I cannot."},
        ),
    )
    assert branch(session) == [
        ("user", "Look"),
        ("assistant", "Twelve."),
        ("assistant", "I cannot."),
    ]
    assert counts == {"tool": 4, "attachment": 1, "role": 3, "blank": 1}
    assert "4 tool calls and tool results were left out" in words
    assert "1 picture, sound or file was left out" in words


def test_bad_lines_are_named_and_the_others_are_read(tmp_path: Path) -> None:
    sessions, counts, words = imported(
        tmp_path / "a",
        b'{"messages": [',
        GOOD,
        b"",
        b"\xff\xfe",
        {"prompt": "x"},
        b'{"messages": 1}',
        b'{"messages": ' + b"[" * 100_000,
        b'{"messages": ' + b"1" * 10_000 + b"}",
        line(("tool", "nothing said")),
        line(("user", "Still here")),
    )
    assert [session.title for session in sessions] == ["Capital of Turkey?", "Still here"]
    assert counts == {"broken": 6, "nothing": 1, "tool": 1}
    assert "6 lines could not be read: line 1 (not JSON: " in words
    assert "line 4 (not a JSON object), line 5 (no list of 'messages'), and 3 more." in words
    assert "1 line holds no message" in words


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps(GOOD).encode() + b"\r\n\r\n")
    reading = read(path)
    assert len(list(reading)) == 1
    assert reading.skipped == ()


def test_keys_follow_from_what_was_said(tmp_path: Path) -> None:
    other = line(("user", "Capital of Turkey?"), ("assistant", "Istanbul."))
    sessions, _, _ = imported(tmp_path / "a", GOOD, other, GOOD | {"weight": 1})
    first, second, third = (session.key for session in sessions)
    assert first == third != second


def test_control_characters_stay_and_lone_surrogates_do_not(tmp_path: Path) -> None:
    raw = b'{"messages": [{"role": "user", "content": "a\\u001b[31m\\u0000\\ud800\\u202eb"}]}'
    (session,), _, _ = imported(tmp_path / "a", raw)
    assert session.messages[0].content == "a\x1b[31m\x00\ufffd\u202eb"


def test_a_line_that_is_too_long_is_never_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(openai_messages, "LONGEST", 100_000)
    path = tmp_path / "a"
    long = json.dumps(line(("user", "x" * 20_000_000))).encode()
    path.write_bytes(json.dumps(GOOD).encode() + b"\n" + long + b"\n" + json.dumps(GOOD).encode())
    reading = read(path)
    tracemalloc.start()
    sessions = sum(1 for _ in reading)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert sessions == 2
    assert [one.reason for one in reading.skipped] == ["broken"]
    assert peak < 2_000_000


def test_sessions_come_before_the_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(json.dumps(GOOD).encode() + b"\n" + b"broken\n" * 1000)
    reading = read(path)
    next(iter(reading))
    assert reading.skipped == ()


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["type", "text", "refusal", "x"]), inner, max_size=3)
    ),
    max_leaves=6,
)
messages = st.dictionaries(
    st.sampled_from(["role", "content", "tool_calls", "function_call", "refusal"]),
    json_values
    | st.sampled_from(["system", "developer", "user", "assistant", "tool", "text"])
    | st.text(st.characters(categories=["Cs", "Cc", "L"])),
)


@settings(deadline=None)
@given(st.lists(messages | json_values, max_size=6))
def test_no_message_is_lost_uncounted(
    tmp_path_factory: pytest.TempPathFactory, given_messages: list[Any]
) -> None:
    path = tmp_path_factory.mktemp("fuzz") / "a"
    path.write_text(json.dumps({"messages": given_messages}), encoding="utf-8")
    tally = Tally("line")
    sessions = list(openai_messages.sessions(path, tally))
    for session in sessions:
        check(session)
    kept = sum(len(one.messages) + bool(one.system) for one in sessions)
    left_out = sum(one.count for one in tally.skipped())
    assert kept + left_out >= len(given_messages)
