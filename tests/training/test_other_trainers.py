"""The same records in TRL's own format train with TRL's own script."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from benchmarks.finetune.facts import correction, read, write
from tests.training.conftest import Bench, environment


def test_trl_s_own_script_trains_for_two_steps(
    bench: Bench, unpacked: Path, tmp_path: Path
) -> None:
    items = [correction(n, bench.sha256, one) for n, one in enumerate(read("tuning").corrections)]
    data = write(items, tmp_path / "sft", format="trl-sft")
    (data / "records.jsonl").unlink()  # the script reads every JSON file of a folder as rows
    (data / "manifest.json").unlink()
    out = tmp_path / "trl"
    command = [
        sys.executable, "-m", "trl.scripts.sft", "--model_name_or_path", str(unpacked),
        "--dataset_name", str(data), "--output_dir", str(out), "--max_steps", "2",
        "--use_peft", "--lora_r", "4", "--per_device_train_batch_size", "2", "--use_cpu",
        "--report_to", "none", "--logging_steps", "1", "--bf16", "false", "--dtype", "float32",
        "--gradient_checkpointing", "false",
    ]  # fmt: skip
    done = subprocess.run(
        command, capture_output=True, text=True, env=environment(), timeout=600, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert (out / "adapter_model.safetensors").is_file()
