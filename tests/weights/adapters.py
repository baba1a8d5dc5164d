"""Small LoRA adapters for a real base, as the fine-tuning job writes them: random, zero, broken."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import gguf
import numpy as np
from numpy.typing import NDArray

from chatapp.engine.weights.gguf import read_header

Numbers = NDArray[Any]
Tensors = dict[str, Numbers]

TARGETS = ("attn_q", "attn_v", "ffn_down")
RANK = 4


def lora(
    base: Path,
    *,
    seed: int = 0,
    size: float = 0.05,
    rank: int = RANK,
    targets: tuple[str, ...] = TARGETS,
    kind: type[np.floating[Any]] = np.float32,
) -> Tensors:
    """Random factors for the base's matrices called ``targets``; ``size`` 0 makes it change
    nothing. In numpy's order: A is (rank, columns), B is (rows, rank)."""
    random = np.random.default_rng(seed)
    found: Tensors = {}
    for tensor in read_header(base, with_vocabulary=False).tensors:
        if tensor.name.split(".")[-2] not in targets:
            continue
        columns, rows = tensor.shape
        a = random.normal(0, columns**-0.5, (rank, columns))
        b = random.normal(0, size, (rows, rank)) if size else np.zeros((rows, rank))
        found[f"{tensor.name}.lora_a"] = a.astype(kind)
        found[f"{tensor.name}.lora_b"] = b.astype(kind)
    return found


def write(
    path: Path,
    tensors: Mapping[str, Numbers],
    *,
    base: Path | None = None,
    base_sha256: str | None = None,
    architecture: str = "llama",
    alpha: float | None = 8.0,
    change: Callable[[gguf.GGUFWriter], None] | None = None,
    file_type: str = "adapter",
    adapter_type: str = "lora",
) -> Path:
    """Write an adapter; ``base`` (or ``base_sha256``) is named in it as the one it fits."""
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_string("general.type", file_type)
    writer.add_string("adapter.type", adapter_type)
    if alpha is not None:
        writer.add_float32("adapter.lora.alpha", alpha)
    if base is not None:
        base_sha256 = hashlib.sha256(base.read_bytes()).hexdigest()
    if base_sha256 is not None:
        writer.add_string("chatapp.base.sha256", base_sha256)
    if change is not None:
        change(writer)
    for name, numbers in tensors.items():
        writer.add_tensor(name, numbers)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def folder(
    models: Path, name: str, base: Path, *, seed: int = 0, size: float = 0.05, **provenance: Any
) -> Path:
    """An adapter in its folder as the fine-tuning job leaves it; ``provenance`` is written beside
    it (``status`` and so on). Returns the adapter's file."""
    path = write(
        models / "adapters" / name / "adapter.gguf", lora(base, seed=seed, size=size), base=base
    )
    if provenance:
        (path.parent / "provenance.json").write_text(json.dumps(provenance), "utf-8")
    return path
