"""Read the header of a GGUF file: what the model says of itself, without its numbers.

A reader of our own, because the ``gguf`` package takes 4 s to read the default model's vocabulary
and trusts the file. This one takes a fraction of a second and treats every file as a stranger's:
no count or length that the file claims is believed before it was held against the file's size.
Whatever is wrong, the caller gets a :class:`~chatapp.errors.GGUFError` with one plain sentence.

Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md. Little-endian versions 2 and 3,
which are the ones llama.cpp loads; like llama.cpp it refuses arrays of arrays and repeated keys.
"""

from __future__ import annotations

import os
import stat
import struct
from pathlib import Path
from typing import BinaryIO

from chatapp.engine.weights.gguf_types import SCALARS, TENSOR_TYPES
from chatapp.engine.weights.header import Header, Tensor, Value
from chatapp.errors import GGUFError

__all__ = ["read_header"]

# Far above any real model, far below what would fill a computer's memory.
_MAX_HEADER = 256 * 2**20  # bytes
_MAX_STRING = 16 * 2**20  # bytes
_MAX_KEY = 65_535  # bytes; the format's own limit
_MAX_ITEMS = 4 * 2**20  # entries of one array; the largest vocabularies have 0.3 million
_MAX_KEYS = 65_536
_MAX_TENSORS = 131_072
_MAX_DIMS = 4  # llama.cpp's GGML_MAX_DIMS

_STRING, _ARRAY = 8, 9
_TOKENS, _TOKEN_TYPES = "tokenizer.ggml.tokens", "tokenizer.ggml.token_type"
_NEVER_DECODED = frozenset({"tokenizer.ggml.merges", "tokenizer.ggml.scores"})
_VOCABULARY = frozenset({_TOKENS, _TOKEN_TYPES})
_U32, _U64 = struct.Struct("<I"), struct.Struct("<Q")


