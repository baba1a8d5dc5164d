"""Switches that must be set before torch and Hugging Face's libraries are imported.

No network, no telemetry, no parallel tokenizers, and threads that sleep while they wait.
"""

from __future__ import annotations

import os
from typing import Final

from chatapp.engine.threads import set_waiting, thread_count

SWITCHES: Final = {
    "HF_HUB_OFFLINE": "1",
    "HF_DATASETS_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "DO_NOT_TRACK": "1",
    "TRL_EXPERIMENTAL_SILENCE": "1",
    "TRANSFORMERS_VERBOSITY": "error",
    "TOKENIZERS_PARALLELISM": "false",
    "WANDB_DISABLED": "true",
}


def world() -> tuple[int, int]:
    """This process's rank, and how many processes its launcher says there are (0, 1 alone)."""
    return int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))


def prepare(threads: int | None) -> int:
    """Set the switches; the number of threads that each process uses.

    Under a launcher several processes share the machine, so each gets its part of the cores.
    """
    os.environ.update(SWITCHES)
    set_waiting(os.environ)
    local = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    chosen = threads or max(1, thread_count() // local)
    os.environ["OMP_NUM_THREADS"] = str(chosen)
    return chosen
