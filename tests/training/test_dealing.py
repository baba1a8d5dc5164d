"""Half of a step are the worst rows known, on every process and after a stop."""

from __future__ import annotations

from pathlib import Path

import pytest

from chatapp.training.dealing import FILE, Dealer
from chatapp.training.plan import Plan
from chatapp.training.prompts import Row
from chatapp.training.train import last_checkpoint

FACT, HELD = Row("fact", (1, 2, 3), 1), Row("contrast", (1, 2, 4), 1)


def _plan(steps: int = 6) -> Plan:
    """Rows 0 and 1 are corrections; 2 to 9 are held, four of them in each step."""
    rows = [FACT, FACT, *[HELD] * 8]
    dealt = [[0, 1, *range(2 + step % 2 * 4, 6 + step % 2 * 4)] for step in range(steps)]
    return Plan(rows=rows, steps=dealt, weights=[[0.5, 0.5, *[0.25] * 4]] * steps)


def test_those_that_drifted_most_take_half_of_the_places() -> None:
    dealer = Dealer(_plan(), share=0.5, drift=0.02, loss=9.0)
    assert dealer.rows(0) == [0, 1, 2, 3, 4, 5]
    dealer.note(0, {2: 0.5, 3: 0.01, 4: 0.1, 5: 0.3})
    assert dealer.rows(1) == [0, 1, 6, 7, 8, 9]  # the step before it is not known yet
    dealer.note(1, {6: 0.4, 7: 0.0, 8: 0.03, 9: 0.0})
    assert dealer.rows(2) == [0, 1, 2, 3, 4, 5]  # the worst are in it already
    assert dealer.rows(3) == [0, 1, 2, 5, 8, 9]
    assert dealer.dealt[3] == [0, 1, 2, 5, 8, 9]


def test_what_hardly_drifts_takes_no_place() -> None:
    dealer = Dealer(_plan(), share=0.5, drift=0.02, loss=9.0)
    dealer.rows(0)
    dealer.note(0, {2: 0.019, 3: 0.021})
    assert dealer.rows(3) == [0, 1, 3, 7, 8, 9]
    dealer.note(3, {3: 0.001})
    assert dealer.rows(5) == [0, 1, 6, 7, 8, 9]  # it is held again


def test_wordings_that_are_not_known_yet_take_half_of_the_places() -> None:
    rows = [FACT] * 6 + [HELD]
    steps = [[0, 1, 2, 3, 6], [0, 1, 4, 5, 6]] * 3
    plan = Plan(rows=rows, steps=steps, weights=[[0.25] * 4 + [1.0]] * 6)
    dealer = Dealer(plan, share=0.5, drift=0.02, loss=0.08)
    assert dealer.rows(0) == steps[0]
    dealer.note(0, {0: 0.01, 1: 0.02, 2: 0.9, 3: 0.1, 6: 5.0})
    assert dealer.rows(2) == [0, 1, 2, 3, 6]
    assert dealer.rows(3) == [2, 3, 4, 5, 6]  # in place of two that are known
    dealer.note(1, {4: 2.0, 5: 0.01})
    dealer.note(2, {2: 0.05})
    assert dealer.rows(4) == [4, 1, 2, 3, 6]


def test_a_row_that_counts_nothing_is_not_exchanged() -> None:
    """It makes a step equal for all processes; each must deal as one alone."""
    plan = Plan(rows=[FACT] * 4, steps=[[0, 1, 0]] * 4, weights=[[0.5, 0.5, 0.0]] * 4)
    dealer = Dealer(plan, share=1.0, drift=0.02, loss=0.08)
    dealer.note(0, {2: 0.5, 3: 0.4})
    assert dealer.rows(2) == [2, 3, 0]


def test_without_a_share_steps_are_as_planned() -> None:
    plan = _plan()
    dealer = Dealer(plan, share=0.0, drift=0.02, loss=9.0)
    for step in range(6):
        assert dealer.rows(step) == plan.steps[step]
        dealer.note(step, dict.fromkeys(range(10), 99.0))


@pytest.mark.parametrize("stopped", range(1, 6))
def test_a_run_that_goes_on_deals_as_one_that_never_stopped(stopped: int, tmp_path: Path) -> None:
    def seen(step: int, rows: list[int]) -> dict[int, float]:
        return {index: (index * 7 + step * 3) % 10 / 10 for index in rows}

    def run(dealer: Dealer, first: int, last: int) -> None:
        rows = dealer.rows(first)
        for step in range(first, last):
            ahead = dealer.rows(step + 1) if step + 1 < 6 else []  # as a loader does
            dealer.note(step, seen(step, rows))
            rows = ahead

    whole, part, rest = (Dealer(_plan(), share=0.5, drift=0.2, loss=0.25) for _ in range(3))
    run(whole, 0, 6)
    run(part, 0, stopped)
    part.save(tmp_path, stopped)
    rest.load(tmp_path)
    run(rest, stopped, 6)
    assert rest.dealt == whole.dealt
    assert whole.dealt != _plan().steps


def test_a_checkpoint_that_was_being_written_is_left_aside(tmp_path: Path) -> None:
    assert last_checkpoint(tmp_path) is None
    for number, names in (
        (9, ("trainer_state.json", FILE)),
        (10, ("trainer_state.json", FILE)),
        (11, ("trainer_state.json",)),
        (12, (FILE,)),
    ):
        folder = tmp_path / f"checkpoint-{number}"
        folder.mkdir()
        for name in names:
            (folder / name).write_text("{}")
    assert last_checkpoint(tmp_path) == tmp_path / "checkpoint-10"
    (tmp_path / "checkpoint-10" / FILE).write_text('{"known": [')
    assert last_checkpoint(tmp_path) == tmp_path / "checkpoint-9"
