"""``python -m chatapp.engine`` driven as a person would: lines in, lines out."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

HELLO = '{"id":1,"type":"generate","messages":[{"role":"user","content":"Hi"}]}'


def talk(model: Path, *lines: str) -> list[dict[str, Any]]:
    done = subprocess.run(
        [sys.executable, "-m", "chatapp.engine", str(model)],
        input="\n".join(lines),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture(scope="module")
def events(default_model: Path) -> list[dict[str, Any]]:
    bad = [
        "not json",
        "[]",
        "{}",
        '{"id":2}',
        '{"id":[],"type":"generate"}',
        '{"id":3,"type":"dance"}',
        '{"id":4,"type":"generate"}',
        '{"id":5,"type":"generate","messages":[]}',
        '{"id":6,"type":"generate","messages":[{"role":"robot","content":"x"}]}',
        '{"id":7,"type":"generate","messages":[{"role":"user","content":7}]}',
        '{"id":8,"type":"generate","messages":[{"role":"user","content":"x"}],"sampling":{"top_k":-1}}',
        '{"id":9,"type":"generate","messages":[{"role":"user","content":"x"}],"sampling":{"wit":1}}',
        '{"id":10,"type":"generate","messages":[{"role":"user","content":"x"}],"alternatives":999}',
        '{"id":11,"type":"cancel","target":99}',
        '{"id":12,"type":"render","messages":[{"role":"user","content":"\\ud800"}]}',
        '{"id":13,"type":"info"}',
    ]
    return talk(default_model, *bad, HELLO)


def of(events: list[dict[str, Any]], number: int) -> list[dict[str, Any]]:
    return [event for event in events if event["id"] == number]


def test_one_line_in_an_answer_out(events: list[dict[str, Any]]) -> None:
    kinds = [event["type"] for event in of(events, 1)]
    assert kinds[0] == "prompt"
    assert kinds[-1] == "done"
    assert set(kinds[1:-1]) == {"prefill", "token"}
    tokens = [event["text"] for event in of(events, 1) if event["type"] == "token"]
    assert "".join(tokens) == of(events, 1)[-1]["text"]


@pytest.mark.parametrize("number", range(2, 11))
def test_a_bad_request_gets_a_sentence(events: list[dict[str, Any]], number: int) -> None:
    answers = of(events, number)
    assert [event["type"] for event in answers] == ["error"]
    assert answers[0]["kind"] == "request"
    assert answers[0]["message"].endswith(".")


def test_lines_that_are_no_requests_do_not_stop_it(events: list[dict[str, Any]]) -> None:
    strangers = [e for e in events if e["type"] == "error" and not isinstance(e["id"], int)]
    assert len([e for e in of(events, 0) if e["type"] == "error"]) + len(strangers) == 4
    assert of(events, 11) == [{"id": 11, "type": "result", "cancelled": False}]
    assert "\ufffd" in of(events, 12)[0]["text"] or "?" in of(events, 12)[0]["text"]
    assert of(events, 13)[0]["window"] == 2048


def test_a_file_that_is_no_model_is_said_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "junk.gguf"
    path.write_bytes(b"GGUF" + bytes(range(256)) * 40)
    events = talk(path, HELLO)
    assert events[-1]["type"] == "error"
    assert events[-1]["kind"] == "model"
