"""LoRA adapters: small files of numbers that are added to a base model's while it computes.

For some matrices W of the base a LoRA file holds two thin ones, A and B, and the model computes
with ``W + scale · alpha/rank · B·A`` (Hu et al., 2021, https://arxiv.org/abs/2106.09685). The
base's file is neither copied nor changed.

llama.cpp takes much on trust here: numbers of an odd type, or factors for tied token embeddings,
end its process at the next token; not-a-number spreads in silence. So every file is checked whole
before llama.cpp sees it. Adapters do not say which weights they fit but by their shapes, which many
models share; ours carry the base's SHA-256 under :data:`BASE_KEY`.
"""

from __future__ import annotations

import hashlib
import math
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

from chatapp.engine.weights.gguf import read_header
from chatapp.engine.weights.gguf_types import TENSOR_TYPES
from chatapp.engine.weights.header import Header, Tensor
from chatapp.errors import AdapterError, GGUFError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["BASE_KEY", "AdapterFile", "check_adapter", "name_of"]

BASE_KEY: Final = "chatapp.base.sha256"
"""The key that holds the SHA-256 (hex) of the weight file that an adapter was trained on."""
FILE: Final = "adapter.gguf"
"""What the fine-tuning job calls an adapter's file, in a folder of the adapter's name."""

_ALPHA: Final = "adapter.lora.alpha"
_FLOAT32: Final = 6  # GGUF's number for the type; llama.cpp aborts on any other
_TYPES: Final = {kind.name: kind for kind in TENSOR_TYPES.values()}
_USABLE: Final = ("F32", "F16", "BF16", "Q8_0")
_EMBEDDINGS: Final = "token_embd.weight"


@dataclass(frozen=True, slots=True)
class AdapterFile:
    """A LoRA file that was found whole and fitting. ``size`` in bytes, ``sha256`` of the file.

    ``base`` is the SHA-256 of the weights it was made for, None if the file does not say.
    ``rank`` is the largest inner dimension; ``matrices`` counts those of the base it adds to, and
    ``parameters`` its own numbers.
    """

    path: Path
    size: int
    sha256: str
    base: str | None
    alpha: float
    rank: int
    matrices: int
    parameters: int
    identity: tuple[int, int, int]
    """Size, time of change and inode, as they were while it was read."""

    @property
    def name(self) -> str:
        return name_of(self.path)

    def unchanged(self) -> bool:
        """Whether the file on disk is still the one that was read."""
        try:
            return _identity(os.stat(self.path)) == self.identity
        except OSError:
            return False


def name_of(path: Path) -> str:
    """How an adapter is called: its folder's name where it lies in one of its own."""
    return path.parent.name if path.name == FILE and path.parent.name else path.stem


def check_adapter(path: Path, base: Header, base_sha256: Callable[[], str]) -> AdapterFile:
    """Read an adapter whole and hold it against the header of the base it is meant for.

    ``base_sha256`` is asked only if the file names its base. Raises :class:`AdapterError` or
    :class:`GGUFError` with one sentence.
    """
    header = read_header(path, with_vocabulary=False)
    name = name_of(path)
    alpha = _check_kind(header, name)
    # What the file says of its base comes first: a wrong base explains everything that follows.
    named = _named_base(header, name)
    if named is not None and named != base_sha256():
        raise AdapterError(
            f"{name} was made for other weights (SHA-256 {named[:8]}…), so it does not fit these.",
            other_base=True,
        )
    if header.architecture != base.architecture:
        raise AdapterError(
            f"{name} was made for a model of the kind {header.architecture!r}, and this one is "
            f"{base.architecture!r}.",
            other_base=True,
        )
    pairs = _pairs(header, name)
    _check_shapes(pairs, {tensor.name: tensor for tensor in base.tensors}, name)
    sha256, identity = _read_numbers(header, name)
    return AdapterFile(
        path=path,
        size=header.size,
        sha256=sha256,
        base=named,
        alpha=alpha,
        rank=max(a.shape[1] for a, _ in pairs.values()),
        matrices=len(pairs),
        parameters=header.parameters,
        identity=identity,
    )


def _check_kind(header: Header, name: str) -> float:
    """That it is a LoRA adapter at all; its alpha."""
    if header.file_kind != "adapter":
        raise AdapterError(f"{header.path} is a {header.file_kind}, not an adapter.")
    kind = header.metadata.get("adapter.type")
    if kind != "lora" or "adapter.alora.invocation_tokens" in header.metadata:
        raise AdapterError(f"{name} is an adapter of another kind than LoRA.")
    alpha = header.metadata.get(_ALPHA)
    if not isinstance(alpha, float) or header.kinds.get(_ALPHA) != _FLOAT32:
        raise AdapterError(f"{name} does not say its alpha as a 32-bit number.")
    if not math.isfinite(alpha) or alpha <= 0:
        raise AdapterError(f"The alpha of {name} is {alpha:g}, and must be above 0.")
    return alpha


