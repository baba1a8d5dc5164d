"""The three ways side by side: each row is measured on what is here, or says why not."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from chatapp.engine.client import EngineOptions, LocalEngine
from chatapp.proofs import ways
from chatapp.proofs.evidence import Evidence, Table
from chatapp.proofs.experiment import perform
from chatapp.proofs.experiments.three_ways import EXPERIMENT
from chatapp.proofs.files import file_hash
from chatapp.proofs.lab import Lab
from tests.weights.adapters import lora, write


def rows(evidence: Evidence) -> dict[str, list[object]]:
    table = next(one for one in evidence.blocks if isinstance(one, Table))
    return {str(row[0]): list(row[1:]) for row in table.rows}


@pytest.fixture
def folder(tmp_path: Path, default_model: Path) -> Path:
    """The default model in a folder of its own, with an adapter that its own test accepted."""
    (tmp_path / "small.gguf").symlink_to(default_model)
    adapter = tmp_path / "adapters" / "eight"
    adapter.mkdir(parents=True)
    write(adapter / "adapter.gguf", lora(default_model, seed=1), base=default_model)
    told = {
        "status": "accepted",
        "base_sha256": file_hash(default_model),
        "training": {"seconds": 227.3},
    }
    (adapter / "provenance.json").write_text(json.dumps(told))
    return tmp_path


async def test_each_way_is_measured(folder: Path, default_model: Path) -> None:
    lab = Lab(folder / "small.gguf", EngineOptions(window=1024), base=default_model)
    async with lab:
        evidence = await perform(EXPERIMENT, lab)
    assert evidence.verdict == "held", evidence.because
    found = rows(evidence)
    plain, told, tuned, other = found.values()
    assert list(found)[2] == "fine-tuned: eight"
    assert list(found)[3].startswith("another model: ")
    probabilities = [one[0] for one in (plain, told, tuned, other)]
    assert all(isinstance(one, float) and 0 < one < 1 for one in probabilities)
    assert len(set(probabilities)) == 4  # other weights, another prompt: another distribution
    assert "227 s of training" in str(tuned[1])
    assert "59 more tokens" in str(told[1])


async def test_a_way_that_is_not_here_says_so(default_model: Path, engine: LocalEngine) -> None:
    lab = Lab(default_model, EngineOptions(window=2048), engine=engine)
    fact = lab.facts.corrections[0]
    way = await ways.another_version(lab, fact)
    assert way.right is None
    assert "none is here" in way.cost


def test_only_accepted_adapters_of_these_weights_count(tmp_path: Path) -> None:
    weights = tmp_path / "small.gguf"
    for name, status, base in (
        ("old", "accepted", "ab"),
        ("new", "accepted", "ab"),
        ("bad", "rejected", "ab"),
        ("other", "accepted", "cd"),
    ):
        adapter = tmp_path / "adapters" / name
        adapter.mkdir(parents=True)
        (adapter / "adapter.gguf").write_bytes(b"GGUF")
        (adapter / "provenance.json").write_text(
            json.dumps({"status": status, "base_sha256": base})
        )
    (tmp_path / "adapters" / "gone").mkdir()
    (tmp_path / "adapters" / "gone" / "provenance.json").write_text("{")
    os.utime(tmp_path / "adapters" / "old" / "adapter.gguf", (1, 1))
    found = ways.accepted_beside(weights, "ab")
    assert [file.parent.name for file, _ in found] == ["new", "old"]
