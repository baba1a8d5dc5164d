"""Garbage is looked for while nothing is going on, and never lost for good."""

from __future__ import annotations

import gc
import time
import weakref
from collections.abc import Iterator

import pytest

from chatapp.tui import garbage
from chatapp.tui.garbage import GarbageTimes


class Ring:
    """Holds itself, so that only a search finds it unused."""

    def __init__(self) -> None:
        self.me = self


@pytest.fixture
def times() -> Iterator[GarbageTimes]:
    found = GarbageTimes()
    found.begin()
    yield found
    found.end()


def old_ring() -> weakref.ref[Ring]:
    """An unused one that has survived all searches among the young."""
    ring = Ring()
    gc.collect(1)
    gc.collect(1)
    return weakref.ref(ring)


def count(monkeypatch: pytest.MonkeyPatch, rounds: int) -> None:
    monkeypatch.setattr(garbage.gc, "get_count", lambda: (0, 0, rounds))


def test_python_does_not_look_through_everything_by_itself(times: GarbageTimes) -> None:
    ring = old_ring()
    kept = [[n] for n in range(300_000)]
    assert len(kept) == 300_000
    assert ring() is not None


def test_a_pause_is_used_when_it_is_due(
    times: GarbageTimes, monkeypatch: pytest.MonkeyPatch
) -> None:
    ring = old_ring()
    count(monkeypatch, 3)
    times.pause()
    assert ring() is not None
    count(monkeypatch, 30)
    times.pause()
    assert ring() is None


def test_somebody_who_types_is_not_held_up_until_it_is_overdue(
    times: GarbageTimes, monkeypatch: pytest.MonkeyPatch
) -> None:
    ring = old_ring()
    count(monkeypatch, 30)
    times.busy()
    times.pause()
    assert ring() is not None
    later = time.monotonic() + 2
    monkeypatch.setattr(garbage.time, "monotonic", lambda: later)
    times.pause()
    assert ring() is None
    ring = old_ring()
    times.busy()
    count(monkeypatch, 1000)
    times.pause()
    assert ring() is None


def test_in_the_end_all_is_as_it_was() -> None:
    before = gc.get_threshold(), gc.get_freeze_count()
    times = GarbageTimes()
    times.pause()
    times.begin()
    assert gc.get_freeze_count()
    times.end()
    times.end()
    assert (gc.get_threshold(), gc.get_freeze_count()) == before
