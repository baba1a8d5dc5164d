"""The header reader: what it reads, and that no file can make it do anything but refuse."""

from __future__ import annotations

import os
import struct
import time
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chatapp.engine.weights.gguf import read_header
from chatapp.errors import GGUFError
from tests.weights.maker import (
    ARRAY,
    F32,
    I32,
    STRING,
    TOKENS,
    U8,
    U32,
    Typed,
    changed,
    gguf,
    text,
)


def written(tmp_path: Path, content: bytes) -> Path:
    path = tmp_path / "file.gguf"
    path.write_bytes(content)
    return path


def test_reads_everything_that_the_file_says(tiny: Path) -> None:
    header = read_header(tiny)
    assert (header.version, header.size, header.file_kind) == (3, tiny.stat().st_size, "model")
    assert (header.architecture, header.name, header.licence) == ("llama", "Tiny", "apache-2.0")
    assert (header.quantisation, header.parameters) == ("Q4_1", 96)
    assert (header.trained_context, header.embedding) == (128, 32)
    assert (header.blocks, header.heads) == (2, 4)
    assert (header.tokenizer_model, header.tokenizer_pre) == ("gpt2", "smollm")
    assert header.tokens == TOKENS
    assert header.token_types == [3, 3, 1, 1, 1, 1]
    assert (header.bos_id, header.eos_id, header.add_bos) == (1, 0, False)
    assert header.chat_template is not None
    assert header.chat_template.startswith("{% for")
    assert header.skipped == {"tokenizer.ggml.merges": 2}
    assert [(t.name, t.shape, t.type, t.offset) for t in header.tensors] == [
        ("token_embd.weight", (32, 2), "Q4_1", 0),
        ("norm.weight", (32,), "F32", 64),
    ]


def test_the_vocabulary_can_be_stepped_over(tiny: Path) -> None:
    header = read_header(tiny, with_vocabulary=False)
    assert header.vocabulary_size == read_header(tiny).vocabulary_size == len(TOKENS)
    assert header.parameters == 96
    for ask in (lambda: header.tokens, lambda: header.token_types):
        with pytest.raises(ValueError, match="with_vocabulary=True"):
            ask()


def test_what_the_file_does_not_say_is_none(tmp_path: Path) -> None:
    header = read_header(written(tmp_path, gguf({"general.architecture": Typed(STRING, "x")}, [])))
    assert (header.name, header.licence, header.quantisation) == (None, None, None)
    assert (header.trained_context, header.heads, header.add_bos) == (None, None, None)
    assert (header.chat_template, header.bos_id, header.tokens) == (None, None, [])
    assert (header.parameters, header.vocabulary_size) == (0, 0)


def test_quantisation_without_a_file_type_is_that_of_most_numbers(tmp_path: Path) -> None:
    path = written(tmp_path, gguf(changed(general__file_type=None)))
    assert read_header(path).quantisation == "Q4_1"


def test_a_number_per_block_counts_as_the_largest(tmp_path: Path) -> None:
    metadata = changed(llama__attention__head_count=Typed(ARRAY, [4, 8], I32))
    assert read_header(written(tmp_path, gguf(metadata))).heads == 8


def test_version_2_and_other_alignments_are_read(tmp_path: Path) -> None:
    metadata = changed(general__alignment=Typed(U32, 64))
    header = read_header(written(tmp_path, gguf(metadata, version=2, alignment=64)))
    assert header.tensors[1].offset == 64


def test_tokens_that_are_not_utf8_stay_distinct(tmp_path: Path) -> None:
    tokens = [b"\xff", b"\xfe", b"a", b"b", b"c", b"d"]
    path = written(tmp_path, gguf(changed(tokenizer__ggml__tokens=Typed(ARRAY, tokens))))
    assert [
        token.encode("utf-8", "surrogateescape") for token in read_header(path).tokens
    ] == tokens


def test_other_text_that_is_not_utf8_can_be_printed(tmp_path: Path) -> None:
    path = written(tmp_path, gguf(changed(general__name=Typed(STRING, b"caf\xe9"))))
    assert read_header(path).name == "caf\ufffd"


def head(tensors: int = 0, keys: int = 0, version: int = 3) -> bytes:
    return b"GGUF" + struct.pack("<IQQ", version, tensors, keys)


def array(kind: int, count: int) -> bytes:
    return text("key") + struct.pack("<IIQ", ARRAY, kind, count)


