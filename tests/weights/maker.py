"""Small synthetic files for the tests: GGUF files, wheels, catalogue entries."""

from __future__ import annotations

import hashlib
import struct
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from chatapp.engine.weights.catalogue import Entry, Source

U8, I32, U32, F32, BOOL, STRING, ARRAY, U64 = 0, 5, 4, 6, 7, 8, 9, 10


@dataclass
class Typed:
    """A metadata value with its GGUF type; for an array, ``items`` is the type of its entries."""

    kind: int
    value: object
    items: int = STRING


def text(value: str | bytes) -> bytes:
    raw = value.encode() if isinstance(value, str) else value
    return struct.pack("<Q", len(raw)) + raw


def scalar(kind: int, value: object) -> bytes:
    if kind == STRING:
        assert isinstance(value, str | bytes)
        return text(value)
    return struct.pack(
        "<" + {U8: "B", U32: "I", I32: "i", F32: "f", BOOL: "?", U64: "Q"}[kind], value
    )


def encode(value: Typed) -> bytes:
    if value.kind != ARRAY:
        return struct.pack("<I", value.kind) + scalar(value.kind, value.value)
    assert isinstance(value.value, list)
    head = struct.pack("<IIQ", ARRAY, value.items, len(value.value))
    return head + b"".join(scalar(value.items, item) for item in value.value)


TOKENS = ["<|end|>", "<|start|>", "a", "b", "Ġab", "é"]

METADATA: dict[str, Typed] = {
    "general.architecture": Typed(STRING, "llama"),
    "general.name": Typed(STRING, "Tiny"),
    "general.license": Typed(STRING, "apache-2.0"),
    "general.file_type": Typed(U32, 3),
    "llama.context_length": Typed(U32, 128),
    "llama.embedding_length": Typed(U32, 32),
    "llama.block_count": Typed(U32, 2),
    "llama.attention.head_count": Typed(U32, 4),
    "tokenizer.ggml.model": Typed(STRING, "gpt2"),
    "tokenizer.ggml.pre": Typed(STRING, "smollm"),
    "tokenizer.ggml.tokens": Typed(ARRAY, TOKENS),
    "tokenizer.ggml.token_type": Typed(ARRAY, [3, 3, 1, 1, 1, 1], I32),
    "tokenizer.ggml.merges": Typed(ARRAY, ["a b", "Ġ ab"]),
    "tokenizer.ggml.bos_token_id": Typed(U32, 1),
    "tokenizer.ggml.eos_token_id": Typed(U32, 0),
    "tokenizer.ggml.add_bos_token": Typed(BOOL, False),
    "tokenizer.chat_template": Typed(
        STRING, "{% for m in messages %}\n{{ m.content }}{% endfor %}"
    ),
}

#: name, shape, type, bytes: two Q4_1 rows of 32, and a row of F32
TENSORS = [("token_embd.weight", (32, 2), 3, 40), ("norm.weight", (32,), 0, 128)]


def gguf(
    metadata: Mapping[str, Typed] | None = None,
    tensors: list[tuple[str, tuple[int, ...], int, int]] | None = None,
    *,
    version: int = 3,
    alignment: int = 32,
) -> bytes:
    """A whole GGUF file, valid unless the arguments make it otherwise."""
    metadata = METADATA if metadata is None else metadata
    tensors = TENSORS if tensors is None else tensors
    out = b"GGUF" + struct.pack("<IQQ", version, len(tensors), len(metadata))
    for key, value in metadata.items():
        out += text(key) + encode(value)
    offset, data = 0, b""
    for name, shape, kind, size in tensors:
        out += text(name) + struct.pack("<I", len(shape))
        out += b"".join(struct.pack("<Q", dim) for dim in shape)
        out += struct.pack("<IQ", kind, offset)
        padded = -(-size // alignment) * alignment
        data += bytes(i % 251 for i in range(size)) + bytes(padded - size)
        offset += padded
    return out + bytes(-len(out) % alignment) + data


def changed(**values: Typed | None) -> dict[str, Typed]:
    """The metadata with some keys replaced (dots as double underscores) or left out (None)."""
    result = dict(METADATA)
    for name, value in values.items():
        key = name.replace("__", ".")
        if value is None:
            del result[key]
        else:
            result[key] = value
    return result


def wheel(folder: Path, name: str, members: Mapping[str, bytes], version: str = "1.0") -> Path:
    """A wheel that the real pip accepts."""
    module = name.replace("-", "_")
    info = f"{module}-{version}.dist-info"
    everything = {
        **members,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{path},,\n" for path in [*everything, f"{info}/RECORD"])
    path = folder / f"{module}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, content in {**everything, f"{info}/RECORD": record.encode()}.items():
            archive.writestr(member, content)
    return path


def entry(content: bytes, *sources: Source, name: str = "tiny", default: bool = False) -> Entry:
    """A catalogue entry for ``content``."""
    return Entry(
        name=name,
        file=f"{name}.gguf",
        sha256=hashlib.sha256(content).hexdigest(),
        bytes=len(content),
        licence="Apache-2.0",
        kind="instruct",
        parameters=96,
        trained_context=128,
        training_tokens=None,
        training_tokens_source=None,
        training_cutoff=None,
        training_cutoff_source=None,
        note="",
        sources=sources,
        default=default,
    )
