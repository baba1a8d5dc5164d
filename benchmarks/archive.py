"""The store of transcripts with a million messages, against SQL written by hand on the same file.

Both sides read the same rows; the archive makes its values of them. A turn is added to the large
store and to an empty one by turns, each on the disk at its end.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import statistics
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.plan import Plan
from benchmarks.quiet import rounds
from benchmarks.result import Aim, Figure, Result, paired, spread
from benchmarks.shelves import COMMON, RARE, SECOND, Shelf, build, turn
from chatapp.archive import marks, sessions
from chatapp.archive.search import search
from chatapp.archive.store import NAME, Store
from chatapp.archive.writing import NewMessage, Writer

SESSIONS = 100_000

_LIST = """
    SELECT s.id, s.title, s.created, s.changed, s.state, s.messages, s.model, s.source,
           (SELECT group_concat(tag) FROM tags WHERE session = s.id)
    FROM sessions s ORDER BY s.changed DESC, s.id DESC LIMIT 50
"""
_FOUND = """
    SELECT m.id, m.role, m.created, snippet(search, 0, '[', ']', '…', 14),
           s.id, s.title, s.created, s.changed, s.state, s.messages, s.model, s.source,
           (SELECT group_concat(tag) FROM tags WHERE session = s.id)
    FROM search JOIN messages m ON m.id = search.rowid JOIN sessions s ON s.id = m.session
    WHERE search MATCH ? ORDER BY search.rowid DESC LIMIT 20
"""
_ROWS = """
    SELECT m.*, t.* FROM messages m LEFT JOIN turns t ON t.message = m.id
    WHERE m.session = ? ORDER BY m.id
"""
_EXAMPLES = """
    SELECT e.id, e.kind, e.session, e.chosen, e.reason, e.wrong, e.right, m.content, m.parent,
           s.system
    FROM examples e JOIN messages m ON m.id = e.reply JOIN sessions s ON s.id = e.session
    WHERE s.state = 'training' AND m.status = 'complete' ORDER BY e.created, e.id
"""
_ABOVE = """
    WITH RECURSIVE up (id, parent, role, content) AS (
        SELECT id, parent, role, content FROM messages WHERE id = ?
        UNION ALL
        SELECT m.id, m.parent, m.role, m.content FROM messages m JOIN up ON m.id = up.parent
    )
    SELECT role, content FROM up
