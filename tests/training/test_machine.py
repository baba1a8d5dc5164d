"""Where it runs: with a GPU, without one, with too little memory."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys

import pytest
import torch

from chatapp.engine.threads import SPIN
from chatapp.errors import TrainingError
from chatapp.training import machine, offline
from chatapp.training.machine import check_memory, choose, memory_kept, memory_told
from tests.training.conftest import environment


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


PAGES = """
import resource
from chatapp.training.machine import memory_kept

def another():
    found = []
    for _ in range(8):
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        b"x" * (64 << 20)
        found.append(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
    return min(found)

with memory_kept():
    print(another())
print(another())
"""


@pytest.mark.skipif(
    not (sys.platform == "linux" and hasattr(ctypes.CDLL(None), "mallopt")), reason="no glibc"
)
def test_memory_is_kept_while_training_and_given_back_behind_it() -> None:
    """Counted are the pages that the system hands out for what is as large as what was freed."""
    done = subprocess.run(
        [sys.executable, "-c", PAGES], capture_output=True, text=True, env=environment(), check=True
    )
    kept, otherwise = map(int, done.stdout.split())
    assert kept < 100
    assert otherwise > 1000


def test_where_memory_cannot_be_kept_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(_: None) -> object:
        raise TypeError

    monkeypatch.setattr(ctypes, "CDLL", none)
    with memory_kept():
        pass


def test_threads_wait_awake_for_a_moment_unless_one_says_otherwise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "environ", dict(os.environ))
    monkeypatch.setattr(offline, "_ours", {})
    for given, wanted in ((None, SPIN), ("7", "7")):
        os.environ.pop("GOMP_SPINCOUNT", None)
        if given:
            os.environ["GOMP_SPINCOUNT"] = given
        offline.prepare(2)
        assert os.environ["GOMP_SPINCOUNT"] == wanted
        offline.settle()  # the model's process finds what one has said, and nothing of ours
        assert os.environ.get("GOMP_SPINCOUNT") == given
