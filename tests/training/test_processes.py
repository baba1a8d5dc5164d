"""Two processes do the same job as one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from safetensors.numpy import load_file

from tests.training.conftest import Bench


def test_two_processes_train_the_same_adapter(bench: Bench, tmp_path: Path) -> None:
    # In float32: what bfloat16 rounds otherwise in halves of a batch grows with each step.
    precise, adapter, out = ("--precision", "float32"), tmp_path / "one", tmp_path / "two"
    assert bench.run(bench.first, adapter, *precise).code == 0
    launcher = ("-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2", "-m")
    done = bench.run(bench.first, out, *precise, "--expect-world", "2", launcher=launcher)
    assert done.code == 0, done.err
    assert "2 processes, 1 thread each" in done.err
    told = json.loads((out / "provenance.json").read_text())
    assert told["training"]["processes"] == 2
    assert told["status"] == "accepted"
    log, alone = (
        [json.loads(line) for line in (folder / "training.jsonl").read_text().splitlines()]
        for folder in (out, adapter)
    )
    assert len(log) == len(alone)
    for one, other in zip(log, alone, strict=True):
        assert one["learnt"] == pytest.approx(other["learnt"], rel=0.005, abs=0.0005)
    ours, theirs = (
        load_file(folder / "peft" / "adapter_model.safetensors") for folder in (out, adapter)
    )
    assert ours.keys() == theirs.keys()


def test_the_world_is_counted_not_assumed(bench: Bench, tmp_path: Path) -> None:
    done = bench.run(bench.first, tmp_path / "x", "--expect-world", "2")
    assert done.code == 1
    assert "2 processes were expected, and 1 is running" in done.err
