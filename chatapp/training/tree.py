"""Rows as one sequence without repetition or padding: those that begin alike share it.

The rows of a step begin alike (system prompt, "What is the capital of …"). As a tree of tokens each
beginning is computed once: every token attends to its own ancestors alone, at the position it has
in its row. The result is that of separate rows, up to float rounding.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from chatapp.training.prompts import Row


@dataclass(frozen=True, slots=True)
class Tree:
    """``tokens`` and ``positions`` of N nodes: (1, N). ``mask``: (1, 1, N, N), true where a node
    (row) attends to another (column). ``heads``: the H nodes whose next token is predicted.

    For each of A answer tokens, in the order of the rows: ``at`` is the index in ``heads`` of the
    node before it, ``target`` its id, ``row`` the number of its row. ``nodes``: those of each
    row's tokens but the last, one row after the other. ``hidden``: (1, N, width), what the layers
    that are left out give at each node, if there are such.
    """

    tokens: Tensor
    positions: Tensor
    mask: Tensor
    heads: Tensor
    at: Tensor
    target: Tensor
    row: Tensor
    nodes: Tensor
    hidden: Tensor | None = None


def size(rows: Sequence[Row]) -> int:
    """How many nodes the tree of some rows has: the tokens that are computed."""
    return len({row.tokens[:end] for row in rows for end in range(1, len(row.tokens))})


def moved(tree: Tree, device: Any) -> Tree:
    """The same on another device."""
    values: dict[str, Any] = {name: getattr(tree, name) for name in Tree.__slots__}
    values = {name: one if one is None else one.to(device) for name, one in values.items()}
    return Tree(**values)


def plant(rows: Sequence[Row], hidden: Sequence[Tensor] = ()) -> Tree:
    """The tree of some rows; ``hidden``: what is known of each row's tokens but the last."""
    nodes: dict[tuple[int, int], int] = {}
    tokens: list[int] = []
    parents: list[int] = []
    depths: list[int] = []
    heads: dict[int, int] = {}
    at: list[int] = []
    target: list[int] = []
    owner: list[int] = []
    places: list[int] = []
    new: list[int] = []
    for number, row in enumerate(rows):
        parent = -1
        for depth, token in enumerate(row.tokens):
            if depth >= row.start:
                at.append(heads.setdefault(parent, len(heads)))
                target.append(token)
                owner.append(number)
            if depth == len(row.tokens) - 1:
                break  # nothing is predicted behind the last token
            node = nodes.get((parent, token))
            if node is None:
                node = nodes[parent, token] = len(tokens)
                tokens.append(token)
                parents.append(parent)
                depths.append(depth)
                new.append(len(places))
            places.append(node)
            parent = node
    size = len(tokens)
    mask = torch.zeros(size, size, dtype=torch.bool)
    for node, parent in enumerate(parents):
        if parent >= 0:
            mask[node] = mask[parent]
        mask[node, node] = True
    return Tree(
        tokens=torch.tensor([tokens]),
        positions=torch.tensor([depths]),
        mask=mask[None, None],
        heads=torch.tensor(list(heads)),
        at=torch.tensor(at),
        target=torch.tensor(target),
        row=torch.tensor(owner),
        nodes=torch.tensor(places),
        hidden=torch.cat(list(hidden))[new][None] if hidden else None,
    )
