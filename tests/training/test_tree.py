"""Rows as a tree give what separate rows give: logits, losses and gradients."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from transformers import LlamaForCausalLM

from chatapp.training import attention
from chatapp.training.losses import (
    Held,
    answer_kl,
    answer_nll,
    base_distributions,
    predict,
    rest_of,
    row_means,
)
from chatapp.training.prompts import Row
from chatapp.training.tree import plant, size
from tests.training.small import small_model

ROWS = [
    Row("fact", (1, 5, 6, 7, 8, 9, 2), 4),
    Row("fact", (1, 5, 6, 9, 8, 9, 2), 4),
    Row("general", (1, 5, 6, 7, 8, 3, 4, 2), 4),
    Row("contrast", (1, 11, 12, 2), 2),
    Row("contrast", (1, 11, 12, 2), 2),
]


@pytest.fixture(scope="module", params=["sdpa", attention.NAME, "as on a GPU"])
def model(request: pytest.FixtureRequest) -> Iterator[LlamaForCausalLM]:
    """A small model with transformers' attention, and with that of the tree, in several parts."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(attention, "PART", 4)
        if request.param == "as on a GPU":
            patch.setattr(attention, "by_groups", lambda device: False)
        yield small_model(layers=3, attention="sdpa" if request.param == "sdpa" else attention.NAME)


def _alone(model: LlamaForCausalLM, row: Row) -> torch.Tensor:
    """Log-probabilities of a row's answer tokens, the row by itself."""
    logits = model(input_ids=torch.tensor([row.tokens])).logits[0].float()
    logp = torch.log_softmax(logits, -1)
    places = range(row.start, len(row.tokens))
    return torch.stack([logp[at - 1] for at in places])


def test_every_row_is_predicted_as_if_it_stood_alone(model: LlamaForCausalLM) -> None:
    tree = plant(ROWS)
    logp = predict(model, tree)
    for number, row in enumerate(ROWS):
        mine = logp[tree.at[tree.row == number]]
        torch.testing.assert_close(mine, _alone(model, row), atol=1e-5, rtol=1e-4)
        assert tree.target[tree.row == number].tolist() == list(row.tokens[row.start :])


def test_gradients_are_those_of_separate_rows(model: LlamaForCausalLM) -> None:
    tree = plant(ROWS)
    weight = model.model.layers[0].self_attn.q_proj.weight
    means = row_means(answer_nll(predict(model, tree), tree), tree.row, len(ROWS))
    (together,) = torch.autograd.grad(means.mean(), weight)
    losses = []
    for row in ROWS:
        target = torch.tensor(row.tokens[row.start :])
        losses.append(torch.nn.functional.nll_loss(_alone(model, row), target))
    (apart,) = torch.autograd.grad(torch.stack(losses).mean(), weight)
    torch.testing.assert_close(together, apart, atol=1e-6, rtol=1e-3)


def test_parts_of_a_tree_look_at_their_ancestors_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attention, "PART", 4)
    mask = plant(ROWS).mask
    parts = attention._parts(mask)
    keys, seen = parts.keys, parts.seen
    count, width = keys.shape
    assert count == 4  # of 13 nodes
    assert width < mask.shape[-1]
    whole = torch.zeros(16, mask.shape[-1], dtype=torch.bool)
    for number in range(count):
        for node in range(4):
            whole[number * 4 + node, keys[number, seen[number, node]]] = True
    assert torch.equal(whole[:13], mask[0, 0])
    assert seen.any(-1).all()  # nothing divides by zero
    bias = parts.bias(groups=2, each=3).view(count, 2, 3, 4, width)
    assert torch.equal(bias.exp().bool(), seen[:, None, None].expand(bias.shape))


def test_shared_beginnings_are_computed_once() -> None:
    tree = plant(ROWS)
    assert tree.tokens.shape[1] == size(ROWS) == 6 + 3 + 2 + 2
    assert sum(map(len, ROWS)) == 30


def test_the_kl_is_zero_at_the_base_and_near_the_whole_one_elsewhere(
    model: LlamaForCausalLM,
) -> None:
    held = base_distributions(model, ROWS, lambda *_: None)
    tree = plant(ROWS)
    with torch.no_grad():
        logp = predict(model, tree)
        moved = torch.log_softmax(logp + torch.randn_like(logp) * 0.3, -1)
    every = torch.ones_like(tree.row, dtype=torch.bool)
    both = Held(torch.cat([one.ids for one in held]), torch.cat([one.logprobs for one in held]))
    torch.testing.assert_close(
        answer_kl(logp, tree, every, both), torch.zeros(len(tree.row)), atol=1e-4, rtol=0
    )
    whole = (logp.exp() * (logp - moved)).sum(-1)[tree.at]
    torch.testing.assert_close(answer_kl(moved, tree, every, both), whole, atol=1e-3, rtol=1e-2)


def test_what_is_not_listed_is_one_more_choice() -> None:
    logp = torch.log(torch.tensor([[0.5, 0.2]]))
    torch.testing.assert_close(rest_of(logp).exp(), torch.tensor([[0.3]]))
