"""``chatapp bench``: what is measured, how it is drawn, and that Ctrl+C loses nothing."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from chatapp.cli.bench_chart import as_dict, lines
from chatapp.cli.bench_measure import Answer, Measured, Row, lengths_for
from chatapp.cli.status import Status
from chatapp.engine.protocol import Ready
from tests.cli.conftest import Run


def row(tokens: int, afresh: float, again: float) -> Row:
    return Row(
        Answer(tokens, 0, afresh, tokens / afresh, 100.0, "Hello"),
        Answer(tokens + 40, tokens // 64 * 64, again, 200.0, None, "again"),
    )


@pytest.fixture
def measured() -> Measured:
    ready = Ready(model="m.gguf", window=2048, threads=2, kv_type="f16", kv_bytes=47_185_920)
    return Measured(ready, True, True, [row(64, 0.25, 0.2), row(1024, 4.0, 0.25)], True)


@pytest.mark.parametrize(
    ("window", "quick", "expected"),
    [
        (2048, False, [64, 256, 512, 1024, 1952]),
        (2048, True, [64, 256, 512]),
        (256, False, [64, 160]),
        (256, True, [64]),
        (64, False, [64]),
        (8192, False, [64, 256, 512, 1024, 2048, 4096, 8096]),
    ],
)
def test_lengths_reach_to_the_window(window: int, quick: bool, expected: list[int]) -> None:
    assert lengths_for(window, quick=quick) == expected


def test_the_chart(measured: Measured) -> None:
    out = lines(measured, "A processor")
    assert all(len(line) < 80 and line.isascii() for line in out)
    text = "\n".join(out)
    assert "Window      2,048 tokens (KV cache: f16, 47 MB)" in text
    assert f"    1,024 tokens  afresh        4.00  {'#' * 41}" in out
    assert "    1,064 tokens  next turn     0.25  ===" in out
    assert "  reading a prompt       256  " + "#" * 30 in out
    assert "1,024 of 1,064 tokens" in text


def test_the_chart_without_reuse_and_with_a_note(measured: Measured) -> None:
    assert measured.ready is not None
    measured.reuse = False
    text = " ".join(lines(measured, None))
    assert "Reuse is off" in text
    assert "not told" in text


def test_nothing_measured_yet() -> None:
    assert lines(Measured(), None)[-1] == "Nothing was measured."
    assert as_dict(Measured(), None)["transcripts"] == []


def test_numbers_for_programs(measured: Measured) -> None:
    document = json.loads(json.dumps(as_dict(measured, "A processor")))
    assert document["complete"] is True
    assert document["transcripts"][1]["next_turn_tokens_reused"] == 1024
    assert document["reading_tokens_per_second"] == 256.0
    assert document["writing_tokens_per_second"] == 100.0


def test_status_without_a_terminal_is_a_line_for_each_step() -> None:
    out = io.StringIO()
    with Status(out) as status:
        for done in (0, 64, 128):
            status("Reading", done, 128)
        status("Again", 0, 0)
    assert out.getvalue() == "Reading…\nAgain…\n"


def test_status_on_a_terminal_leaves_an_empty_line() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    out = Terminal()
    with Status(out) as status:
        status("Reading", 64, 128)
    assert "\rReading… 50%" in out.getvalue()
    assert out.getvalue().endswith("\r")


def test_a_real_run(run: Run, default_model: Path) -> None:
    said = run("bench", "--quick", "--json", "-m", str(default_model), "--window", "256")
    assert said.status == 0
    document = json.loads(said.out)
    assert document["complete"] is True
    assert document["repeatable"] is True
    (only,) = document["transcripts"]
    assert 50 <= only["tokens"] <= 70
    assert only["next_turn_tokens_reused"] == 64
    assert document["writing_tokens_per_second"] > 0
    assert "Reading afresh" in said.err


def test_without_the_model(run: Run) -> None:
    said = run("bench", "-m", "nobody")
    assert (said.status, said.out) == (1, "")
    assert "nobody" in said.err


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")
def test_ctrl_c_shows_what_was_measured(home: Path, default_model: Path) -> None:
    command = [sys.executable, "-m", "chatapp.cli.main", "bench", "--json"]
    with subprocess.Popen(
        [*command, "-m", str(default_model)],
        env=os.environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith("Reading afresh: 2"):  # the second length has begun
                break
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "Stopped." in err
    document = json.loads(out)
    assert document["complete"] is False
    assert len(document["transcripts"]) == 1
