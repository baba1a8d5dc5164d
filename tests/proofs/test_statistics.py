"""Goodness of fit, against published values and against draws that are known to be right."""

from __future__ import annotations

import random

import pytest

from chatapp.engine.sampling import uniform
from chatapp.proofs.statistics import chi_squared_tail, goodness_of_fit


@pytest.mark.parametrize(
    ("degrees", "statistic"),
    # Critical values for p = 0.05 (any table of the chi-squared distribution).
    [(1, 3.841), (2, 5.991), (3, 7.815), (4, 9.488), (9, 16.919), (10, 18.307), (30, 43.773)],
)
def test_the_tail_is_the_published_one(degrees: int, statistic: float) -> None:
    assert chi_squared_tail(statistic, degrees) == pytest.approx(0.05, abs=2e-5)
    assert chi_squared_tail(0.0, degrees) == 1.0


def test_right_draws_fit_and_wrong_ones_do_not() -> None:
    rng = random.Random(1)
    shares = [0.5, 0.3, 0.15, 0.05]
    draws = rng.choices(range(4), shares, k=1000)
    seen = [(draws.count(n), share) for n, share in enumerate(shares)]
    assert goodness_of_fit(seen, 1000).p > 0.01
    wrong = [(250, share) for share in shares]
    assert goodness_of_fit(wrong, 1000).p < 1e-9


def test_rare_outcomes_are_one_group() -> None:
    seen = [(90, 0.9), *((1, 0.01) for _ in range(10))]
    fit = goodness_of_fit(seen, 100)
    assert (fit.groups, fit.degrees) == (2, 1)
    assert fit.statistic == pytest.approx(0.0)


def test_what_cannot_come_must_not_come() -> None:
    assert goodness_of_fit([(50, 1.0)], 100).p < 1e-9


def test_the_numbers_of_the_draw_are_even() -> None:
    seen = [0] * 10
    for seed in range(5000):
        seen[int(uniform(seed, 39) * 10)] += 1
    assert goodness_of_fit([(count, 0.1) for count in seen], 5000).p > 0.001
