"""Where the training runs: device, precision, memory; each with a sentence where it cannot be."""

from __future__ import annotations

import ctypes
import os
import resource
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from chatapp.errors import TrainingError
from chatapp.training import offline

_TRIM_THRESHOLD: Final = -1
_MMAP_THRESHOLD: Final = -3
"""``mallopt``'s names (malloc.h)."""

Device = Literal["auto", "cpu", "cuda"]
Precision = Literal["auto", "float32", "bfloat16"]


@dataclass(frozen=True, slots=True)
class Machine:
    """``bf16``: products of matrices are computed from bfloat16; sums and the adapter stay float32.

    On processors that have it in hardware a step takes two thirds of the time; the base's
    distributions then differ from float32's by a KL of 0.001 (llama.cpp's own do by 0.005).
    """

    device: str
    bf16: bool
    threads: int

    @property
    def cores(self) -> int:
        """How many threads the processes here have together."""
        return self.threads * int(os.environ.get("LOCAL_WORLD_SIZE", "1"))

    @property
    def precision(self) -> str:
        return "bfloat16" if self.bf16 else "float32"


def choose(device: Device, precision: Precision, threads: int) -> Machine:
    """Look at this machine. Raises :class:`TrainingError` for a GPU that is not there."""
    import torch

    there = torch.cuda.is_available()
    if device == "cuda" and not there:
        raise TrainingError("There is no GPU that PyTorch can use here. Leave --device out.")
    use_gpu = there and device != "cpu"
    if precision == "auto":
        bf16 = torch.cuda.is_bf16_supported() if use_gpu else _cpu_has_bf16()
    else:
        bf16 = precision == "bfloat16"
    torch.set_num_threads(threads)
    offline.settle()
    return Machine("cuda" if use_gpu else "cpu", bf16, threads)


def _cpu_has_bf16() -> bool:
    try:
        flags = Path("/proc/cpuinfo").read_text().split("processor", 2)[1].split()
    except (OSError, IndexError):
        return False
    return "avx512_bf16" in flags or "amx_bf16" in flags


def peak_bytes() -> int:
    """The most memory that this process has held so far, in bytes."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most << 10


def check_memory(parameters: int) -> None:
    """Refuse a base that cannot fit, where the system tells what is free.

    Training takes about 3 times the float32 weights: them, their spare copy while loading, and the
    activations of a step. Raises :class:`TrainingError`.
    """
    need = 12 * parameters
    free = _free_bytes()
    if free is not None and free < need:
        raise TrainingError(
            f"There is too little memory: training this base takes about {need >> 20:,} MiB, and "
            f"{free >> 20:,} MiB are free."
        )


@contextmanager
def memory_told() -> Iterator[None]:
    """One sentence where the memory of the machine or of its GPU runs out meanwhile."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        kind, text = type(error).__name__, str(error)
        if kind not in ("MemoryError", "OutOfMemoryError") and "allocate memory" not in text:
            raise
        raise TrainingError(
            "The memory ran out. Fewer rows a step (facts_per_step, contrast_per_step in the "
            "recipe) take less; the run goes on with --resume where it has a checkpoint."
        ) from error


@contextmanager
def memory_kept() -> Iterator[None]:
    """What is freed meanwhile stays with this process (glibc; nothing happens elsewhere).

    Each step asks for the same memory again, and to be given new pages takes longer than much of
    what is computed on them: a step takes 6 % less.
    """
    try:
        libc = ctypes.CDLL(None)
        mallopt, trim = libc.mallopt, libc.malloc_trim
    except (OSError, TypeError, AttributeError):
        yield
        return
    mallopt(_TRIM_THRESHOLD, 1 << 30)
    mallopt(_MMAP_THRESHOLD, 1 << 30)
    try:
        yield
    finally:
        mallopt(_TRIM_THRESHOLD, 128 << 10)
        mallopt(_MMAP_THRESHOLD, 128 << 10)
        trim(0)


def _free_bytes() -> int | None:
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return None
    known: dict[str, Any] = dict(line.split(":", 1) for line in lines if ":" in line)
    try:
        return int(known["MemAvailable"].split()[0]) << 10
    except (LookupError, ValueError):
        return None
