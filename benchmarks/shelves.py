"""A store as years of chats leave it, by the archive's own writer, only in fewer commits."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlite_utils import Database

from chatapp.archive import marks, sessions
from chatapp.archive.records import Kind, StoredTurn, Weights
from chatapp.archive.store import Store
from chatapp.archive.writing import NewMessage, Writer

LENGTHS = (2, 4, 6, 8, 10, 12, 18, 20)
"""Messages of a session, in turn: 10 on average."""
LONG = 2000
"""Messages of the first session."""
COMMON, RARE, SECOND = "river", "ankylosaurus", "bridge"
"""Words to look for: in every few messages, in a few of all, and in every few again."""

_BATCH = 1000
_WEIGHTS = Weights(model="small", sha256="ab" * 32)
_SAMPLING = {
    "temperature": 0.7,
    "top_k": 40,
    "top_p": 0.95,
    "min_p": 0.05,
    "repeat_penalty": 1.1,
    "seed": 7,
    "max_tokens": 256,
    "stop": [],
}


class BulkStore(Store):
    """A store that commits, and waits for the disk, when :meth:`together` ends and not before."""

    _joined = False

    @contextmanager
    def together(self) -> Iterator[None]:
        """All that is written inside becomes one transaction."""
        with super().writing():
            self._joined = True
            try:
                yield
            finally:
                self._joined = False

    @contextmanager
    def writing(self) -> Iterator[Database]:
        if self._joined:
            yield self._db
        else:
            with super().writing() as db:
                yield db


@dataclass(frozen=True, slots=True)
class Shelf:
    """A store that was built: its file, and sessions to open."""

    path: Path
    sessions: int
    messages: int
    examples: int
    short: str
    """A session of 20 messages."""
    long: str
    """The session of 2,000."""


def build(path: Path, count: int, *, long: int = LONG, every: int = 5) -> Shelf:
    """Write ``count`` sessions, the first with ``long`` messages; mark one reply in ``every``."""
    source = random.Random(5)
    words = [f"{a}{b}{c}" for a in _HEADS for b in _MIDDLES for c in _TAILS]
    # As in a language: a few words are everywhere, most are met now and then.
    weights = [1 / rank for rank in range(1, len(words) + 1)]
    text = source.choices(words, weights, k=400_000)
    names = [f"{source.getrandbits(64):016x}" for _ in range(count)]
    lengths = [long, *(LENGTHS[n % len(LENGTHS)] for n in range(1, count))]
    rare = set(names[:: max(count // 10, 1)])
    with BulkStore(path) as store:
        told = marked = 0
        for start in range(0, count, _BATCH):
            with store.together():
                for name, length in zip(
                    names[start : start + _BATCH], lengths[start : start + _BATCH], strict=True
                ):
                    ids = _session(store, name, length, text, source, name in rare)
                    told += length
                    for reply in ids[1::2]:
                        if reply // 2 % every == 0:
                            _mark(store, name, reply, marked)
                            marked += 1
        assert sessions.count(store) == count
    return Shelf(path, count, told, marked, names[lengths.index(20)], names[0])


def _session(
    store: Store, name: str, length: int, text: list[str], source: random.Random, rare: bool
) -> list[int]:
    writer = Writer(store, name)
    state = "training" if source.random() < 0.9 else "kept"
    writer.begin(state, title="", system="Be brief.", model="small")
    new: list[NewMessage] = []
    for number in range(1, length // 2 + 1):
        asked = _words(text, source, 4, 16)
        if number == 1 and source.random() < 0.5:
            asked += f" {COMMON}"
        if number == 1 and rare:
            asked += f" {RARE}"
        if source.random() < 0.05:
            asked += f" {SECOND} {COMMON}"
        new += [
            NewMessage(parent=-len(new) or None, role="user", content=asked),
            NewMessage(
                parent=-len(new) - 1,
                role="assistant",
                content=_words(text, source, 10, 60),
                turn=turn(number),
            ),
        ]
    ids = writer.add(new, title=new[0].content[:40])
    if source.random() < 0.1:
        sessions.tag(store, name, ["class", "physics"])
    return ids


def turn(number: int) -> StoredTurn:
    """How a reply came about, with all that is counted."""
    return StoredTurn(
        number=number,
        system="Be brief.",
        sampling=_SAMPLING,
        window=2048,
        weights=_WEIGHTS,
        prompt_sha256="cd" * 32,
        first_logits="0123456789abcdef",
        tokens_sent=40 * number,
        tokens_again=40 * number - 20,
        tokens_new=20,
        reused=16,
        computed=40 * number - 16,
        reply_tokens=40,
        first_token_seconds=0.25,
        prefill_seconds=0.2,
        decode_seconds=1.5,
    )


def _mark(store: Store, name: str, reply: int, number: int) -> None:
    kinds: tuple[Kind, ...] = ("correction", "liked", "disliked")
    kind = kinds[number % 3]
    if kind == "correction":
        marks.correct(store, name, reply, chosen="It is Ankara.", wrong="Bursa", right="Ankara")
    else:
        marks.mark(store, name, reply, kind, "as it should be")


def _words(text: list[str], source: random.Random, low: int, high: int) -> str:
    at, count = source.randrange(len(text) - high), source.randint(low, high)
    return " ".join(text[at : at + count])


_HEADS = "ba ce di fo gu ha je ki lo mu na pe qui ro su ta ve wi xo ya".split()
_MIDDLES = "lan mer tig nod rus pal ven dis cor bun sal tem wil gor mun".split()
_TAILS = "a en ish or ul ate ing ed ly ment ous ion ers y al".split()
