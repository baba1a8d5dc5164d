"""Attention over a tree of tokens (see :mod:`.tree`), where most pairs see nothing of each other.

In a tree of 700 nodes each one attends to some 50. Neighbouring nodes are taken together, with the
nodes that any of them attends to: a tenth of the products of all with all. The result is that of
whole attention, up to float rounding.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import Tensor
from torch.nn.functional import pad, scaled_dot_product_attention
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import repeat_kv, sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

NAME: Final = "chatapp-tree"
"""What a model is loaded with to attend so (``attn_implementation``)."""

PART: Final = 64
"""So many nodes are taken together."""


def attend(
    module: Any,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float | None = None,
    **more: Any,
) -> tuple[Tensor, None]:
    """One layer's attention, as transformers asks for it: (1, heads, N, width) → (1, N, heads, …).

    What is no tree (several sequences, no mask of yes and no) is left to transformers.
    """
    mask = attention_mask
    if mask is None or mask.dtype != torch.bool or mask.shape[:2] != (1, 1):
        found: tuple[Tensor, None] = sdpa_attention_forward(
            module, query, key, value, mask, scaling=scaling, **more
        )
        return found
    parts = _parts(mask)
    count, width = parts.keys.shape
    _, heads, nodes, size = query.shape
    groups = key.shape[1]
    each = heads // groups
    asking = pad(query[0], (0, 0, 0, count * PART - nodes))
    asking = asking.view(heads, count, PART, size).transpose(0, 1)

    def gathered(values: Tensor) -> Tensor:
        chosen = values[0].index_select(1, parts.keys.flatten())
        return chosen.view(groups, count, width, size).transpose(0, 1)

    if by_groups(query.device):

        def together(values: Tensor) -> Tensor:  # a group's heads ask the same keys: one product
            return values.reshape(count * groups, -1, size)

        with torch.autocast("cpu", enabled=False):
            key, value = gathered(key.float()), gathered(value.float())
            scores = torch.baddbmm(
                parts.bias(groups, each),
                together(asking.float()),
                together(key).transpose(1, 2),
                alpha=size**-0.5 if scaling is None else scaling,
            )
            out = torch.bmm(scores.softmax(-1), together(value)).view(count, heads, PART, size)
    else:
        key, value = (repeat_kv(gathered(one), each) for one in (key, value))
        out = scaled_dot_product_attention(
            asking, key, value, attn_mask=parts.seen[:, None], scale=scaling
        )
    return out.transpose(1, 2).reshape(1, count * PART, heads, size)[:, :nodes], None


def by_groups(device: torch.device) -> bool:
    """Whether the heads that ask the same keys do so in one product, and in float32: on processors
    that takes two thirds of the time, and bfloat16 would save none. GPUs have kernels of their own.
    """
    return device.type == "cpu"


@dataclass(slots=True)
class _Parts:
    """``keys`` (P, K): the nodes that each part's own attend to; ``seen`` (P, PART, K): by which of
    them. ``kept``: what is added to scores."""

    keys: Tensor
    seen: Tensor
    kept: Tensor | None = None

    def bias(self, groups: int, each: int) -> Tensor:
        """(P · groups, each · PART, K): 0 where a node attends, minus infinity elsewhere."""
        if self.kept is None:
            one = torch.zeros(self.seen.shape).masked_fill_(~self.seen, -torch.inf)
            one = one[:, None, None].expand(-1, groups, each, -1, -1)
            self.kept = one.reshape(len(self.keys) * groups, -1, self.keys.shape[1])
        return self.kept


def _parts(mask: Tensor) -> _Parts:
    """Of a mask (1, 1, N, N). All layers of a step have the same mask, so it keeps its parts."""
    kept: _Parts | None = getattr(mask, "parts", None)
    if kept is None:
        nodes = mask.shape[-1]
        count = -(-nodes // PART)
        rows = pad(mask[0, 0], (0, 0, 0, count * PART - nodes)).view(count, PART, nodes)
        used = rows.any(1)
        width = int(used.sum(-1).max())
        keys = used.int().argsort(dim=-1, descending=True, stable=True)[:, :width]
        seen = rows.gather(2, keys[:, None].expand(-1, PART, -1))
        seen[..., 0] |= ~seen.any(-1)  # what fills up the last part must look somewhere
        kept = mask.parts = _Parts(keys, seen)  # type: ignore[attr-defined]
    return kept


AttentionInterface.register(NAME, attend)
AttentionMaskInterface.register(NAME, sdpa_mask)
