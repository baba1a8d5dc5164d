"""Switches that must be set before torch and Hugging Face's libraries are imported.

No network, no telemetry, no parallel tokenizers, and threads that sleep soon when they wait.
"""

from __future__ import annotations

import os
import warnings
from typing import Final

from chatapp.engine.threads import SPIN, thread_count

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

WAITING: Final = {"OMP_WAIT_POLICY": "passive", "GOMP_SPINCOUNT": SPIN}
"""How threads wait that have nothing to do: for a moment awake, as the engine's do.

A step is thousands of short products. Woken for each of them, two threads take 1.6 times as long on
an idle machine; beside two busy programs they take 1.3 to 1.8 times as long if they wait awake.
"""


def world() -> tuple[int, int]:
    """This process's rank, and how many processes its launcher says there are (0, 1 alone)."""
    return int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))


def prepare(threads: int | None) -> int:
    """Set the switches; the number of threads that each process uses.

    Under a launcher several processes share the machine, so each gets its part of the cores.
    """
    os.environ.update(SWITCHES)
    _ours.update({name: text for name, text in WAITING.items() if name not in os.environ})
    os.environ.update(_ours)
    local = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    chosen = threads or max(1, thread_count() // local)
    os.environ["OMP_NUM_THREADS"] = str(chosen)
    for library in ("torch", "transformers", "trl", "peft", "accelerate"):
        warnings.filterwarnings("ignore", module=library)  # theirs, to those who call them
    return chosen


_ours: dict[str, str] = {}


def settle() -> None:
    """After torch is loaded, and has read them: the engine's process waits in its own way."""
    for name in (*_ours, "OMP_NUM_THREADS"):
        os.environ.pop(name, None)
    _ours.clear()
