"""A whole model file with the adapter worked in: for programs that load no adapters.

Rounded to Q8_0 or F16. Rounded back to 4 bits, what was learnt is lost: the change is smaller than
the steps of such a grid (measured: 0 of 8 corrections survive Q4_1, 8 of 8 Q8_0).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from chatapp.errors import TrainingError

KINDS: Final = {"Q8_0": 7, "F16": 1}
"""Names, and llama.cpp's numbers for a file that is mostly of them. ``same`` (for measuring what is
lost) rounds each tensor back to the type that it has in the base."""


def write_merged(
    path: Path, base: Path, adapter: Path, kind: str, told: Mapping[str, str | int]
) -> None:
    """Write ``base`` + ``adapter`` as one GGUF file. Raises :class:`TrainingError`."""
    import gguf
    import numpy as np
    from gguf.quants import dequantize, quantize

    source, low = gguf.GGUFReader(base), gguf.GGUFReader(adapter)
    pairs = {tensor.name: dequantize(tensor.data, tensor.tensor_type) for tensor in low.tensors}
    alpha = float(low.fields["adapter.lora.alpha"].contents())
    try:
        writer = gguf.GGUFWriter(path, str(source.fields["general.architecture"].contents()))
        _copy_keys(writer, source, {"general.file_type": KINDS[kind]} if kind in KINDS else {})
        for key, value in sorted(told.items()):
            writer.add_uint64(key, value) if isinstance(value, int) else writer.add_string(
                key, value
            )
        for tensor in source.tensors:
            values = dequantize(tensor.data, tensor.tensor_type)
            if f"{tensor.name}.lora_a" in pairs:
                a, b = pairs[f"{tensor.name}.lora_a"], pairs[f"{tensor.name}.lora_b"]
                values = values + (alpha / a.shape[0]) * (b @ a)
            values = np.ascontiguousarray(values, dtype=np.float32)
            if values.ndim < 2:
                writer.add_tensor(tensor.name, values)
            else:
                type_ = gguf.GGMLQuantizationType[kind] if kind in KINDS else tensor.tensor_type
                writer.add_tensor(tensor.name, quantize(values, type_), raw_dtype=type_)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
    except OSError as error:
        path.unlink(missing_ok=True)
        raise TrainingError(f"{path} cannot be written: {error.strerror or error}.") from error


def _copy_keys(writer: Any, source: Any, instead: Mapping[str, int]) -> None:
    import gguf

    for field in source.fields.values():
        if field.name.startswith("GGUF.") or field.name == "general.architecture":
            continue
        if field.name in instead:
            writer.add_uint32(field.name, instead[field.name])
            continue
        kind = field.types[0]
        sub = field.types[-1] if kind == gguf.GGUFValueType.ARRAY else None
        writer.add_key_value(field.name, field.contents(), kind, sub_type=sub)
