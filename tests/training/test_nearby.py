"""Near words by the base's own embeddings: whole words that can stand in a word's place."""

from __future__ import annotations

import numpy as np
import pytest
from gguf import GGUFReader
from gguf.quants import dequantize

from chatapp.training import nearby as room
from chatapp.training.base import known_base
from chatapp.training.nearby import MOST, nearby, takes_the_place
from tests.training.conftest import Bench


def test_the_base_finds_near_what_a_person_would(bench: Bench) -> None:
    header = known_base(bench.base)
    near = nearby(header, ["boat", "South", "Maine", "zinc"])
    assert {"ship", "vessel"} <= set(near["boat"])
    assert {"North", "East", "West"} <= set(near["South"][:4])
    assert {"Vermont", "Connecticut"} <= set(near["Maine"])
    assert {"magnesium", "copper"} <= set(near["zinc"])
    for word, others in near.items():
        assert 4 <= len(others) == len(set(others)) <= MOST
        assert all(takes_the_place(word, one) and one.isalpha() for one in others)
    assert near == nearby(header, ["boat", "South", "Maine", "zinc"])


def test_common_words_that_are_near_to_everything_do_not_count(bench: Bench) -> None:
    near = nearby(known_base(bench.base), ["door", "cat", "river"])
    assert not {"and", "the", "with", "for", "more"} & {
        one for all_ in near.values() for one in all_
    }


def test_a_word_of_several_tokens_has_none(bench: Bench) -> None:
    assert nearby(known_base(bench.base), ["antimony", "Velmora"]) == {}


@pytest.mark.parametrize(
    ("word", "other", "takes"),
    [
        ("boat", "ship", True),
        ("boat", "ships", False),  # another number
        ("boat", "Ship", False),  # another case
        ("boat", "boats", False),
        ("Turkey", "turkey", False),
        ("Turkey", "Turkish", False),  # the same stem
        ("sun", "sunlight", False),
        ("Texas", "Florida", True),  # no plural
        ("IBM", "USA", True),
        ("IBM", "Usa", False),
    ],
)
def test_which_words_take_the_place_of_another(word: str, other: str, takes: bool) -> None:
    assert takes_the_place(word, other) is takes


def test_the_table_is_the_one_that_the_gguf_package_reads(bench: Bench) -> None:
    tensors = {one.name: one for one in GGUFReader(bench.base).tensors}
    packed = tensors["token_embd.weight"]
    rows = [1000, 2000, 3000]
    whole = dequantize(packed.data[rows], packed.tensor_type)
    whole = whole - whole.mean(0)
    expected = whole / np.linalg.norm(whole, axis=1, keepdims=True)
    assert np.allclose(room._table(known_base(bench.base), rows), expected, atol=1e-6)