def read_header(path: str | os.PathLike[str], *, with_vocabulary: bool = True) -> Header:
    """Read and check the header of the GGUF file at ``path``.

    ``with_vocabulary=False`` steps over the vocabulary as well, which is quicker. The arrays of
    merges and scores are stepped over always; ``Header.skipped`` says how long each was.
    Raises :class:`GGUFError` for anything that is not a complete, readable GGUF file.
    """
    path = Path(path)
    try:
        # Not blocking: a FIFO must be refused, not waited for.
        flags = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)
        with os.fdopen(os.open(path, flags), "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise GGUFError(f"{path} is not a file, so it cannot be a model.")
            return _read(_Reader(path, file, status.st_size), with_vocabulary)
    except IsADirectoryError:
        raise GGUFError(f"{path} is not a file, so it cannot be a model.") from None
    except FileNotFoundError:
        raise GGUFError(f"There is no file {path}.") from None
    except PermissionError:
        raise GGUFError(f"{path} may not be read by this user.") from None
    except (OSError, ValueError) as error:  # ValueError: a NUL byte in the path
        reason = getattr(error, "strerror", None) or error
        raise GGUFError(f"{str(path)!r} cannot be read: {reason}.") from None


class _Reader:
    """The front of a file, read as far as needed; ``at`` is the position in the file, in bytes."""

    def __init__(self, path: Path, file: BinaryIO, size: int) -> None:
        self.path, self.size, self.at = path, size, 0
        self._file = file
        self._seen = bytearray()

    def fail(self, why: str) -> GGUFError:
        return GGUFError(f"{self.path} is not a usable GGUF file: {why}.")

    def take(self, count: int) -> int:
        """Make ``count`` more bytes available, step over them, and return where they begin."""
        start, end = self.at, self.at + count
        if end > len(self._seen):
            self._load(end)
        self.at = end
        return start

    def _load(self, end: int) -> None:
        if end > self.size:
            raise self.fail("it ends in the middle, as a download does that broke off")
        if end > _MAX_HEADER:
            raise self.fail(f"its header claims more than {_MAX_HEADER >> 20} MiB")
        # Doubling: few reads for a long header, and never more than twice what is needed.
        self._seen += self._file.read(max(end, 2 * len(self._seen), 65_536) - len(self._seen))
        if end > len(self._seen):
            raise self.fail("it became shorter while it was read")

    def u32(self) -> int:
        return int(_U32.unpack_from(self._seen, self.take(4))[0])

    def u64(self) -> int:
        return int(_U64.unpack_from(self._seen, self.take(8))[0])

    def count(self, limit: int, least: int, what: str) -> int:
        """Read a number of things of at least ``least`` bytes each; check it before it is used."""
        count = self.u64()
        if count > limit:
            raise self.fail(f"it claims {count} {what}, which is not credible")
        if count * least > self.size - self.at:
            raise self.fail(f"it claims {count} {what}, but ends before they could fit")
        return count

    def text(self, limit: int = _MAX_STRING) -> str:
        """Read one string. Bytes that are not UTF-8 are shown as the replacement character."""
        length = self.count(limit, 1, "bytes of text in one piece")
        start = self.take(length)
        return self._seen[start : start + length].decode("utf-8", "replace")

    def scalar(self, code: str, width: int) -> int | float | bool:
        value: int | float | bool = struct.unpack_from("<" + code, self._seen, self.take(width))[0]
        return value

    def scalars(self, code: str, width: int, count: int) -> list[int] | list[float]:
        return list(struct.unpack_from(f"<{count}{code}", self._seen, self.take(width * count)))

    def texts(self, count: int, *, keep: bool) -> list[str]:
        """Read ``count`` strings, or step over them.

        The loop runs a quarter of a million times for a large vocabulary, so it works on locals.
        Bytes that are not UTF-8 become lone surrogates (``surrogateescape``): no two different
        tokens may come out equal, and a caller can get the bytes back.
        """
        found: list[str] = []
        seen, at, ready, unpack = self._seen, self.at, len(self._seen), _U64.unpack_from
        for _ in range(count):
            if at + 8 > ready:
                self._load(at + 8)
                ready = len(seen)
            length = unpack(seen, at)[0]
            at += 8
            if at + length > ready:
                self._load(at + length)
                ready = len(seen)
            if keep:
                found.append(seen[at : at + length].decode("utf-8", "surrogateescape"))
            at += length
        self.at = at
        return found


def _read(reader: _Reader, with_vocabulary: bool) -> Header:
    if reader.size == 0:
        raise reader.fail("it is empty")
    if reader.size < 24:
        raise reader.fail("it is too short")
    if reader.u32() != 0x46554747:  # "GGUF" read as a little-endian number
        raise reader.fail("it does not begin with the letters GGUF")
    version = reader.u32()
    if version & 0xFFFF == 0:
        raise reader.fail("its numbers are stored the other way round (big-endian)")
    if version not in (2, 3):
        raise reader.fail(f"it is of version {version}, and only 2 and 3 are known")
    tensor_count = reader.count(_MAX_TENSORS, 24, "tensors")
    key_count = reader.count(_MAX_KEYS, 13, "keys")
    never = _NEVER_DECODED if with_vocabulary else _NEVER_DECODED | _VOCABULARY
    metadata: dict[str, Value] = {}
    skipped: dict[str, int] = {}
    kinds: dict[str, int] = {}
    for _ in range(key_count):
        key = reader.text(_MAX_KEY)
        if key in metadata or key in skipped:
            raise reader.fail(f"it has the key {key!r} twice")
        kind = kinds[key] = reader.u32()
        if kind != _ARRAY:
            metadata[key] = _single(reader, key, kind)
            continue
        values, count = _array(reader, key, keep=key not in never)
        if key in never:
            skipped[key] = count
        else:
            metadata[key] = values
    if not isinstance(metadata.get("general.architecture"), str):
        raise reader.fail("it does not name its architecture")
    _check_vocabulary(reader, metadata)
    tensors, data = _tensors(reader, tensor_count, metadata)
    return Header(
        reader.path,
        version,
        reader.size,
        metadata,
        tensors,
        skipped,
        with_vocabulary,
        kinds=kinds,
        data=data,
    )


def _single(reader: _Reader, key: str, kind: int) -> str | int | float | bool:
    if kind == _STRING:
        return reader.text()
    if kind not in SCALARS:
        raise reader.fail(f"the value of {key!r} is of the unknown kind {kind}")
    return reader.scalar(*SCALARS[kind])


def _array(reader: _Reader, key: str, *, keep: bool) -> tuple[Value, int]:
    kind = reader.u32()
    if kind == _STRING:
        count = reader.count(_MAX_ITEMS, 8, f"entries under {key!r}")
        return reader.texts(count, keep=keep), count
    if kind not in SCALARS:
        what = "other arrays" if kind == _ARRAY else f"the unknown kind {kind}"
        raise reader.fail(f"the array {key!r} is made of {what}")
    code, width = SCALARS[kind]
    count = reader.count(_MAX_ITEMS, width, f"entries under {key!r}")
    if keep:
        return reader.scalars(code, width, count), count
    reader.take(width * count)
    return [], count


def _check_vocabulary(reader: _Reader, metadata: dict[str, Value]) -> None:
    """What :class:`Header` promises of the vocabulary must hold: texts, and a kind for each."""
    tokens, kinds = metadata.get(_TOKENS, []), metadata.get(_TOKEN_TYPES, [])
    if not isinstance(tokens, list) or any(not isinstance(token, str) for token in tokens):
        raise reader.fail("its vocabulary is not a list of texts")
    if not isinstance(kinds, list) or any(type(kind) is not int for kind in kinds):
        raise reader.fail("its list of token kinds is not a list of numbers")
    if tokens and kinds and len(tokens) != len(kinds):
        raise reader.fail(f"it has {len(tokens)} tokens but the kinds of {len(kinds)}")


def _tensors(
    reader: _Reader, count: int, metadata: dict[str, Value]
) -> tuple[tuple[Tensor, ...], int]:
    """The tensors, and where in the file their numbers begin."""
    tensors: list[Tensor] = []
    names: set[str] = set()
    sizes: list[int] = []
    for _ in range(count):
        name = reader.text(_MAX_KEY)
        if name in names:
            raise reader.fail(f"it has the tensor {name!r} twice")
        names.add(name)
        dims = reader.u32()
        if dims > _MAX_DIMS:
            raise reader.fail(f"the tensor {name!r} claims {dims} dimensions")
        shape = tuple(reader.u64() for _ in range(dims))
        kind = reader.u32()
        if kind not in TENSOR_TYPES:
            raise reader.fail(f"the tensor {name!r} is of the unknown kind {kind}")
        tensor = Tensor(name, shape, TENSOR_TYPES[kind].name, reader.u64())
        block, width = TENSOR_TYPES[kind].block, TENSOR_TYPES[kind].bytes
        if tensor.elements >= 2**63 or (shape and shape[0] % block):
            raise reader.fail(f"the tensor {name!r} has an impossible shape")
        tensors.append(tensor)
        sizes.append(tensor.elements // block * width)
    alignment = metadata.get("general.alignment", 32)
    if type(alignment) is not int or alignment < 1 or alignment & (alignment - 1):
        raise reader.fail(f"its alignment is {alignment!r}, which is not a power of two")
    data = -(-reader.at // alignment) * alignment
    expected = 0
    for tensor, size in zip(tensors, sizes, strict=True):
        # llama.cpp wants them one after the other, so anything else is a lie about the place.
        if tensor.offset != expected:
            raise reader.fail(f"the tensor {tensor.name!r} is not where it should be")
        if data + expected + size > reader.size:
            raise reader.fail(f"it ends before the numbers of {tensor.name!r}; it was cut short")
        expected += -(-size // alignment) * alignment
    return tuple(tensors), data
