"""What an adapter must be before llama.cpp may see it, held against the real default model."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest

from chatapp.engine.weights.adapters import check_adapter, name_of
from chatapp.engine.weights.gguf import read_header
from chatapp.engine.weights.header import Header
from chatapp.errors import AdapterError, GGUFError
from tests.weights.adapters import RANK, TARGETS, Tensors, lora, write

FIRST = "blk.0.attn_q.weight"


@pytest.fixture(scope="module")
def base(default_model: Path) -> Header:
    return read_header(default_model, with_vocabulary=False)


@pytest.fixture(scope="module")
def sha256(default_model: Path) -> Callable[[], str]:
    found = hashlib.sha256(default_model.read_bytes()).hexdigest()
    return lambda: found


def test_a_good_one_says_what_it_is(
    tmp_path: Path, default_model: Path, base: Header, sha256: Callable[[], str]
) -> None:
    tensors = lora(default_model)
    path = write(tmp_path / "ankara" / "adapter.gguf", tensors, base=default_model)
    found = check_adapter(path, base, sha256)
    assert found.name == "ankara"
    assert found.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert found.base == sha256()
    assert (found.rank, found.alpha) == (RANK, 8.0)
    assert found.matrices == len(TARGETS) * (base.blocks or 0)
    assert found.parameters == sum(numbers.size for numbers in tensors.values())
    assert found.unchanged()
    path.write_bytes(path.read_bytes() + b"\0")
    assert not found.unchanged()


def test_one_that_does_not_name_its_base_is_taken_by_its_shapes(
    tmp_path: Path, default_model: Path, base: Header
) -> None:
    def never() -> str:
        raise AssertionError("the base need not be hashed")

    found = check_adapter(write(tmp_path / "old.gguf", lora(default_model)), base, never)
    assert found.base is None
    assert found.name == "old"


@pytest.mark.parametrize("kind", ["F32", "F16", "BF16", "Q8_0"])
def test_every_type_of_number_is_looked_at(
    tmp_path: Path, default_model: Path, base: Header, sha256: Callable[[], str], kind: str
) -> None:
    numbers = lora(default_model, rank=32)

    def packed(name: str, spoilt: float | None) -> Path:
        writer = gguf.GGUFWriter(tmp_path / name, "llama")
        writer.add_string("general.type", "adapter")
        writer.add_string("adapter.type", "lora")
        writer.add_float32("adapter.lora.alpha", 8.0)
        code = getattr(gguf.GGMLQuantizationType, kind)
        for number, (tensor, values) in enumerate(numbers.items()):
            values = values.copy()
            if spoilt is not None and number == len(numbers) - 1:
                values[-1, -1] = spoilt
            with np.errstate(all="ignore"):
                data = gguf.quants.quantize(values, code)
            writer.add_tensor(tensor, data, raw_dtype=code)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        return tmp_path / name

    assert check_adapter(packed("good.gguf", None), base, sha256).rank == 32
    for value in (np.nan, np.inf):
        with pytest.raises(AdapterError, match=r"damaged: 'blk.*not a number"):
            check_adapter(packed("bad.gguf", value), base, sha256)


def _without(tensors: Tensors) -> Tensors:
    del tensors[f"{FIRST}.lora_b"]
    return tensors


def _renamed(tensors: Tensors) -> Tensors:
    for side in "ab":
        tensors[f"blk.99.attn_q.weight.lora_{side}"] = tensors.pop(f"{FIRST}.lora_{side}")
    return tensors


def _other_rank(tensors: Tensors) -> Tensors:
    tensors[f"{FIRST}.lora_b"] = np.ones((576, RANK + 1), np.float32)
    return tensors


def _other_width(tensors: Tensors) -> Tensors:
    tensors[f"{FIRST}.lora_a"] = np.ones((RANK, 577), np.float32)
    return tensors


def _of(name: str, rows: int, columns: int) -> Callable[[Tensors], Tensors]:
    def change(_: Tensors) -> Tensors:
        return {
            f"{name}.lora_a": np.ones((RANK, columns), np.float32),
            f"{name}.lora_b": np.ones((rows, RANK), np.float32),
        }

    return change


def _as(kind: type[Any]) -> Callable[[Tensors], Tensors]:
    return lambda tensors: {name: numbers.astype(kind) for name, numbers in tensors.items()}


@pytest.mark.parametrize(
    ("change", "says", "other"),
    [
        (_without, "only one of the two factors", False),
        (_renamed, "which these weights lack", True),
        (_other_rank, "do not fit each other", False),
        (_other_width, "other sizes.*577 by 576, and these weights 576 by 576", True),
        (_of("token_embd.weight", 49152, 576), "token embeddings", False),
        (_of("blk.0.attn_norm.weight", 1, 576), "no matrix", False),
        (_as(np.int8), "type I8", False),
        (_as(np.float64), "type F64", False),
        (lambda _: {}, "no numbers at all", False),
        (lambda t: {**t, "blk.0.odd": np.ones(4, np.float32)}, "no part of a LoRA", False),
    ],
)
def test_wrong_numbers(
    tmp_path: Path,
    default_model: Path,
    base: Header,
    sha256: Callable[[], str],
    change: Callable[[Tensors], Tensors],
    says: str,
    other: bool,
) -> None:
    path = write(tmp_path / "a.gguf", change(lora(default_model)))
    with pytest.raises(AdapterError, match=says) as caught:
        check_adapter(path, base, sha256)
    assert caught.value.other_base is other


@pytest.mark.parametrize(
    ("made", "says", "other"),
    [
        ({"base_sha256": "0" * 64}, "made for other weights .SHA-256 00000000…", True),
        ({"base_sha256": "0" * 9}, "no SHA-256", False),
        ({"architecture": "gemma3"}, "'gemma3', and this one is 'llama'", True),
        ({"file_type": "model"}, "is a model, not an adapter", False),
        ({"adapter_type": "ia3"}, "another kind than LoRA", False),
        ({"alpha": None}, "does not say its alpha", False),
        ({"alpha": float("nan")}, "must be above 0", False),
        ({"alpha": None, "change": lambda w: w.add_float64("adapter.lora.alpha", 8.0)},
         "32-bit number", False),
        ({"change": lambda w: w.add_array("adapter.alora.invocation_tokens", [1, 2])},
         "another kind", False),
    ],
)  # fmt: skip
def test_wrong_words(
    tmp_path: Path,
    default_model: Path,
    base: Header,
    sha256: Callable[[], str],
    made: dict[str, Any],
    says: str,
    other: bool,
) -> None:
    path = write(tmp_path / "a.gguf", lora(default_model, targets=("attn_q",)), **made)
    with pytest.raises(AdapterError, match=says) as caught:
        check_adapter(path, base, sha256)
    assert caught.value.other_base is other


@pytest.mark.parametrize("keep", [0, 10, 200, 0.5, 0.999])
def test_cut_short(
    tmp_path: Path, default_model: Path, base: Header, sha256: Callable[[], str], keep: float
) -> None:
    path = write(tmp_path / "a.gguf", lora(default_model, targets=("attn_q",)))
    whole = path.read_bytes()
    path.write_bytes(whole[: int(keep if keep >= 1 else keep * len(whole))])
    with pytest.raises(GGUFError):
        check_adapter(path, base, sha256)


def test_no_file(tmp_path: Path, base: Header, sha256: Callable[[], str]) -> None:
    with pytest.raises(GGUFError, match="There is no file"):
        check_adapter(tmp_path / "none.gguf", base, sha256)


def test_names() -> None:
    assert name_of(Path("/m/adapters/turkey/adapter.gguf")) == "turkey"
    assert name_of(Path("/m/adapters/turkey/other.gguf")) == "other"
    assert name_of(Path("adapter.gguf")) == "adapter"
