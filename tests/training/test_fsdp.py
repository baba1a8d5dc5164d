"""A model that is spread over processes (FSDP2) gives the adapter that one process gives."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from chatapp.errors import TrainingError
from chatapp.training.train import check_spread
from tests.training.conftest import ROOT, TINY, Bench

CONFIG = ROOT / "chatapp" / "training" / "fsdp.yaml"


def _two_on_cpu(folder: Path) -> Path:
    """The configuration that is shipped, for two processes on one machine without GPUs."""
    text = CONFIG.read_text()
    for old, new in (("num_processes: 8", "num_processes: 2"), ("use_cpu: false", "use_cpu: true")):
        assert old in text
        text = text.replace(old, new)
    path = folder / "fsdp.yaml"
    path.write_text(text)
    return path


@pytest.mark.slow
def test_a_spread_base_gives_the_adapter_of_one_process(bench: Bench, tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(TINY.replace("save_steps = 1", "save_steps = 100"))
    more = "--recipe", str(recipe), "--precision", "float32"
    one, two = tmp_path / "one", tmp_path / "two"
    done = bench.run(bench.first, one, *more)
    assert done.code == 0, done.err
    launcher = (
        "-m", "accelerate.commands.launch", "--config_file", str(_two_on_cpu(tmp_path)),
        "-m", "tests.training.fsdp_on_cpu",
    )  # fmt: skip
    done = bench.run(bench.first, two, *more, "--expect-world", "2", launcher=launcher)
    assert done.code == 0, done.err
    assert json.loads((two / "provenance.json").read_text())["status"] == "accepted"
    name = "peft/adapter_model.safetensors"
    alone, spread = load_file(one / name), load_file(two / name)
    assert {key: value.shape for key, value in alone.items()} == {
        key: value.shape for key, value in spread.items()
    }
    apart = {key: abs(value - alone[key]) for key, value in spread.items()}
    largest = max(abs(value).max() for value in alone.values())
    # Adam divides each number's gradient by its own size: where that is next to nothing, the last
    # bits of a sum decide, and a number may go another step (0.001). One of 1.2 million does.
    beyond = sum(int((value >= 0.005 * largest).sum()) for value in apart.values())
    assert beyond <= 10
    assert max(value.max() for value in apart.values()) < 0.001
    whole = sum(np.square(value).sum() for value in alone.values())
    assert sum(np.square(value).sum() for value in apart.values()) ** 0.5 < 0.001 * whole**0.5


def test_fsdp_that_is_not_used_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    check_spread("MULTI_CPU")
    monkeypatch.setenv("ACCELERATE_USE_FSDP", "true")
    check_spread("FSDP")
    with pytest.raises(TrainingError, match="FSDP was asked for, and accelerate uses MULTI_CPU"):
        check_spread("MULTI_CPU")
