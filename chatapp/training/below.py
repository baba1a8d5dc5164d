"""What the layers below the adapters give: it never changes while training, so it is computed once.

Only the upper layers of the base have adapters. What the layers below give for a token depends on
the base and on the tokens before it in its row, and on nothing that is trained: neither has it to
be computed again in each step, nor do gradients go there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import torch
from torch import Tensor, nn

from chatapp.training.prompts import Row
from chatapp.training.tree import moved, plant, size

AT_ONCE: Final = 16
"""So many rows are taken together."""

MOST_NUMBERS: Final = 1 << 28
"""So many are kept (1 GiB of float32). Rows with more of them are computed in each step."""


def first_layer(layers: int, upper: float) -> int:
    """The lowest of the ``upper`` share of so many layers, at least one of them: from 0."""
    return layers - max(1, round(layers * upper))


def tokens(rows: Sequence[Row]) -> int:
    """How many :func:`compute` computes: shared beginnings of rows that are taken together once."""
    return sum(size(rows[start : start + AT_ONCE]) for start in range(0, len(rows), AT_ONCE))


def can_be_kept(rows: Sequence[Row], width: int) -> bool:
    return sum(map(len, rows)) * width <= MOST_NUMBERS


class Computed(nn.Module):
    """Stands in the place of a layer whose work is done."""

    def forward(self, hidden: Tensor, *_: Any, **__: Any) -> Tensor:
        return hidden


@torch.no_grad()
def compute(
    model: Any,
    first: int,
    rows: Sequence[Row],
    tell: Callable[[str, int, int], None],
    *,
    device: Any = "cpu",
) -> list[Tensor]:
    """What is given to layer ``first``, for each row's T tokens but the last: (T - 1, width) each.

    Float32, kept on the CPU.
    """
    inner = model.model
    layers, norm = inner.layers, inner.norm
    inner.layers, inner.norm = layers[:first], nn.Identity()
    found: list[Tensor] = []
    try:
        for start in range(0, len(rows), AT_ONCE):
            part = rows[start : start + AT_ONCE]
            tree = moved(plant(part), device)
            hidden = inner(
                input_ids=tree.tokens,
                position_ids=tree.positions,
                attention_mask=tree.mask,
                use_cache=False,
            ).last_hidden_state[0]
            each = hidden[tree.nodes].float().cpu().split([len(row) - 1 for row in part])
            found += [one.clone() for one in each]
            tell("The layers below", start + len(part), len(rows))
    finally:
        inner.layers, inner.norm = layers, norm
    return found


def leave_out(model: Any, first: int) -> None:
    """Leave out the layers below ``first``: what they give is put in (``inputs_embeds``)."""
    for number in range(first):
        model.model.layers[number] = Computed()
