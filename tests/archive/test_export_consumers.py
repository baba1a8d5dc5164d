"""Exports read back by those who train: Hugging Face's datasets, and TRL's own checks."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from chatapp.archive.exporting import FORMATS, Split, export, load
from tests.archive.export_samples import example, item, items

CHATML = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)

Load = Callable[[Path], Any]


@pytest.fixture
def read(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Load:
    """``datasets.load_dataset`` of a folder, offline, with a cache of its own."""
    cache = tmp_path_factory.mktemp("cache")
    for name in ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE", "HF_HUB_DISABLE_TELEMETRY"):
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("HF_HOME", str(cache))
    import datasets

    datasets.disable_progress_bars()
    return lambda folder: datasets.load_dataset(str(folder), cache_dir=str(cache))


def written(folder: Path) -> dict[str, list[dict[str, Any]]]:
    """The rows of a JSONL export, read by hand."""
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    found: dict[str, list[dict[str, Any]]] = {}
    for file in manifest["files"]:
        if file["role"] in ("train", "validation"):
            lines = (folder / file["name"]).read_bytes().splitlines()
            found.setdefault(file["role"], []).extend(json.loads(line) for line in lines)
    return found


def with_lacking(row: Any) -> Any:
    """A row as a table shows it: a weight that is not there is null."""
    for message in row.get("messages", ()):
        message.setdefault("weight", None)
    return row


@pytest.mark.parametrize(
    ("name", "container"),
    [
        (name, container)
        for name, each in FORMATS.items()
        for container in ("jsonl", "parquet")
        if container == "jsonl" or each.sharded
    ],
)
def test_datasets_reads_both_splits(tmp_path: Path, read: Load, name: str, container: str) -> None:
    split = Split(fraction=0.4)
    export(items(48), tmp_path / "plain", format=name, split=split)
    export(
        items(48), tmp_path / "out", format=name, split=split, container=container, shard_bytes=3000
    )
    want, got = written(tmp_path / "plain"), read(tmp_path / "out")
    assert set(got) == {"train", "validation"}
    for part, rows in want.items():
        wanted = [with_lacking(row) for row in rows] if name == "openai-sft" else rows
        assert got[part].to_list() == wanted


def test_datasets_reads_columns_that_are_empty_at_first(tmp_path: Path, read: Load) -> None:
    """It guesses types from the first 10 MB unless the card declares them."""
    long = "No. " * 1000
    given = [
        item(example(n % 60, id=f"{n:05}", created="2026", kind="disliked", rejected=long))
        for n in range(3000)
    ] + [item(example(0, id="99999", created="2027"))]
    export(given, tmp_path / "out", split=Split(fraction=0))
    assert (tmp_path / "out" / "train.jsonl").stat().st_size > 12_000_000
    train = read(tmp_path / "out")["train"]
    assert train[2999]["chosen"] is None
    assert train[3000]["chosen"] == "The capital of Turkey is Ankara."


@pytest.fixture(scope="module")
def trl() -> Any:
    """TRL's checks; they need PyTorch, which comes with the training job."""
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    pytest.importorskip("torch")
    return pytest.importorskip("trl.data_utils")


@pytest.fixture(scope="module")
def tokenizer(trl: Any) -> Any:
    """The smallest tokenizer that has a chat template: what is looked at is the text."""
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from transformers import PreTrainedTokenizerFast

    model = Tokenizer(WordLevel({"<unk>": 0}, unk_token="<unk>"))
    return PreTrainedTokenizerFast(tokenizer_object=model, chat_template=CHATML)


@pytest.mark.parametrize("name", ["trl-sft", "trl-prompt-completion", "trl-preference"])
def test_trl_takes_the_rows_as_conversations(
    tmp_path: Path, trl: Any, tokenizer: Any, read: Load, name: str
) -> None:
    export(items(48), tmp_path / "out", format=name, split=Split(fraction=0.4))
    given = {row["id"]: row for row in canonical(tmp_path)}
    records = [json.loads(line) for line in (tmp_path / "out/records.jsonl").open("rb")]
    for part, rows in read(tmp_path / "out").items():
        ids = [record["id"] for record in records if record["split"] == part]
        for id_, row in zip(ids, rows, strict=True):
            assert trl.is_conversational(row)
            assert trl.maybe_convert_to_chatml(dict(row)) == row
            said = "".join(map(turn, given[id_]["prompt"])) + "<|im_start|>assistant\n"
            chosen = f"{given[id_]['chosen']}<|im_end|>\n"
            rejected = f"{given[id_]['rejected']}<|im_end|>\n"
            text = trl.apply_chat_template(row, tokenizer)
            assert (
                text
                == {
                    "trl-sft": {"text": said + chosen},
                    "trl-prompt-completion": {"prompt": said, "completion": chosen},
                    "trl-preference": split_apart(said, chosen, rejected),
                }[name]
            )


def split_apart(said: str, chosen: str, rejected: str) -> dict[str, str]:
    """The prompt ends where either answer begins."""
    return {"prompt": said, "chosen": chosen, "rejected": rejected}


def turn(message: dict[str, str]) -> str:
    return f"<|im_start|>{message['role']}\n{message['content']}<|im_end|>\n"


def canonical(folder: Path) -> list[dict[str, Any]]:
    export(items(48), folder / "canonical")
    return list(load(folder / "canonical"))


def test_trl_turns_sharegpt_into_messages(tmp_path: Path, trl: Any, read: Load) -> None:
    for name in ("sharegpt", "trl-sft"):
        export(items(48), tmp_path / name, format=name, split=Split(fraction=0))
    ours = {"system": "system", "human": "user", "gpt": "assistant"}
    wanted = read(tmp_path / "trl-sft")["train"].to_list()
    for row, want in zip(read(tmp_path / "sharegpt")["train"].to_list(), wanted, strict=True):
        got = trl.maybe_convert_to_chatml(row)
        for message in got["messages"]:
            message["role"] = ours[message["role"]]
        assert got == want