LONG = bytes(4096)
HOSTILE = {
    "empty": (b"", "empty"),
    "short": (b"GGUF", "too short"),
    "garbage": (bytes(range(256)), "letters GGUF"),
    "zip": (b"PK\x03\x04" + LONG, "letters GGUF"),
    "version 1": (head(version=1), "version 1"),
    "version 4": (head(version=4), "version 4"),
    "big-endian": (b"GGUF" + struct.pack(">IQQ", 3, 0, 1) + LONG, "other way round"),
    "tensor count": (head(tensors=2**63) + LONG, "tensors"),
    "tensor count beyond the file": (head(tensors=1000), "could fit"),
    "key count": (head(keys=2**64 - 1) + LONG, "keys"),
    "key count beyond the file": (head(keys=1000), "could fit"),
    "key length": (head(keys=1) + struct.pack("<Q", 2**60) + LONG, "not credible"),
    "string length": (
        head(keys=1) + text("k") + struct.pack("<IQ", STRING, 2**62) + LONG,
        "not credible",
    ),
    "string beyond the file": (
        head(keys=1) + text("k") + struct.pack("<IQ", STRING, 10_000) + LONG,
        "could fit",
    ),
    "unknown kind": (head(keys=1) + text("k") + struct.pack("<I", 99) + LONG, "unknown kind 99"),
    "array length": (head(keys=1) + array(U8, 2**63) + LONG, "not credible"),
    "array beyond the file": (head(keys=1) + array(F32, 4000) + LONG, "could fit"),
    "strings beyond the file": (head(keys=1) + array(STRING, 4000) + LONG, "could fit"),
    "string in an array": (
        head(keys=1) + array(STRING, 2) + struct.pack("<Q", 2**63) + LONG,
        "ends in the middle",
    ),
    "array of arrays": (head(keys=1) + array(ARRAY, 1) + LONG, "other arrays"),
    "deeply nested arrays": (
        head(keys=1) + text("k") + struct.pack("<I", ARRAY) + struct.pack("<IQ", ARRAY, 1) * 5000,
        "other arrays",
    ),
    "array of the unknown": (head(keys=1) + array(77, 1) + LONG, "unknown kind 77"),
    "no architecture": (gguf(changed(general__architecture=None)), "architecture"),
    "architecture is a number": (
        gguf(changed(general__architecture=Typed(U32, 1))),
        "architecture",
    ),
    "tokens are numbers": (
        gguf(changed(tokenizer__ggml__tokens=Typed(ARRAY, [1] * 6, I32))),
        "list of texts",
    ),
    "tokens are one text": (gguf(changed(tokenizer__ggml__tokens=Typed(STRING, "a"))), "texts"),
    "kinds are texts": (
        gguf(changed(tokenizer__ggml__token_type=Typed(ARRAY, ["a"] * 6))),
        "list of numbers",
    ),
    "kinds are too few": (
        gguf(changed(tokenizer__ggml__token_type=Typed(ARRAY, [1, 1], I32))),
        "kinds of 2",
    ),
    "alignment 0": (gguf(changed(general__alignment=Typed(U32, 0))), "power of two"),
    "alignment 3": (gguf(changed(general__alignment=Typed(U32, 3))), "power of two"),
    "alignment is a text": (gguf(changed(general__alignment=Typed(STRING, "32"))), "power of two"),
    "five dimensions": (gguf(tensors=[("t", (1, 1, 1, 1, 1), 0, 4)]), "5 dimensions"),
    "2^64 numbers": (gguf(tensors=[("t", (2**62, 2**62), 0, 4)]), "impossible shape"),
    "not a whole block": (gguf(tensors=[("t", (31,), 3, 20)]), "impossible shape"),
    "tensor of the unknown": (gguf(tensors=[("t", (32,), 5, 20)]), "unknown kind 5"),
    "tensor beyond the file": (gguf(tensors=[("t", (2**40,), 0, 4)]), "cut short"),
    "tensors overlap": (
        gguf(tensors=[("a", (32,), 0, 0), ("b", (32,), 0, 128)]),
        "not where it should be",
    ),
    "tensor twice": (gguf(tensors=[("t", (32,), 0, 128)] * 2), "'t' twice"),
    "key twice": (
        head(keys=2) + (text("k") + struct.pack("<IB", U8, 1)) * 2 + LONG,
        "'k' twice",
    ),
    "skipped key twice": (
        head(keys=2)
        + (text("tokenizer.ggml.merges") + struct.pack("<IIQ", ARRAY, STRING, 0)) * 2
        + LONG,
        "twice",
    ),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_file_is_refused_in_one_sentence(tmp_path: Path, case: str) -> None:
    content, reason = HOSTILE[case]
    path = written(tmp_path, content)
    for with_vocabulary in (True, False):
        if not with_vocabulary and case.startswith(("tokens", "kinds")):
            continue  # what is stepped over is not looked at
        with pytest.raises(GGUFError) as caught:
            read_header(path, with_vocabulary=with_vocabulary)
        sentence = str(caught.value)
        assert reason in sentence
        assert str(path) in sentence
        assert "\n" not in sentence
        assert sentence.endswith(".")


def test_a_file_cut_anywhere_is_refused(tmp_path: Path) -> None:
    content = gguf()
    for length in range(len(content)):
        with pytest.raises(GGUFError):
            read_header(written(tmp_path, content[:length]))


def test_the_padding_after_the_last_tensor_may_be_missing(tmp_path: Path) -> None:
    content = gguf(tensors=[("t", (2,), 0, 8)])
    assert read_header(written(tmp_path, content[: -(32 - 8)])).parameters == 2


@pytest.mark.parametrize("kind", [U8, STRING])
def test_no_memory_is_taken_for_what_a_file_only_claims(tmp_path: Path, kind: int) -> None:
    """A sparse file as large as its claims: the limits, not the file's size, must hold."""
    path = written(tmp_path, head(keys=1) + array(kind, 2**32))
    os.truncate(path, 2**37)
    tracemalloc.start()
    try:
        with pytest.raises(GGUFError, match="not credible"):
            read_header(path)
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()


def test_a_header_without_end_is_refused(tmp_path: Path) -> None:
    """Every single claim is credible, but together they never end."""
    big = text("k") + struct.pack("<IQ", STRING, 16 * 2**20)
    path = tmp_path / "long.gguf"
    with path.open("wb") as file:
        file.write(head(keys=30))
        for number in range(30):
            file.write(big.replace(b"k", bytes([65 + number])))
            file.seek(16 * 2**20, os.SEEK_CUR)
        file.truncate()
    with pytest.raises(GGUFError, match="256 MiB"):
        read_header(path)


def test_what_is_not_a_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(GGUFError, match="not a file"):
        read_header(tmp_path)
    with pytest.raises(GGUFError, match="no file"):
        read_header(tmp_path / "missing.gguf")
    with pytest.raises(GGUFError, match="cannot be read"):
        read_header("nul\0byte")
    with pytest.raises(GGUFError, match="cannot be read"):
        read_header("x" * 5000)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no FIFOs")
def test_a_fifo_is_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.gguf")
    # A reader that waited would wait for ever: in a thread, so that it fails instead.
    with ThreadPoolExecutor(1) as pool:
        told = pool.submit(read_header, tmp_path / "pipe.gguf")
        try:
            assert "not a file" in str(told.exception(timeout=10))
        finally:
            writer = os.open(tmp_path / "pipe.gguf", os.O_RDWR)  # lets such a reader go
            os.close(writer)


def test_an_unreadable_file_is_refused(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(GGUFError, match="may not be read"):
        read_header(tiny)


WHOLE = gguf()
SIMPLE = settings(
    max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@SIMPLE
@given(data=st.data())
def test_fuzz_a_damaged_file_is_read_or_refused(tmp_path: Path, data: st.DataObject) -> None:
    content = bytearray(WHOLE)
    for _ in range(data.draw(st.integers(1, 8))):
        at = data.draw(st.integers(0, len(content) - 1))
        patch = data.draw(
            st.one_of(
                st.binary(min_size=1, max_size=12),
                st.integers(0, 2**64 - 1).map(lambda n: struct.pack("<Q", n)),
                st.sampled_from([0, 1, 8, 9, 2**31, 2**32 - 1]).map(lambda n: struct.pack("<I", n)),
            )
        )
        content[at : at + len(patch)] = patch
    end = data.draw(st.one_of(st.just(len(content)), st.integers(0, len(content))))
    path = written(tmp_path, bytes(content[:end]))
    for with_vocabulary in (True, False):
        try:
            header = read_header(path, with_vocabulary=with_vocabulary)
        except GGUFError:
            continue
        for name in dir(type(header)):  # whatever was accepted can also be asked
            if not name.startswith("_") and (
                with_vocabulary or name not in ("tokens", "token_types")
            ):
                getattr(header, name)


@SIMPLE
@given(content=st.binary(max_size=300))
def test_fuzz_anything_after_the_magic_is_read_or_refused(tmp_path: Path, content: bytes) -> None:
    try:
        read_header(written(tmp_path, b"GGUF" + struct.pack("<I", 3) + content))
    except GGUFError:
        return


def test_the_default_model(default_model: Path) -> None:
    header = read_header(default_model)
    assert (header.architecture, header.quantisation) == ("llama", "Q4_1")
    assert (header.blocks, header.heads, header.embedding) == (30, 9, 576)
    assert header.trained_context == 8192
    assert header.parameters == 134_515_008
    assert len(header.tokens) == len(header.token_types) == header.vocabulary_size == 49_152
    assert header.tokens[:3] == ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    assert (header.tokenizer_model, header.tokenizer_pre) == ("gpt2", "smollm")
    assert "SmolLM, trained by Hugging Face" in (header.chat_template or "")


def test_the_default_model_is_read_quickly(default_model: Path) -> None:
    """0.035 s where this was written; the ``gguf`` package takes 4 s."""
    took = []
    for _ in range(3):
        started = time.perf_counter()
        read_header(default_model)
        took.append(time.perf_counter() - started)
    assert min(took) < 0.3
