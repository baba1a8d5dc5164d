"""The number of threads follows what others leave free, and never the bits of an answer."""

from __future__ import annotations

from pathlib import Path

import pytest

from chatapp.context.messages import Message
from chatapp.engine.client import EngineOptions, LocalEngine
from chatapp.engine.pace import LOOK, Pace, busy_seconds
from chatapp.engine.protocol import Sampling
from tests.engine.test_canonical import bits


class World:
    """A machine whose load a test sets: ``others`` and ``ours`` in cores."""

    def __init__(self) -> None:
        self.now = self.busy = self.own = 0.0

    def pace(self, most: int, cpus: int) -> Pace:
        return Pace(
            most, cpus=cpus, busy=lambda: self.busy, own=lambda: self.own, clock=lambda: self.now
        )

    def run(self, others: float, ours: float, seconds: float = 2 * LOOK) -> None:
        self.now += seconds
        self.own += ours * seconds
        self.busy += (others + ours) * seconds


@pytest.mark.parametrize(
    ("most", "cpus", "others", "expected"),
    [
        (2, 2, 0.0, 2),
        (2, 2, 0.3, 2),
        (2, 2, 1.0, 1),
        (2, 2, 2.0, 1),
        (8, 16, 7.0, 8),
        (8, 8, 3.0, 5),
        (4, 4, 9.0, 1),
    ],
)
def test_it_takes_what_others_leave(most: int, cpus: int, others: float, expected: int) -> None:
    world = World()
    pace = world.pace(most, cpus)
    world.run(others, ours=1.0)
    assert pace.threads() == expected


def test_it_goes_down_and_up_again_without_wavering() -> None:
    world = World()
    pace = world.pace(2, 2)
    seen = []
    for others in (0.0, 1.0, 0.5, 0.45, 0.55, 0.1, 0.5, 0.55):
        world.run(others, ours=1.0)
        seen.append(pace.threads())
    assert seen == [2, 1, 1, 1, 1, 2, 2, 2]


def test_it_looks_at_times_only_and_forgets_what_is_old() -> None:
    world = World()
    pace = world.pace(2, 2)
    world.run(2.0, ours=0.0, seconds=LOOK / 2)
    assert pace.threads() == 2
    world.run(2.0, ours=0.0, seconds=60.0)
    assert pace.threads() == 2
    world.run(1.0, ours=1.0)
    assert pace.threads() == 1


def test_it_is_fixed_where_bits_depend_on_it_or_the_person_chose_it() -> None:
    world = World()
    pace = world.pace(2, 2)
    pace.allow(False)
    world.run(2.0, ours=0.0)
    assert pace.threads() == 2
    assert Pace(2, adapt=False).free is False
    chosen = Pace(2, adapt=False)
    chosen.allow(True)
    assert not chosen.free


def test_a_system_that_does_not_tell_leaves_it_alone() -> None:
    pace = Pace(2, busy=lambda: None)
    assert (pace.threads(), pace.free) == (2, False)


def test_this_machine_tells_or_does_not() -> None:
    found = busy_seconds()
    assert found is None or found > 0


async def test_bits_do_not_depend_on_the_number_of_threads(default_model: Path) -> None:
    """A long prompt and its reply, with one thread and with two."""
    words = " ".join(f"word{n}" for n in range(250))
    messages = [Message("user", f"Repeat the last of these words. {words}")]
    found = []
    for threads in (1, 2):
        engine = LocalEngine(default_model, EngineOptions(threads=threads))
        try:
            found.append((await bits(engine, messages, Sampling(max_tokens=6)))[0])
        finally:
            await engine.close()
    assert found[0] == found[1]
