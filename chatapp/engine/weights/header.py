"""What a GGUF file says of itself, as plain values."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from chatapp.engine.weights.gguf_types import FILE_TYPES

__all__ = ["Header", "Tensor", "Value"]

_NOT_READ = "the vocabulary was not read: call read_header(path, with_vocabulary=True)"

Value = str | int | float | bool | list[str] | list[int] | list[float]


@dataclass(frozen=True, slots=True)
class Tensor:
    """One named block of the model's numbers; ``offset`` is in bytes from the first block."""

    name: str
    shape: tuple[int, ...]
    type: str
    offset: int

    @property
    def elements(self) -> int:
        """How many numbers it holds."""
        return math.prod(self.shape)


@dataclass(frozen=True, slots=True)
class Header:
    """The header of one GGUF file. ``size`` is the file's, in bytes.

    ``metadata`` holds every key as the file has it, except those in ``skipped``, which were
    stepped over (value: how many entries). ``kinds`` are the format's numbers for the types of the
    keys' values; ``data`` is where in the file the tensors' numbers begin, in bytes.
    A property is None where the file does not say.
    """

    path: Path
    version: int
    size: int
    metadata: Mapping[str, Value] = field(repr=False)
    tensors: tuple[Tensor, ...] = field(repr=False)
    skipped: Mapping[str, int] = field(repr=False)
    with_vocabulary: bool
    kinds: Mapping[str, int] = field(default_factory=dict, repr=False)
    data: int = 0

    def _text(self, key: str) -> str | None:
        value = self.metadata.get(key)
        return value if isinstance(value, str) else None

    def _number(self, key: str) -> int | None:
        value = self.metadata.get(key)
        if isinstance(value, list):  # some architectures give one number per block
            numbers = [item for item in value if type(item) is int]
            return max(numbers, default=None)
        return value if type(value) is int else None

    @property
    def architecture(self) -> str:
        """``general.architecture``; always there in a header that was read."""
        return self._text("general.architecture") or ""

    @property
    def name(self) -> str | None:
        return self._text("general.name")

    @property
    def file_kind(self) -> str:
        """``model``, ``adapter`` (a LoRA file), ``mmproj`` …"""
        return self._text("general.type") or "model"

    @property
    def quantisation(self) -> str | None:
        """How the numbers are rounded, for example ``Q4_1``.

        ``general.file_type`` where the file has it, else what most of its numbers are stored as.
        """
        number = self._number("general.file_type")
        if number in FILE_TYPES:
            return FILE_TYPES[number]
        counts: Counter[str] = Counter()
        for tensor in self.tensors:
            counts[tensor.type] += tensor.elements
        return counts.most_common(1)[0][0] if counts else None

    @property
    def parameters(self) -> int:
        """How many numbers the file holds, counted from the shapes of its tensors."""
        return sum(tensor.elements for tensor in self.tensors)

    @property
    def trained_context(self) -> int | None:
        """The longest prompt in training, in tokens."""
        return self._number(f"{self.architecture}.context_length")

    @property
    def embedding(self) -> int | None:
        return self._number(f"{self.architecture}.embedding_length")

    @property
    def blocks(self) -> int | None:
        return self._number(f"{self.architecture}.block_count")

    @property
    def heads(self) -> int | None:
        return self._number(f"{self.architecture}.attention.head_count")

    @property
    def chat_template(self) -> str | None:
        """Jinja source, or None: a base model, which was never taught to hold a conversation."""
        return self._text("tokenizer.chat_template")

    @property
    def licence(self) -> str | None:
        return self._text("general.license")

    @property
    def tokenizer_model(self) -> str | None:
        """``gpt2`` (byte-level BPE), ``llama`` (SentencePiece), …"""
        return self._text("tokenizer.ggml.model")

    @property
    def tokenizer_pre(self) -> str | None:
        """Name of the rule that cuts text before BPE, for example ``smollm``."""
        return self._text("tokenizer.ggml.pre")

    @property
    def tokens(self) -> list[str]:
        """The vocabulary, by id; bytes that are not UTF-8 stand as lone surrogates.

        Raises :class:`ValueError` if the header was read without the vocabulary.
        """
        if not self.with_vocabulary:
            raise ValueError(_NOT_READ)
        value = self.metadata.get("tokenizer.ggml.tokens", [])
        return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []

    @property
    def token_types(self) -> list[int]:
        """By id: 1 normal, 2 unknown, 3 control, 4 user-defined, 5 unused, 6 byte.

        Raises :class:`ValueError` if the header was read without the vocabulary.
        """
        if not self.with_vocabulary:
            raise ValueError(_NOT_READ)
        value = self.metadata.get("tokenizer.ggml.token_type", [])
        return [item for item in value if type(item) is int] if isinstance(value, list) else []

    @property
    def vocabulary_size(self) -> int:
        """How many tokens the model knows; there whether or not the vocabulary was read."""
        key = "tokenizer.ggml.tokens"
        value = self.metadata.get(key)
        return len(value) if isinstance(value, list) else self.skipped.get(key, 0)

    @property
    def bos_id(self) -> int | None:
        """Id of the token that marks the beginning of a text."""
        return self._number("tokenizer.ggml.bos_token_id")

    @property
    def eos_id(self) -> int | None:
        """Id of the token that marks the end of a text."""
        return self._number("tokenizer.ggml.eos_token_id")

    @property
    def add_bos(self) -> bool | None:
        """Whether a prompt begins with the token ``bos_id``; None if the file does not say."""
        value = self.metadata.get("tokenizer.ggml.add_bos_token")
        return value if isinstance(value, bool) else None
