"""All that an answer depends on, and what differs between two sets of it."""

from __future__ import annotations

from dataclasses import replace

from chatapp.context.messages import Message
from chatapp.engine.protocol import Sampling
from chatapp.proofs.inputs import Inputs, differences

BASE = Inputs(weights="a" * 64, messages=[Message("user", "Hi")], sampling=Sampling(seed=1))


def names(other: Inputs) -> list[str]:
    return [difference.name for difference in differences(BASE, other)]


def test_equal_inputs_do_not_differ() -> None:
    assert names(replace(BASE)) == []
    assert replace(BASE).sha256 == BASE.sha256


def test_each_input_is_named() -> None:
    others = {
        "weights": replace(BASE, weights="b" * 64),
        "adapter": replace(BASE, adapter="c" * 64),
        "system prompt": replace(BASE, messages=[Message("system", "x"), *BASE.messages]),
        "transcript": replace(BASE, messages=[*BASE.messages, Message("assistant", "Ho")]),
        "temperature": replace(BASE, sampling=Sampling(seed=1, temperature=0.5)),
        "top k": replace(BASE, sampling=Sampling(seed=1, top_k=3)),
    }
    for name, other in others.items():
        assert names(other) == [name]
        assert other.sha256 != BASE.sha256


def test_a_seed_matters_only_where_something_is_drawn() -> None:
    assert names(replace(BASE, sampling=Sampling(seed=2))) == []
    warm = replace(BASE, sampling=Sampling(seed=1, temperature=1.0))
    other = replace(BASE, sampling=Sampling(seed=2, temperature=1.0))
    assert [difference.name for difference in differences(warm, other)] == ["seed"]
