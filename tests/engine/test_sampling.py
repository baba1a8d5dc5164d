"""Cuts and draws against slow, plain arithmetic; the draw against its published definition."""

from __future__ import annotations

import hashlib
import math
from collections import Counter as Tally

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatapp.engine.protocol import Sampling
from chatapp.engine.sampling import (
    candidates,
    choose,
    logsumexp,
    most_probable,
    penalised,
    uniform,
)
from chatapp.errors import EngineError

logit_lists = st.lists(st.floats(-20, 20, width=32), min_size=1, max_size=60, unique=True)


def by_hand(logits: list[float], sampling: Sampling) -> dict[int, float]:
    """The same cuts, written out for reading."""
    order = sorted(range(len(logits)), key=lambda token: (-logits[token], token))
    if sampling.top_k:
        order = order[: sampling.top_k]
    weights = [math.exp(logits[token] - logits[order[0]]) for token in order]
    shares = [weight / sum(weights) for weight in weights]
    kept, total = [], 0.0
    for token, share in zip(order, shares, strict=True):
        full = sampling.top_p < 1.0 and total >= sampling.top_p
        if kept and (full or share < sampling.min_p * shares[0]):
            break
        kept.append(token)
        total += share
    heated = [math.exp((logits[t] - logits[order[0]]) / sampling.temperature) for t in kept]
    return {token: weight / sum(heated) for token, weight in zip(kept, heated, strict=True)}


@given(
    logit_lists,
    st.integers(0, 20),
    st.sampled_from([0.5, 0.9, 1.0]),
    st.sampled_from([0.0, 0.1]),
    st.sampled_from([0.3, 1.0, 2.0]),
)
def test_cuts_equal_plain_arithmetic(
    logits: list[float], top_k: int, top_p: float, min_p: float, temperature: float
) -> None:
    sampling = Sampling(top_k=top_k, top_p=top_p, min_p=min_p, temperature=temperature)
    found = candidates(np.asarray(logits, np.float32), sampling)
    expected = by_hand(logits, sampling)
    shares = dict(zip(found.tokens.tolist(), found.probabilities.tolist(), strict=True))
    # A sum that lands on top_p to the last bit may fall on either side of it.
    if set(shares) != set(expected):
        assert abs(len(shares) - len(expected)) == 1
        assert top_p < 1.0
        return
    assert shares == pytest.approx(expected, rel=1e-4, abs=1e-9)


def test_the_draw_is_what_its_definition_says() -> None:
    digest = hashlib.sha256(b"42:7").hexdigest()
    assert uniform(42, 7) == (int(digest[:16], 16) >> 11) / 2**53


def test_draws_follow_the_probabilities() -> None:
    logits = np.log(np.asarray([0.5, 0.3, 0.2], np.float32))
    sampling = Sampling(temperature=1.0, top_k=0, top_p=1.0, min_p=0.0)
    drawn = Tally(
        choose(logits, sampling, recent=(), seed=seed, position=9).token for seed in range(4000)
    )
    for token, share in enumerate([0.5, 0.3, 0.2]):
        sigma = math.sqrt(4000 * share * (1 - share))
        assert abs(drawn[token] - 4000 * share) < 4 * sigma


def test_temperature_zero_takes_the_top_token_whatever_the_seed() -> None:
    logits = np.asarray([0.1, 3.0, 2.9], np.float32)
    assert {choose(logits, Sampling(), recent=(), seed=s, position=0).token for s in range(50)} == {
        1
    }


def test_the_repeat_penalty_lowers_both_signs() -> None:
    logits = np.asarray([2.0, -2.0, 1.0], np.float32)
    after = penalised(logits, Sampling(repeat_penalty=2.0), recent=[0, 1, 1])
    assert after.tolist() == [1.0, -4.0, 1.0]
    assert logits.tolist() == [2.0, -2.0, 1.0]


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_logits_that_are_not_numbers_are_an_error(bad: float) -> None:
    with pytest.raises(EngineError, match="not numbers"):
        choose(np.asarray([0.0, bad], np.float32), Sampling(), recent=(), seed=1, position=0)


@given(logit_lists)
def test_logsumexp(logits: list[float]) -> None:
    values = np.asarray(logits, np.float32)
    assert logsumexp(values) == pytest.approx(math.log(sum(map(math.exp, logits))), abs=1e-4)


@pytest.mark.parametrize("size", [5, 100, 4_160, 49_155])
@pytest.mark.parametrize("count", [0, 1, 10, 40, 1_000])
@pytest.mark.parametrize("coarse", [False, True])
def test_the_most_probable_are_those_of_a_full_sort(size: int, count: int, coarse: bool) -> None:
    logits = np.random.default_rng(size + count).standard_normal(size).astype(np.float32)
    if coarse:  # many of the same value: ties go by id
        logits = np.round(logits * 2) / np.float32(2)
    expected = np.argsort(-logits, kind="stable")[: count or size]
    assert most_probable(logits, count).tolist() == expected.tolist()
