"""A second implementation of the network, in NumPy, from the same GGUF file.

Written from the architecture's definition (RMS norm, rotary embedding, grouped-query attention,
SwiGLU) to check chatapp's numbers against. It shares no line with llama.cpp: weights are unpacked
by the ``gguf`` package, everything is computed in float32, and nothing is cached.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from gguf import GGUFReader
from gguf.quants import dequantize
from numpy.typing import NDArray

Array = NDArray[np.float32]


class Reference:
    """A model of architecture ``llama``."""

    def __init__(self, path: Path) -> None:
        reader = GGUFReader(path)

        def value(name: str) -> Any:
            field = reader.fields[f"llama.{name}"]
            return field.parts[field.data[0]][0]

        self.layers = int(value("block_count"))
        self.heads = int(value("attention.head_count"))
        self.kv_heads = int(value("attention.head_count_kv"))
        self.epsilon = float(value("attention.layer_norm_rms_epsilon"))
        self.base = float(value("rope.freq_base"))
        self.weights: dict[str, Array] = {
            tensor.name: dequantize(tensor.data, tensor.tensor_type).astype(np.float32)
            for tensor in reader.tensors
        }

    def logprobs(self, tokens: Sequence[int]) -> Array:
        """Log-probabilities (nats) after each token: shape (tokens, vocabulary)."""
        w = self.weights
        x = w["token_embd.weight"][np.asarray(tokens)]
        for n in range(self.layers):
            block = f"blk.{n}."
            x = x + self._attention(self._norm(x, w[block + "attn_norm.weight"]), block)
            y = self._norm(x, w[block + "ffn_norm.weight"])
            gate = y @ w[block + "ffn_gate.weight"].T
            gate = gate / (1 + np.exp(-gate))
            x = x + (gate * (y @ w[block + "ffn_up.weight"].T)) @ w[block + "ffn_down.weight"].T
        head = w.get("output.weight", w["token_embd.weight"])
        logits = self._norm(x, w["output_norm.weight"]) @ head.T
        logits -= logits.max(axis=1, keepdims=True)
        found: Array = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
        return found

    def _norm(self, x: Array, weight: Array) -> Array:
        found: Array = x / np.sqrt((x * x).mean(axis=1, keepdims=True) + self.epsilon) * weight
        return found

    def _attention(self, x: Array, block: str) -> Array:
        w = self.weights
        length = len(x)
        width = w[block + "attn_q.weight"].shape[0] // self.heads

        def heads(name: str, count: int) -> Array:
            return (x @ w[block + name].T).reshape(length, count, width).transpose(1, 0, 2)

        q = self._rotated(heads("attn_q.weight", self.heads))
        k = self._rotated(heads("attn_k.weight", self.kv_heads))
        v = heads("attn_v.weight", self.kv_heads)
        group = self.heads // self.kv_heads
        k, v = k.repeat(group, axis=0), v.repeat(group, axis=0)
        scores = q @ k.transpose(0, 2, 1) / np.sqrt(np.float32(width))
        scores = np.where(np.tri(length, dtype=bool), scores, np.float32(-np.inf))
        scores = np.exp(scores - scores.max(axis=2, keepdims=True))
        scores /= scores.sum(axis=2, keepdims=True)
        mixed = (scores @ v).transpose(1, 0, 2).reshape(length, self.heads * width)
        found: Array = mixed @ w[block + "attn_output.weight"].T
        return found

    def _rotated(self, x: Array) -> Array:
        """Rotary position embedding on neighbouring pairs, as these GGUF files store them."""
        length, width = x.shape[1:]
        angles = np.arange(length)[:, None] * self.base ** (-np.arange(0, width, 2) / width)
        cos, sin = np.cos(angles).astype(np.float32), np.sin(angles).astype(np.float32)
        even, odd = x[:, :, 0::2], x[:, :, 1::2]
        found = np.empty_like(x)
        found[:, :, 0::2] = even * cos - odd * sin
        found[:, :, 1::2] = even * sin + odd * cos
        return found
