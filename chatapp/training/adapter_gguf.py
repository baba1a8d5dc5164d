"""An adapter as llama.cpp reads it, with what it rests on written inside.

Tensors are ``blk.N.<part>.weight.lora_a`` (rank, in) and ``.lora_b`` (out, rank), float32. Rows of
q and k stand as in the base's GGUF: rotary pairs side by side. The file holds no time, so the same
training gives the same bytes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from chatapp.errors import TrainingError
from chatapp.training.base import LAYERS, together

_NAME: Final = re.compile(
    r"(?:base_model\.model\.)?model\.layers\.(\d+)\.(.+)\.lora_([AB])\.weight"
)
_PARTS: Final = {hf: part for part, hf in LAYERS.items()}


def write_adapter(
    path: Path,
    state: Mapping[str, Any],
    *,
    heads: int,
    kv_heads: int,
    alpha: float,
    name: str,
    told: Mapping[str, str | int],
) -> None:
    """Write PEFT's tensors ``state`` (name → array (out, in)) as an adapter for ``llama``.

    ``told`` are further keys: ``chatapp.base.sha256`` and its kin. Raises :class:`TrainingError`.
    """
    import gguf
    import numpy as np

    try:
        writer = gguf.GGUFWriter(path, "llama")
        writer.add_type(gguf.GGUFType.ADAPTER)
        writer.add_name(name)
        writer.add_string("adapter.type", "lora")
        writer.add_float32("adapter.lora.alpha", alpha)
        for key, value in sorted(told.items()):
            if isinstance(value, int):
                writer.add_uint64(key, value)
            else:
                writer.add_string(key, value)
        for hf, values in sorted(state.items()):
            match = _NAME.fullmatch(hf)
            if match is None or match[2] not in _PARTS:
                raise TrainingError(f"The adapter has a part that llama.cpp cannot read: {hf}.")
            part, side = _PARTS[match[2]], match[3]
            array = np.ascontiguousarray(np.asarray(values, dtype=np.float32))
            if side == "B" and part in ("attn_q", "attn_k"):
                array = together(array, heads if part == "attn_q" else kv_heads)
            writer.add_tensor(
                f"blk.{match[1]}.{part}.weight.lora_{side.lower()}", np.ascontiguousarray(array)
            )
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
    except OSError as error:
        raise TrainingError(f"{path} cannot be written: {error.strerror or error}.") from error
