"""Text that remembers who wrote it.

A chat template is a program: it joins its own text with the messages'. :class:`Marked` is a string
whose runs of characters carry an owner, through the operations that templates use. The idea is
taint tracking; llama.cpp's own template engine marks its input in the same way.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, SupportsIndex

TEMPLATE: Final = -1
"""The owner of everything the chat template wrote itself."""

Run = tuple[int, int]
"""An owner and a length in characters."""


class Marked(str):
    """A string with an owner for every character (``runs`` lie end to end)."""

    __slots__ = ("runs",)
    runs: tuple[Run, ...]

    def __new__(cls, text: str, runs: Iterable[Run] | int = TEMPLATE) -> Marked:
        self = super().__new__(cls, str.__str__(text))
        if isinstance(runs, int):
            self.runs = ((runs, len(self)),) if self else ()
        else:
            merged: list[Run] = []
            for owner, length in runs:
                if not length:
                    continue
                if merged and merged[-1][0] == owner:
                    merged[-1] = (owner, merged[-1][1] + length)
                else:
                    merged.append((owner, length))
            self.runs = tuple(merged)
        return self

    @property
    def owner(self) -> int:
        """The owner of the whole, for operations that cannot keep runs apart."""
        return next((owner for owner, _ in self.runs if owner != TEMPLATE), TEMPLATE)

    def _slice(self, start: int, end: int) -> Marked:
        runs: list[Run] = []
        at = 0
        for owner, length in self.runs:
            low, high = max(at, start), min(at + length, end)
            if low < high:
                runs.append((owner, high - low))
            at += length
            if at >= end:
                break
        return Marked(str.__getitem__(self, slice(start, end)), runs)

    def slices(self, bounds: Iterable[tuple[int, int]]) -> Iterator[Marked]:
        """The slices at ``bounds``, which lie in order: all of them in one pass over the runs."""
        index = at = 0
        for start, end in bounds:
            while index < len(self.runs) and at + self.runs[index][1] <= start:
                at += self.runs[index][1]
                index += 1
            found: list[Run] = []
            next_one, place = index, at
            while place < end and next_one < len(self.runs):
                owner, length = self.runs[next_one]
                found.append((owner, min(place + length, end) - max(place, start)))
                next_one, place = next_one + 1, place + length
            yield Marked(str.__getitem__(self, slice(start, end)), found if start < end else ())

    def _like(self, text: str) -> Marked:
        """``text`` made from this one: with its runs if the length is the same."""
        return Marked(text, self.runs if len(text) == len(self) else self.owner)

    # The result of str(x) may be a subclass: this is what carries marks through a template.
    def __str__(self) -> Marked:
        return self

    def __getitem__(self, key: SupportsIndex | slice) -> Marked:
        if isinstance(key, slice):
            start, stop, step = key.indices(len(self))
            if step == 1:
                return self._slice(start, max(start, stop))
            return Marked(str.__getitem__(self, key), self.owner)
        index = key.__index__()
        index += len(self) if index < 0 else 0
        if not 0 <= index < len(self):
            raise IndexError("string index out of range")
        return self._slice(index, index + 1)

    def __iter__(self) -> Any:
        return (self._slice(i, i + 1) for i in range(len(self)))

    def __add__(self, other: str) -> Marked:
        return join((self, other))

    def __radd__(self, other: str) -> Marked:
        return join((other, self))

    def __mul__(self, times: SupportsIndex) -> Marked:
        count = max(times.__index__(), 0)
        return Marked(str.__mul__(self, count), self.runs * count)

    __rmul__ = __mul__

    def __mod__(self, value: Any) -> Marked:
        return Marked(str.__mod__(self, value), owner_within(value, self.owner))

    def __hash__(self) -> int:
        return str.__hash__(self)

    def __eq__(self, other: object) -> bool:
        return str.__eq__(self, other)

    def strip(self, chars: str | None = None, /) -> Marked:
        return self.lstrip(chars).rstrip(chars)

    def lstrip(self, chars: str | None = None, /) -> Marked:
        return self._slice(len(self) - len(str.lstrip(self, chars)), len(self))

    def rstrip(self, chars: str | None = None, /) -> Marked:
        return self._slice(0, len(str.rstrip(self, chars)))

    def _cut(self, parts: Sequence[str], *, from_end: bool = False) -> list[str]:
        """Give the parts of a split their marks back, by their places in order."""
        found: list[str] = []
        at = len(self) if from_end else 0
        for part in reversed(parts) if from_end else parts:
            if from_end:
                start = str.rfind(self, part, 0, at)
                at = start
            else:
                start = str.find(self, part, at)
                at = start + len(part)
            found.append(self._slice(start, start + len(part)))
        return found[::-1] if from_end else found

    def split(self, sep: str | None = None, maxsplit: SupportsIndex = -1) -> list[str]:
        parts = str.split(self, sep, maxsplit)
        if sep is None:
            return self._cut(parts)
        return self._places(parts, sep)

    def rsplit(self, sep: str | None = None, maxsplit: SupportsIndex = -1) -> list[str]:
        parts = str.rsplit(self, sep, maxsplit)
        if sep is None:
            return self._cut(parts, from_end=True)
        return self._places(parts, sep)

    def _places(self, parts: Sequence[str], sep: str) -> list[str]:
        found: list[str] = []
        at = 0
        for part in parts:
            found.append(self._slice(at, at + len(part)))
            at += len(part) + len(sep)
        return found

    def splitlines(self, keepends: bool = False) -> list[str]:
        lines: list[str] = []
        at = 0
        for line in str.splitlines(self, keepends=True):
            keep = len(line) if keepends else len(line.splitlines()[0])
            lines.append(self._slice(at, at + keep))
            at += len(line)
        return lines

    def partition(self, sep: str, /) -> tuple[Marked, Marked, Marked]:
        head, mid, _ = str.partition(self, sep)
        a, b = len(head), len(head) + len(mid)
        return self._slice(0, a), self._slice(a, b), self._slice(b, len(self))

    def rpartition(self, sep: str, /) -> tuple[Marked, Marked, Marked]:
        head, mid, _ = str.rpartition(self, sep)
        a, b = len(head), len(head) + len(mid)
        return self._slice(0, a), self._slice(a, b), self._slice(b, len(self))

    def removeprefix(self, prefix: str, /) -> Marked:
        return self._slice(len(prefix) if str.startswith(self, prefix) else 0, len(self))

    def removesuffix(self, suffix: str, /) -> Marked:
        cut = len(suffix) if suffix and str.endswith(self, suffix) else 0
        return self._slice(0, len(self) - cut)

    def replace(self, old: str, new: str, count: SupportsIndex = -1, /) -> Marked:
        limit = count.__index__()
        if not old:
            return Marked(str.replace(self, old, new, limit), self.owner)
        new = new if isinstance(new, Marked) else Marked(new)
        pieces = self._places(str.split(self, old, limit), old)
        return join([part for piece in pieces for part in (new, piece)][1:])

    def join(self, parts: Iterable[str], /) -> Marked:
        items = [part for item in parts for part in (self, item)]
        return join(items[1:])

    def upper(self) -> Marked:
        return self._like(str.upper(self))

    def lower(self) -> Marked:
        return self._like(str.lower(self))

    def title(self) -> Marked:
        return self._like(str.title(self))

    def capitalize(self) -> Marked:
        return self._like(str.capitalize(self))


def join(parts: Iterable[str]) -> Marked:
    """Concatenate; parts without marks belong to the template."""
    items = [part if isinstance(part, Marked) else Marked(part) for part in parts]
    return Marked("".join(map(str.__str__, items)), [run for item in items for run in item.runs])


def owner_within(value: Any, default: int = TEMPLATE) -> int:
    """The first owner found in a value: who wrote the text of a list or mapping."""
    if isinstance(value, Marked):
        return value.owner if value.owner != TEMPLATE else default
    if isinstance(value, dict):
        value = [*value.keys(), *value.values()]
    if isinstance(value, (list, tuple)):
        for item in value:
            owner = owner_within(item)
            if owner != TEMPLATE:
                return owner
    return default
