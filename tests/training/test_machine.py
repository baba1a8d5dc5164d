"""Where it runs: with a GPU, without one, with too little memory."""

from __future__ import annotations

import pytest
import torch

from chatapp.errors import TrainingError
from chatapp.training import machine
from chatapp.training.machine import check_memory, choose, memory_told


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: True)


@pytest.mark.usefixtures("gpu")
def test_a_gpu_that_is_there_is_used_unless_the_processor_is_wanted() -> None:
    found = choose("auto", "auto", 1)
    assert (found.device, found.precision) == ("cuda", "bfloat16")
    assert choose("cuda", "float32", 1).precision == "float32"
    assert choose("cpu", "float32", 1).device == "cpu"


def test_without_a_gpu_the_processor_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert choose("auto", "float32", 1).device == "cpu"
    with pytest.raises(TrainingError, match="There is no GPU that PyTorch can use here"):
        choose("cuda", "auto", 1)


def test_a_base_that_does_not_fit_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "_free_bytes", lambda: 1 << 30)
    check_memory(10_000_000)
    with pytest.raises(TrainingError, match=r"takes about 11,444 MiB, and 1,024 MiB are free"):
        check_memory(1_000_000_000)
    monkeypatch.setattr(machine, "_free_bytes", lambda: None)
    check_memory(1_000_000_000)  # a system that does not tell


def test_memory_that_runs_out_is_told_and_other_errors_stay_what_they_are() -> None:
    with pytest.raises(TrainingError, match="The memory ran out"), memory_told():
        torch.empty(1 << 50)
    for error in (MemoryError(), torch.OutOfMemoryError("CUDA out of memory.")):
        with pytest.raises(TrainingError, match="The memory ran out"), memory_told():
            raise error
    with pytest.raises(RuntimeError, match="shapes"), memory_told():
        raise RuntimeError("shapes do not fit")
