"""Links and cookies: who is let in, how often, and for how long."""

from __future__ import annotations

import pytest

from chatapp.serving.door import CLOSED, NO_COOKIE, SPENT, UNKNOWN, Door, NotAdmitted
from chatapp.serving.limits import Allowance, Limits


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_link_lets_in_as_many_as_it_was_made_for_and_looking_uses_nothing() -> None:
    door = Door(Limits())
    link = door.new_link(2)
    for _ in range(5):
        door.look(link)
    first, cookie = door.admit(link)
    second, other = door.admit(link)
    assert door.who(cookie) is first
    assert door.who(other) is second
    assert first.scope != second.scope
    with pytest.raises(NotAdmitted, match=SPENT):
        door.admit(link)
    with pytest.raises(NotAdmitted, match=SPENT):
        door.look(link)


@pytest.mark.parametrize("wrong", ["", "x", "é\ud800", "A" * 24])
def test_a_guess_lets_nobody_in(wrong: str) -> None:
    door = Door(Limits())
    link = door.new_link(1)
    with pytest.raises(NotAdmitted, match=UNKNOWN):
        door.admit(wrong)
    with pytest.raises(NotAdmitted, match=NO_COOKIE):
        door.who(wrong)
    with pytest.raises(NotAdmitted, match=NO_COOKIE):
        door.who(None)
    assert len(link) >= 24
    assert link not in repr(door._links)  # only its hash is kept


def test_a_link_and_a_visit_end_in_time() -> None:
    clock = Clock()
    door = Door(Limits(link_minutes=10, minutes=30), clock)
    link = door.new_link(5)
    _, cookie = door.admit(link)
    clock.now += 10 * 60
    with pytest.raises(NotAdmitted, match=CLOSED):
        door.admit(link)
    door.who(cookie)
    clock.now += 20 * 60
    with pytest.raises(NotAdmitted, match="Your 30 minutes here are over"):
        door.who(cookie)


def test_so_much_at_once_and_then_no_faster_than_the_rate() -> None:
    clock = Clock()
    allowance = Allowance(rate=10, burst=5, clock=clock)
    assert [allowance.take() for _ in range(5)] == [0.0] * 5
    assert allowance.take() == pytest.approx(0.1)
    assert allowance.take(2) == pytest.approx(0.3)
    clock.now += 100
    assert allowance.take(5) == 0.0
    assert allowance.take(1) > 0
