"""Attention over a tree of tokens (see :mod:`.tree`), where most pairs see nothing of each other.

In a tree of 700 nodes each one attends to some 50. Neighbouring nodes are taken together, with the
nodes that any of them attends to: a tenth of the products of all with all. The result is that of
whole attention, up to float rounding.
"""

from __future__ import annotations

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
    keys, seen = _parts(mask)
    count, width = keys.shape
    _, heads, nodes, size = query.shape
    asking = pad(query[0], (0, 0, 0, count * PART - nodes))
    asking = asking.view(heads, count, PART, size).transpose(0, 1)
    each = heads // key.shape[1]

    def gathered(values: Tensor) -> Tensor:
        chosen = values[0].index_select(1, keys.flatten())
        return repeat_kv(chosen.view(-1, count, width, size).transpose(0, 1), each)

    on_cpu = query.device.type == "cpu"
    if on_cpu:  # small products: float32 is as fast as bfloat16 here, and more exact
        asking, key, value = asking.float(), key.float(), value.float()
    with torch.autocast(query.device.type, enabled=not on_cpu and torch.is_autocast_enabled()):
        out = scaled_dot_product_attention(
            asking, gathered(key), gathered(value), attn_mask=seen, scale=scaling
        )
    return out.transpose(1, 2).reshape(1, count * PART, heads, size)[:, :nodes], None


def _parts(mask: Tensor) -> tuple[Tensor, Tensor]:
    """Of a mask (1, 1, N, N): each part's nodes that are attended to, (P, K), and by which of its
    own, (P, 1, PART, K). All layers of a step have the same mask, so it keeps its parts."""
    kept: tuple[Tensor, Tensor] | None = getattr(mask, "parts", None)
    if kept is None:
        nodes = mask.shape[-1]
        count = -(-nodes // PART)
        rows = pad(mask[0, 0], (0, 0, 0, count * PART - nodes)).view(count, PART, nodes)
        used = rows.any(1)
        width = int(used.sum(-1).max())
        keys = used.int().argsort(dim=-1, descending=True, stable=True)[:, :width]
        seen = rows.gather(2, keys[:, None].expand(-1, PART, -1))
        seen[..., 0] |= ~seen.any(-1)  # what fills up the last part must look somewhere
        kept = mask.parts = keys, seen[:, None]  # type: ignore[attr-defined]
    return kept


AttentionInterface.register(NAME, attend)
AttentionMaskInterface.register(NAME, sdpa_mask)