"""


def measure(plan: Plan) -> Result:
    """Build a store, then measure what a person waits for in it."""
    with tempfile.TemporaryDirectory() as folder:
        return measured(plan, Path(folder))


def measured(plan: Plan, folder: Path) -> Result:
    """The figures; a store that was built in ``folder`` before is measured again."""
    large, empty = folder / "large" / NAME, folder / "empty" / NAME
    for path in (large, empty):
        path.parent.mkdir(exist_ok=True)
    began = time.monotonic()
    shelf = build(large, plan.some(SESSIONS, SESSIONS // 50))
    plan.say(f"built in {time.monotonic() - began:.0f} s")
    hand = sqlite3.connect(f"{large.as_uri()}?mode=ro", uri=True)
    with Store(large) as store, Store(empty) as other:
        result = _reading(plan, shelf, store, hand)
        result.figures += [_adding(plan, store, other), *_examples(plan, store, hand)]
        hand.close()
        result.figures.append(_deleting(plan, store))
    result.notes.append(
        f"{shelf.sessions:,} sessions, {shelf.messages:,} messages, {shelf.examples:,} examples, "
        f"{large.stat().st_size / 1e6:.0f} MB, SQLite {sqlite3.sqlite_version}"
    )
    return result


def _reading(plan: Plan, shelf: Shelf, store: Store, hand: sqlite3.Connection) -> Result:
    def rows(sql: str, *values: str) -> Callable[[], int]:
        return lambda: len(hand.execute(sql, values).fetchall())

    def hits(text: str, query: str) -> tuple[Callable[[], int], Callable[[], int]]:
        return lambda: len(search(store, text)), rows(_FOUND, query)

    def load(name: str) -> tuple[Callable[[], int], Callable[[], int]]:
        return lambda: len(sessions.load(store, name).messages), rows(_ROWS, name)

    pairs = {
        "first page of the list": (lambda: len(sessions.listed(store)), rows(_LIST)),
        "search: a rare word": hits(f"{RARE} ", RARE),
        "search: a common word": hits(f"{COMMON} ", COMMON),
        "search: two words": hits(f"{SECOND} {COMMON} ", f"{SECOND} {COMMON}"),
        "search: a word as it is typed": hits(COMMON[:3], f"{COMMON[:3]}*"),
        "open a session of 20": load(shelf.short),
        "open a session of 2,000": load(shelf.long),
    }
    result = Result()
    for name, (ours, theirs) in pairs.items():
        assert ours() == theirs() > 0, name  # and the first of each warms the caches
        times = _by_turns(plan, plan.some(15, 5), ours, theirs, each=10)
        result.figures.append(_against(name, times, Aim("≤", 3.0)))
        plan.say(f"{name}: {result.figures[-1].beside}")
    return result


def _by_turns(
    plan: Plan, count: int, ours: Callable[[], object], theirs: Callable[[], object], each: int = 1
) -> list[tuple[float, float]]:
    """Pairs of seconds, each the median of ``each`` calls; who goes first changes."""

    async def pair() -> tuple[float, float]:
        times: tuple[list[float], list[float]] = ([], [])
        for number in range(each):
            for side in (0, 1) if number % 2 else (1, 0):
                times[side].append(_seconds((ours, theirs)[side]))
        return statistics.median(times[0]), statistics.median(times[1])

    return asyncio.run(rounds(plan, count, pair))


def _seconds(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def _against(name: str, times: list[tuple[float, float]], aim: Aim, what: str = "SQL") -> Figure:
    ours, theirs = [a for a, _ in times], [b for _, b in times]
    beside = f"{_ms(ours)} · {what} {_ms(theirs)}"
    return paired(name, ours, theirs, aim=aim, beside=beside)


def _ms(times: list[float]) -> str:
    return f"{1000 * statistics.median(times):.3g} ms"


def _adding(plan: Plan, store: Store, other: Store) -> Figure:
    """A message and its reply, as a chat writes them."""
    acts = [_turns(one) for one in (store, other)]
    for act in acts:
        next(act)
    times = _by_turns(plan, plan.some(15, 3), lambda: next(acts[0]), lambda: next(acts[1]), 20)
    return _against("add a turn", times, Aim("≤", 1.3), "to an empty store")


def _turns(store: Store) -> Iterator[None]:
    writer = Writer(store, "f" * 16)
    writer.begin("kept", title="", system="Be brief.", model="small")
    reply, number, text = None, 0, "a river and a bridge, and what else there is to see " * 4
    while True:
        number += 1
        _, reply = writer.add(
            [
                NewMessage(parent=reply, role="user", content=f"{number} {text}"),
                NewMessage(parent=-1, role="assistant", content="", status="streaming"),
            ]
        )
        writer.end(reply, f"{text} {number}", "complete", "", turn(number))
        yield


def _examples(plan: Plan, store: Store, hand: sqlite3.Connection) -> list[Figure]:
    """All that may be exported, as JSON: examples a second, and what memory it takes."""
    counts: set[int] = set()
    times = _by_turns(
        plan,
        plan.some(3, 1),
        lambda: counts.add(_archive_lines(store)),
        lambda: counts.add(_hand_lines(hand)),
    )
    (count,) = counts  # all found the same number
    speeds = [(count / a, count / b) for a, b in times]
    ours, theirs = [a for a, _ in speeds], [b for _, b in speeds]
    beside = f"{statistics.median(ours):,.0f} a second · by hand {statistics.median(theirs):,.0f}"
    plan.say(f"examples: {beside}")
    tracemalloc.start()
    _archive_lines(store)
    peak = tracemalloc.get_traced_memory()[1] / 1e6
    tracemalloc.stop()
    return [
        paired("examples a second", ours, theirs, aim=Aim("≥", 0.5), beside=beside),
        Figure("memory for all of them", peak, "MB", aim=Aim("≤", 20.0)),
    ]


def _archive_lines(store: Store) -> int:
    count = 0
    for example in marks.examples(store):
        json.dumps(example.content(), ensure_ascii=False)
        count += 1
    return count


def _hand_lines(hand: sqlite3.Connection) -> int:
    count = 0
    for row in hand.execute(_EXAMPLES):
        name, kind, session, chosen, reason, wrong, right, reply, parent, system = row
        above = hand.execute(_ABOVE, (parent,)).fetchall()
        prompt = [{"role": role, "content": text} for role, text in reversed(above)]
        record = {
            "id": name,
            "session": session,
            "kind": kind,
            "prompt": [{"role": "system", "content": system}, *prompt],
            "chosen": reply if kind == "liked" else chosen,
            "rejected": None if kind == "liked" else reply,
            "reason": reason,
            "wrong": wrong,
            "right": right,
        }
        json.dumps(record, ensure_ascii=False)
        count += 1
    return count


def _deleting(plan: Plan, store: Store) -> Figure:
    """A session, its words in the index included; for information."""
    gone = sessions.listed(store, limit=plan.some(7, 2))
    times = [_seconds(lambda name=one.id: sessions.delete(store, name)) for one in gone]
    return spread("delete a session", times, "s")
