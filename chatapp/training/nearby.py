"""Words that are near to a word in the base's own eyes: by its table of token embeddings.

A fact leaks to what the base hardly tells apart from its subject: North and South Dakota, a boat
and a ship. Lists written by hand know few of these pairs; the base's own table knows them all.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final

import numpy as np

from chatapp.engine.weights.header import Header
from chatapp.errors import TrainingError

MOST: Final = 18
"""So many words are near, the nearest first."""
_LOOKED_AT: Final = 64
_MUTUAL: Final = 96
"""Common words are near to everything: one counts if only so many others are nearer to it."""
_WORD: Final = re.compile(r"Ġ([A-Za-z]{3,})")
"""A whole word is one token that begins with a space."""


def nearby(header: Header, words: Iterable[str]) -> dict[str, list[str]]:
    """Up to :data:`MOST` near words for each of ``words`` that is one token; none for the others.

    The table is read for this and not kept. Raises :class:`TrainingError` if there is none.
    """
    whole = {m[1]: n for n, text in enumerate(header.tokens) if (m := _WORD.fullmatch(text))}
    known, found = list(whole), {}
    asked = [word for word in dict.fromkeys(words) if word in whole]
    if not asked:
        return {}
    table = _table(header, list(whole.values()))
    for word in asked:
        cosines = table @ table[known.index(word)]
        order = np.argsort(-cosines, kind="stable")[1 : _LOOKED_AT + 1]
        nearer = (table[order] @ table.T > cosines[order][:, None]).sum(1)
        near = [known[n] for n, count in zip(order, nearer, strict=True) if count <= _MUTUAL]
        found[word] = [one for one in near if takes_the_place(word, one)][:MOST]
    return found


def takes_the_place(word: str, other: str) -> bool:
    """Whether ``other`` is another word, written in the same case, and no form of ``word``."""
    mine, its = word.casefold(), other.casefold()
    if _case(word) != _case(other) or mine[:4] == its[:4]:
        return False
    if word.islower() and mine.endswith("s") != its.endswith("s"):  # one boat, several ships
        return False
    return not mine.startswith(its) and not its.startswith(mine)


def _case(word: str) -> str:
    return "all" if word.isupper() else "first" if word[0].isupper() else "none"


def _table(header: Header, rows: list[int]) -> Any:
    """The embeddings of the tokens ``rows``: (R, width), float32, around their mean, length 1."""
    from gguf import GGML_QUANT_SIZES, GGMLQuantizationType
    from gguf.quants import dequantize

    tensor = next((one for one in header.tensors if one.name == "token_embd.weight"), None)
    if tensor is None:
        raise TrainingError(f"{header.path} has no token embeddings (token_embd.weight).")
    width, count = tensor.shape
    kind = GGMLQuantizationType[tensor.type]
    numbers, size = GGML_QUANT_SIZES[kind]
    shape = (count, width // numbers * size)
    packed = np.memmap(header.path, np.uint8, "r", header.data + tensor.offset, shape)
    table = dequantize(packed[rows], kind)
    table = table - table.mean(0)
    return table / np.maximum(np.linalg.norm(table, axis=1, keepdims=True), 1e-9)
