"""The only road from a chat to weights: it holds, and fails where a step of it is broken."""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from chatapp.engine.client import EngineOptions, LocalEngine
from chatapp.proofs import learning
from chatapp.proofs.evidence import Evidence, Table
from chatapp.proofs.experiment import perform
from chatapp.proofs.lab import Lab


async def evidence_of(weights: Path, engine: LocalEngine) -> Evidence:
    lab = Lab(weights, EngineOptions(window=2048), engine=engine)
    try:
        return await perform(learning.EXPERIMENT, lab)
    finally:
        await lab.close(but=engine)


@pytest.mark.slow
async def test_the_whole_story_holds(default_model: Path, engine: LocalEngine) -> None:
    found = await evidence_of(default_model, engine)
    assert found.verdict == "held", found.because
    says = [check.says for check in found.checks]
    assert len(says) == len(set(says)) == 14
    ways = next(one for one in found.blocks if isinstance(one, Table) and "Three" in one.title)
    right = {row[0]: row[1] for row in ways.rows}
    assert right["fine-tuned"] > right["nothing done"]
    multiples = next(
        one for one in found.blocks if isinstance(one, Table) and "multiple" in one.title
    )
    assert [row[0] for row in multiples.rows] == list(multiples.columns[1:])


Program = Callable[..., object]


def job(write: Callable[[Path], int]) -> Program:
    """A training program that writes into its output folder and ends with a status."""

    async def program(command: list[str], tell: Callable[[str, int], None]) -> tuple[int, str]:
        out = Path(command[command.index("--out") + 1])
        out.mkdir()
        return write(out), "the last line"

    return program


async def test_a_job_that_rejects_its_adapter_ends_the_story(
    default_model: Path, engine: LocalEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def rejected(out: Path) -> int:
        (out / "provenance.json").write_text(json.dumps({"status": "rejected"}))
        return 3

    monkeypatch.setattr(learning, "_program", job(rejected))
    found = await evidence_of(default_model, engine)
    assert found.verdict == "failed"
    (missed,) = [check for check in found.checks if not check.held]
    assert (missed.expected, missed.found) == ("accepted", "rejected")


async def test_an_adapter_that_learnt_nothing_is_found_out(
    default_model: Path, engine: LocalEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.weights.adapters import lora, write

    def nothing(out: Path) -> int:
        write(out / "adapter.gguf", lora(default_model, size=0.0), base=default_model)
        (out / "provenance.json").write_text(json.dumps({"status": "accepted"}))
        return 0

    monkeypatch.setattr(learning, "_program", job(nothing))
    found = await evidence_of(default_model, engine)
    assert found.verdict == "failed"
    missed = [check.says for check in found.checks if not check.held]
    assert "A new session with the adapter knows it." in missed
    assert "The adapter says that it was made for this base." in missed


async def test_without_the_job_it_is_not_tested(
    default_model: Path, engine: LocalEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    found = await evidence_of(default_model, engine)
    assert found.verdict == "untested"
    assert "chatapp[finetune]" in found.because


async def test_the_program_is_followed_and_its_end_is_told(tmp_path: Path) -> None:
    seen: list[str] = []
    code = "import sys; print('one'); print('two', file=sys.stderr); sys.exit(4)"
    status, last = await learning._program(
        [sys.executable, "-u", "-c", code], lambda line, _: seen.append(line)
    )
    assert (status, sorted(seen)) == (4, ["one", "two"])
    assert last in seen
