"""The trainer tells a dealer what drifted, trains what is dealt, and keeps it by a checkpoint."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from transformers import AutoTokenizer
from trl.trainer.sft_config import SFTConfig

from tests.training.dealt import PLAN, STEPS, trainer

ROOT = Path(__file__).parents[2]


def test_rows_that_drift_are_told_dealt_and_kept(unpacked: Path, tmp_path: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(unpacked)
    whole, dealer = trainer(tmp_path / "whole", tokenizer)
    whole.train()
    assert len(dealer.dealt) == STEPS
    assert dealer.dealt[:3] == PLAN.steps[:3]  # nothing can have drifted so early
    assert dealer.dealt != PLAN.steps
    rest, again = trainer(tmp_path / "rest", tokenizer)
    kept = tmp_path / "whole" / "checkpoint-5"
    again.load(kept)
    assert again.dealt == dealer.dealt[:5]
    rest.train(resume_from_checkpoint=str(kept))
    assert again.dealt == dealer.dealt


def test_two_processes_deal_the_same_rows(unpacked: Path, tmp_path: Path) -> None:
    """Each sees half of a step's rows; what drifted in the other's half is told to both."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    command += ["--nproc_per_node", "2", "-m", "tests.training.dealt", str(unpacked), str(tmp_path)]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    one, other = (json.loads((tmp_path / f"{rank}.json").read_text()) for rank in (0, 1))
    assert one == other
    assert len(one) == STEPS
    assert one[:3] == PLAN.steps[:3]
    changed = [
        (at, index)
        for dealt, planned in zip(one, PLAN.steps, strict=True)
        for at, (index, before) in enumerate(zip(dealt, planned, strict=True))
        if index != before
    ]
    assert changed
    alone, dealer = trainer(tmp_path / "alone", AutoTokenizer.from_pretrained(unpacked))
    alone.train()
    assert dealer.dealt == one


def test_one_process_keeps_to_one_gpu(
    unpacked: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a machine has four, Transformers would cut each batch into four parts."""
    made = SFTConfig.__post_init__

    def with_four(config: SFTConfig) -> None:
        made(config)
        config._n_gpu = 4

    monkeypatch.setattr(SFTConfig, "__post_init__", with_four)
    args = trainer(tmp_path, AutoTokenizer.from_pretrained(unpacked))[0].args
    assert args.n_gpu == 1
    assert args.train_batch_size == 1