def _named_base(header: Header, name: str) -> str | None:
    named = header.metadata.get(BASE_KEY)
    if named is None or (isinstance(named, str) and len(named) == 64):
        return named
    raise AdapterError(f"{name} names its base in a way that is no SHA-256.")


def _pairs(header: Header, name: str) -> Mapping[str, tuple[Tensor, Tensor]]:
    """The two factors for each matrix of the base, by its name."""
    sides: dict[str, dict[str, Tensor]] = {".lora_a": {}, ".lora_b": {}}
    for tensor in header.tensors:
        matrix, side = tensor.name[:-7], tensor.name[-7:]
        if side not in sides:
            raise AdapterError(f"{name} holds {tensor.name!r}, which is no part of a LoRA.")
        if tensor.type not in _USABLE:
            raise AdapterError(f"{name} holds numbers of the type {tensor.type}, unusable here.")
        sides[side][matrix] = tensor
    a, b = sides.values()
    if odd := sorted(a.keys() ^ b.keys()):
        raise AdapterError(f"{name} holds only one of the two factors for {odd[0]!r}.")
    if not a:
        raise AdapterError(f"{name} holds no numbers at all.")
    return {matrix: (a[matrix], b[matrix]) for matrix in a}


def _check_shapes(
    pairs: Mapping[str, tuple[Tensor, Tensor]], base: Mapping[str, Tensor], name: str
) -> None:
    for matrix, (a, b) in pairs.items():
        if matrix == _EMBEDDINGS:
            # llama.cpp uses tied embeddings a second time, at the output, where they do not fit.
            raise AdapterError(f"{name} changes the token embeddings, which chatapp cannot do.")
        if matrix not in base:
            raise AdapterError(f"{name} adds to {matrix!r}, which these weights lack.",
                               other_base=True)  # fmt: skip
        columns, rows, *more = _dims(base[matrix])
        if rows == 1:
            raise AdapterError(f"{name} adds to {matrix!r}, which is no matrix.")
        (inner, rank, *a_more), (b_inner, outer, *b_more) = _dims(a), _dims(b)
        if not rank or rank != b_inner:
            raise AdapterError(f"The two factors for {matrix!r} in {name} do not fit each other.")
        if (inner, outer) != (columns, rows) or a_more != more or b_more != more:
            raise AdapterError(
                f"{name} was made for a model of other sizes: for {matrix!r} it holds "
                f"{inner} by {outer}, and these weights {columns} by {rows}.",
                other_base=True,
            )


def _dims(tensor: Tensor) -> list[int]:
    """The shape as llama.cpp has it: always four numbers, columns first."""
    return [*tensor.shape, 1, 1, 1, 1][:4]


def _read_numbers(header: Header, name: str) -> tuple[str, tuple[int, int, int]]:
    """Look at every number; the file's SHA-256 and identity."""
    try:
        with header.path.open("rb") as file:
            before = _identity(os.fstat(file.fileno()))
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
            for tensor in header.tensors:
                if not _finite(file, header.data + tensor.offset, tensor):
                    raise AdapterError(
                        f"{name} is damaged: {tensor.name!r} holds what is not a number."
                    )
            if before[0] != header.size or before != _identity(os.fstat(file.fileno())):
                raise GGUFError(f"{header.path} was changed while it was read.")
    except OSError as error:
        raise GGUFError(f"{header.path} cannot be read: {error.strerror}.") from None
    return sha256, before


def _finite(file: BinaryIO, at: int, tensor: Tensor) -> bool:
    import numpy as np

    packing = _TYPES[tensor.type]
    file.seek(at)
    raw = file.read(tensor.elements // packing.block * packing.bytes)
    if tensor.type == "BF16":
        return bool(((np.frombuffer(raw, "<u2") & 0x7F80) != 0x7F80).all())
    numbers: NDArray[np.floating]
    if tensor.type == "Q8_0":  # whole numbers in blocks, each with a scale before them
        numbers = np.frombuffer(raw, [("scale", "<f2"), ("items", "i1", 32)])["scale"]
    else:
        numbers = np.frombuffer(raw, "<f4" if tensor.type == "F32" else "<f2")
    return bool(np.isfinite(numbers).all())


def _identity(status: os.stat_result) -> tuple[int, int, int]:
    return (status.st_size, status.st_mtime_ns, status.st_ino)
