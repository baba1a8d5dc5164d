"""The layers below the adapters are computed once, and what comes out is the same."""

from __future__ import annotations

import copy

import pytest
import torch
from transformers import LlamaForCausalLM

from chatapp.training import attention, below
from chatapp.training.losses import answer_nll, base_distributions, predict
from chatapp.training.prompts import Row
from chatapp.training.tree import plant
from tests.training.small import small_model

ROWS = [
    Row("fact", (1, 5, 6, 7, 8, 9, 2), 4),
    Row("fact", (1, 5, 6, 9, 8, 9, 2), 4),
    Row("contrast", (1, 11, 12, 2), 2),
]


@pytest.fixture(scope="module")
def model() -> LlamaForCausalLM:
    return small_model(layers=4, attention=attention.NAME)


@pytest.mark.parametrize("at_once", [1, 2, 16])
def test_a_step_with_what_was_computed_before_is_the_whole_step(
    model: LlamaForCausalLM, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(below, "AT_ONCE", at_once)
    rest = copy.deepcopy(model)
    hidden = below.compute(rest, 2, ROWS, lambda *_: None)
    assert [one.shape for one in hidden] == [(6, 32), (6, 32), (3, 32)]
    below.leave_out(rest, 2)
    rows, known = [ROWS[2], ROWS[0], ROWS[1]], [hidden[2], hidden[0], hidden[1]]
    whole, short = plant(rows), plant(rows, known)
    torch.testing.assert_close(predict(rest, short), predict(model, whole), atol=1e-5, rtol=1e-4)
    name = "model.layers.3.self_attn.q_proj.weight"
    grads = [
        torch.autograd.grad(answer_nll(predict(one, tree), tree).sum(), one.get_parameter(name))[0]
        for one, tree in ((model, whole), (rest, short))
    ]
    torch.testing.assert_close(*grads, atol=1e-5, rtol=1e-3)
    held = base_distributions(model, ROWS, lambda *_: None)
    again = base_distributions(rest, ROWS, lambda *_: None, hidden=hidden)
    for one, other in zip(held, again, strict=True):
        assert torch.equal(one.ids[:, 0], other.ids[:, 0])
        torch.testing.assert_close(one.logprobs, other.logprobs, atol=1e-4, rtol=1e-3)


def test_no_layer_below_is_computed_again(
    model: LlamaForCausalLM, monkeypatch: pytest.MonkeyPatch
) -> None:
    rest = copy.deepcopy(model)
    hidden = below.compute(rest, 3, ROWS, lambda *_: None)
    below.leave_out(rest, 3)
    assert sum(one.numel() for one in rest.model.layers[:3].parameters()) == 0
    assert rest.get_parameter("model.layers.3.self_attn.q_proj.weight") is not None  # its own name
    monkeypatch.setattr(rest.model.embed_tokens, "forward", lambda *_: pytest.fail("embedded"))
    predict(rest, plant(ROWS, hidden))


def test_a_model_is_whole_again_after_its_lower_layers_were_computed(
    model: LlamaForCausalLM,
) -> None:
    before = predict(model, plant(ROWS))
    below.compute(model, 1, ROWS, lambda *_: None)
    assert torch.equal(predict(model, plant(ROWS)), before)


@pytest.mark.parametrize(
    ("layers", "upper", "first"), [(30, 0.5, 15), (30, 1.0, 0), (30, 0.67, 10), (3, 0.01, 2)]
)
def test_which_layers_have_adapters(layers: int, upper: float, first: int) -> None:
    assert below.first_layer(layers, upper) == first


def test_too_many_tokens_are_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(below, "MOST_NUMBERS", 18 * 32)
    assert below.can_be_kept(ROWS, 32)
    monkeypatch.setattr(below, "MOST_NUMBERS", 18 * 32 - 1)
    assert not below.can_be_kept(ROWS, 32)


def test_what_is_computed_below_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    assert below.tokens(ROWS) == plant(ROWS).tokens.shape[1]
    monkeypatch.setattr(below, "AT_ONCE", 1)
    assert below.tokens(ROWS) == 6 + 6 + 3
