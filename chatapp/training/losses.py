"""The two losses: what is to be said, and what is to stay as the base says it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import Tensor

from chatapp.training.prompts import Row
from chatapp.training.tree import Tree, moved, plant

KEPT: Final = 256
"""So many of the base's most probable tokens are kept for each position; the rest is one more."""


@dataclass(frozen=True, slots=True)
class Held:
    """The base's distributions over a row's A answer tokens.

    ``ids`` (A, K): its most probable tokens; ``logprobs`` (A, K + 1): theirs (nats), and that of
    all others together. Grouping the others makes the KL a little smaller, never larger.
    """

    ids: Tensor
    logprobs: Tensor


def predict(model: Any, tree: Tree) -> Tensor:
    """Log-probabilities (H, V), float32, at the tree's heads."""
    begun = {"input_ids": tree.tokens} if tree.hidden is None else {"inputs_embeds": tree.hidden}
    out = model(
        **begun,
        position_ids=tree.positions,
        attention_mask=tree.mask,
        logits_to_keep=tree.heads,
        use_cache=False,
    )
    return torch.log_softmax(out.logits[0].float(), dim=-1)


def rest_of(logprobs: Tensor) -> Tensor:
    """Log-probability of all that is not listed: (A, K) → (A, 1)."""
    listed = logprobs.exp().sum(-1, keepdim=True)
    return torch.log1p(-listed.clamp(max=1 - 1e-6))


@torch.no_grad()
def base_distributions(
    model: Any,
    rows: Sequence[Row],
    tell: Any,
    *,
    hidden: Sequence[Tensor] = (),
    device: Any = "cpu",
    at_once: int = 16,
) -> list[Held]:
    """What ``model`` (the base, without an adapter) says over each row's answer. Computed once.

    ``hidden``: what the layers that are left out give for each row, if there are such.
    """
    found: list[Held] = []
    for start in range(0, len(rows), at_once):
        part = rows[start : start + at_once]
        tree = moved(plant(part, hidden[start : start + at_once]), device)
        logp = predict(model, tree)[tree.at]
        kept = min(KEPT, logp.shape[-1])
        values, ids = logp.topk(kept, dim=-1)
        whole = torch.cat([values, rest_of(values)], -1).cpu()
        for number in range(len(part)):
            chosen = (tree.row == number).cpu()
            found.append(Held(ids.cpu()[chosen], whole[chosen]))
        tell("The base's distributions", start + len(part), len(rows))
    return found


def answer_nll(logp: Tensor, tree: Tree) -> Tensor:
    """Negative log-likelihood (nats) of each answer token: (A,)."""
    return -logp[tree.at, tree.target]


def answer_kl(logp: Tensor, tree: Tree, chosen: Tensor, held: Held) -> Tensor:
    """KL(base ‖ model) in nats at the answer tokens that ``chosen`` (A,) marks."""
    ours = logp[tree.at[chosen][:, None], held.ids]
    ours = torch.cat([ours, rest_of(ours)], -1)
    return (held.logprobs.exp() * (held.logprobs - ours)).sum(-1)


def row_means(values: Tensor, row: Tensor, rows: int) -> Tensor:
    """The mean of each row's tokens: (A,) → (rows,)."""
    sums = torch.zeros(rows, device=values.device).index_add(0, row, values)
    counts = torch.zeros(rows, device=values.device).index_add(0, row, torch.ones_like(values))
    return sums / counts.clamp(min=1)
