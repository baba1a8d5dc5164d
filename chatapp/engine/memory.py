"""What a context window takes in memory, and how much there is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final, Literal, TypeVar, get_args

from chatapp.errors import EngineError

KvType = Literal["f16", "f32", "q8_0"]
"""How the numbers of the KV cache are kept: 16 bits each, 32 bits, or 8 bits in blocks of 32."""

KV_TYPES: Final[tuple[KvType, ...]] = get_args(KvType)

Q8_BLOCK: Final = 32
"""Numbers that one scale stands for in ``q8_0``; an attention head must be a multiple of it."""

_BYTES: Final[Mapping[str, float]] = {"f16": 2, "f32": 4, "q8_0": 34 / Q8_BLOCK}

_Found = TypeVar("_Found")


@dataclass(frozen=True, slots=True)
class CacheShape:
    """What one token leaves in the KV cache: per layer and KV head, a key and a value."""

    layers: int
    heads: int
    key: int
    value: int

    def bytes(self, window: int, kv_type: KvType) -> int:
        """Bytes of the whole cache for a window in tokens."""
        numbers = self.layers * self.heads * (self.key + self.value)
        return int(numbers * _BYTES[kv_type]) * window

    def check(self, window: int, kv_type: KvType, free: int | None) -> int:
        """Bytes of the cache. Raises :class:`EngineError` if it cannot be had here.

        ``free`` is the memory there is, None where that cannot be told (and nothing is refused).
        """
        if kv_type == "q8_0" and (self.key % Q8_BLOCK or self.value % Q8_BLOCK):
            raise EngineError(
                f"This model's attention heads hold {self.key} numbers, and q8_0 packs them by "
                f"{Q8_BLOCK}: choose the KV cache type f16.",
                kind="settings",
            )
        needed = self.bytes(window, kv_type)
        if free is not None and needed > free:
            raise EngineError(
                f"A window of {window:,} tokens takes {size(needed)} of memory, and only "
                f"{size(free)} are free here: choose a smaller window.",
                kind="memory",
            )
        return needed


def size(count: int) -> str:
    """A number of bytes as people say it: ``98 MB`` (a million bytes each)."""
    for unit, factor in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= factor:
            digits = 1 if unit == "GB" and count < 100 * factor else 0
            return f"{count / factor:,.{digits}f} {unit}"
    return f"{count} bytes"


def available(root: Path = Path("/")) -> int | None:
    """Bytes that a new process could take now; None where the system does not tell.

    The least of what Linux calls available and what the container (cgroup v2) has left.
    """
    known = [_meminfo(root, "MemAvailable"), *(_left(group) for group in _groups(root))]
    return min((count for count in known if count is not None), default=None)


def total(root: Path = Path("/")) -> int | None:
    """Bytes of memory in this machine; None where the system does not tell."""
    return _meminfo(root, "MemTotal")


def container_limit(root: Path = Path("/")) -> int | None:
    """Bytes that the container may take in all; None without a limit."""
    known = [_number(group / "memory.max") for group in _groups(root)]
    return min((count for count in known if count is not None), default=None)


def _meminfo(root: Path, name: str) -> int | None:
    found = _pairs(root / "proc/meminfo").get(name + ":")
    return None if found is None else found * 1024


def _groups(root: Path) -> Iterator[Path]:
    """The control groups of this process, from its own up to the top."""
    top = root / "sys/fs/cgroup"
    own = _read(root / "proc/self/cgroup", _own_group) or "/"
    path = PurePosixPath(own)
    yield from (top.joinpath(*group.parts[1:]) for group in (path, *path.parents))


def _own_group(text: str) -> str:
    return next(line[3:] for line in text.splitlines() if line.startswith("0::/"))


def _left(group: Path) -> int | None:
    """What a group may still take. File pages that can be dropped at once count as free."""
    limit, used = _number(group / "memory.max"), _number(group / "memory.current")
    if limit is None or used is None:
        return None
    droppable = _pairs(group / "memory.stat").get("inactive_file", 0)
    return max(limit - max(used - droppable, 0), 0)


def _number(path: Path) -> int | None:
    return _read(path, int)  # "max" is no number, and no limit


def _pairs(path: Path) -> dict[str, int]:
    def parse(text: str) -> dict[str, int]:
        rows = (line.split() for line in text.splitlines())
        return {row[0]: int(row[1]) for row in rows if len(row) >= 2}

    return _read(path, parse) or {}


def _read(path: Path, parse: Callable[[str], _Found]) -> _Found | None:
    try:
        return parse(path.read_text())
    except (OSError, ValueError, StopIteration):
        return None
