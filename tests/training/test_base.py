"""The unpacked base is the base: its tokens, its numbers, and a sentence for what cannot be."""

from __future__ import annotations

import dataclasses
import gzip
import json
import shutil
from collections import namedtuple
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from chatapp.context.messages import Message
from chatapp.errors import ChatappError, TrainingError
from chatapp.training import base as bases
from chatapp.training.base import apart, hf_folder, known_base, together
from chatapp.training.prompts import Prompts
from tests.training.conftest import ROOT, Bench


def test_tokens_are_those_of_the_chat_and_of_the_published_tokenizer(
    bench: Bench, unpacked: Path
) -> None:
    rows = json.loads(gzip.decompress((ROOT / "tests/data/reference_ids.json.gz").read_bytes()))
    tokenizer = AutoTokenizer.from_pretrained(unpacked)
    prompts = Prompts(known_base(bench.base))
    for row in rows:
        text = tokenizer.apply_chat_template(
            row["messages"], add_generation_prompt=True, tokenize=False
        )
        assert tokenizer(text, add_special_tokens=False)["input_ids"] == row["ids"]
        messages = [Message.from_dict(one) for one in row["messages"]]
        assert list(prompts.prompt(messages)) == row["ids"]


def test_a_row_ends_with_the_token_that_ends_a_reply(bench: Bench) -> None:
    header = known_base(bench.base)
    row = Prompts(header).row("fact", [Message("user", "Hi <|im_end|>")], "Hello.")
    assert row.tokens[-1] == header.eos_id
    assert row.tokens[: row.start] == Prompts(header).prompt([Message("user", "Hi <|im_end|>")])
    assert row.tokens.count(header.eos_id or 0) == 3  # system, question, reply: none of a person's


@pytest.mark.slow
def test_numbers_are_those_that_transformers_unpacks(bench: Bench, unpacked: Path) -> None:
    ours = AutoModelForCausalLM.from_pretrained(unpacked, dtype=torch.float32).state_dict()
    theirs = AutoModelForCausalLM.from_pretrained(
        bench.base.parent, gguf_file=bench.base.name, dtype=torch.float32
    ).state_dict()
    assert ours.keys() == theirs.keys()
    for name, values in theirs.items():
        assert torch.equal(ours[name], values), name


def test_rotary_pairs_go_apart_and_together_again() -> None:
    rows = torch.arange(24.0).reshape(12, 2).numpy()
    assert (together(apart(rows, 3), 3) == rows).all()
    assert apart(rows, 3)[:4, 0].tolist() == [0, 4, 2, 6]


def test_no_room_on_the_disk(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10, 10, 0))
    with pytest.raises(TrainingError, match=r"too full: the unpacked base takes 577 MiB"):
        hf_folder(bench.base, bench.sha256, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_fills_leaves_nothing_half(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(bases, "_write", full)
    with pytest.raises(TrainingError, match="No space left on device"):
        hf_folder(bench.base, bench.sha256, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_base(bench: Bench, tmp_path: Path) -> None:
    text = tmp_path / "text.gguf"
    text.write_text("no model")
    with pytest.raises(ChatappError):
        known_base(text)
    with pytest.raises(ChatappError, match="There is no file"):
        known_base(tmp_path / "nothing.gguf")


@pytest.mark.parametrize(
    ("key", "value", "sentence"),
    [
        ("general.type", "adapter", "is adapter, not a whole model"),
        (
            "general.architecture",
            "gemma3",
            "architecture gemma3: this job knows llama alone",
        ),
        ("tokenizer.ggml.pre", "unheard-of", "is not one that this job knows"),
        ("tokenizer.chat_template", 0, "has no chat template: it is no chat model"),
    ],
)
def test_bases_that_cannot_be_trained(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, key: str, value: str | int, sentence: str
) -> None:
    header = known_base(bench.base)
    other = dataclasses.replace(header, metadata={**header.metadata, key: value})
    monkeypatch.setattr(bases, "read_header", lambda *_, **__: other)
    with pytest.raises(TrainingError, match=sentence):
        known_base(bench.base)
