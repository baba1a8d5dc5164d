"""A run that was killed goes on, and ends with the very same bytes; Ctrl+C keeps what was done."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from chatapp.training.base import sha256_of
from tests.training.conftest import Bench, environment


def _begin(bench: Bench, out: Path, wanted: str, end: signal.Signals) -> tuple[int, str]:
    """Start a run, send it a signal when ``wanted`` is there, and wait for its end."""
    process = subprocess.Popen(
        [sys.executable, "-m", *bench.command(bench.first, out)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    )
    place = out.with_name(f".partial-{out.name}")
    deadline = time.monotonic() + 600
    while process.poll() is None and time.monotonic() < deadline:
        if (place / wanted).exists():
            os.kill(process.pid, end)
            break
        time.sleep(0.05)
    _, err = process.communicate(timeout=300)
    return process.returncode, err


def test_killed_and_gone_on_with_it_ends_in_the_same_bytes(
    bench: Bench, adapter: Path, tmp_path: Path
) -> None:
    out = tmp_path / "killed"
    code, _ = _begin(bench, out, "checkpoints/checkpoint-2/trainer_state.json", signal.SIGKILL)
    assert code == -signal.SIGKILL
    assert not out.exists()
    refused = bench.run(bench.first, out)
    assert refused.code == 1
    assert "There is an unfinished run" in refused.err
    done = bench.run(bench.first, out, "--resume")
    assert done.code == 0, done.err
    assert sha256_of(out / "adapter.gguf") != ""
    name = "peft/adapter_model.safetensors"
    assert sha256_of(out / name) == sha256_of(adapter / name)
    steps = [json.loads(line)["step"] for line in (out / "training.jsonl").read_text().splitlines()]
    assert steps == [1, 2, 3, 4]


def test_ctrl_c_leaves_a_checkpoint_that_peft_loads(
    bench: Bench, unpacked: Path, tmp_path: Path
) -> None:
    out = tmp_path / "stopped"
    code, err = _begin(bench, out, "checkpoints/checkpoint-2", signal.SIGINT)
    assert code == 130, err
    assert "Stopped" in err
    assert "Traceback" not in err
    (last,) = sorted((tmp_path / ".partial-stopped" / "checkpoints").glob("checkpoint-*"))[-1:]
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    model = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(unpacked), last)
    assert any(
        value.abs().sum() > 0 for name, value in model.named_parameters() if "lora_B" in name
    )
