"""Each format against what its trainer publishes, and what no format may ever do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from chatapp.archive.exporting import FORMATS, Split, export
from tests.archive.export_samples import FACTS, items

SCHEMAS = json.loads(
    (Path(__file__).parents[1] / "data" / "export_schemas.json").read_text("utf-8")
)
EARLIER = "Hello, I am wrong at times."
WRONG = {reply for _, reply, _, _ in FACTS} | {EARLIER}


def rows(folder: Path, name: str, **options: Any) -> list[dict[str, Any]]:
    """The rows of both splits of an exported set."""
    exported = export(items(48), folder / name, format=name, **options)
    return [
        json.loads(line)
        for file in exported.manifest["files"]
        if file["role"] in ("train", "validation")
        for line in (folder / name / file["name"]).open("rb")
    ]


def test_every_format_but_our_own_has_a_published_schema() -> None:
    assert FORMATS.keys() - {"canonical"} == SCHEMAS["formats"].keys()


@pytest.mark.parametrize("name", SCHEMAS["formats"])
def test_rows_are_as_published(tmp_path: Path, name: str) -> None:
    schema = {"$defs": SCHEMAS["$defs"], **SCHEMAS["formats"][name]}
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    found = rows(tmp_path, name)
    assert len(found) >= 15
    for row in found:
        validator.validate(row)


def messages_of(row: dict[str, Any]) -> Iterator[tuple[str, str, str, int | None]]:
    """Every message of a row: where it stands, who says it, its text, its weight."""
    for key, value in row.items():
        if isinstance(value, dict) and "messages" in value:
            key, value = "prompt", value["messages"]
        for message in value if isinstance(value, list) else [value]:
            role = message.get("role") or {"human": "user", "gpt": "assistant"}.get(
                message["from"], "system"
            )
            yield key, role, message.get("content") or message["value"], message.get("weight")


COMPARED = {"rejected", "non_preferred_output"}
READ = {
    "trl-prompt-completion": {"prompt"},
    "trl-preference": {"prompt"},
    "openai-preference": {"prompt"},
    "axolotl-preference": {"messages"},
}
"""Where a format's trainer reads a message without training on it."""


@pytest.mark.parametrize("name", SCHEMAS["formats"])
def test_no_wrong_or_unjudged_reply_is_ever_trained(tmp_path: Path, name: str) -> None:
    trained, compared = set(), set()
    for row in rows(tmp_path, name):
        for where, role, text, weight in messages_of(row):
            if role == "assistant" and where in COMPARED:
                compared.add(text)
            elif role == "assistant" and where not in READ.get(name, ()) and weight != 0:
                trained.add(text)
    assert trained
    assert not trained & WRONG
    assert bool(compared) == FORMATS[name].needs_wrong
    assert compared <= WRONG - {EARLIER}


@pytest.mark.parametrize("name", FORMATS)
def test_examples_with_earlier_replies_are_left_out_only_where_those_would_be_trained(
    tmp_path: Path, name: str
) -> None:
    found = json.dumps(rows(tmp_path, name))
    assert (EARLIER in found) != FORMATS[name].trains_every_reply
    manifest = json.loads((tmp_path / name / "manifest.json").read_text("utf-8"))
    left_out = [why for why in manifest["counts"]["left_out"] if "earlier replies" in why]
    assert bool(left_out) == FORMATS[name].trains_every_reply


def test_openai_weighs_the_last_reply_alone(tmp_path: Path) -> None:
    weights = {
        tuple(message.get("weight") for message in row["messages"] if message["role"] != "system")
        for row in rows(tmp_path, "openai-sft")
    }
    assert weights == {(None, 1), (None, 0, None, 1)}


def test_sharegpt_speakers_take_turns(tmp_path: Path) -> None:
    for row in rows(tmp_path, "sharegpt"):
        speakers = [each["from"] for each in row["conversations"]]
        assert "system" not in speakers[1:]
        spoken = [speaker for speaker in speakers if speaker != "system"]
        assert spoken == ["human", "gpt"] * (len(spoken) // 2)


def test_mlx_lm_finds_what_its_loader_looks_for(tmp_path: Path) -> None:
    """It opens fixed names, reads a JSON value a line, and tells chat data by their keys."""
    rows(tmp_path, "mlx-lm", split=Split(fraction=0.4))
    for name in ("train", "valid"):
        lines = (tmp_path / "mlx-lm" / f"{name}.jsonl").open().readlines()
        data = [json.loads(line) for line in lines]
        assert data
        assert all("messages" in row and "prompt" not in row for row in data)
        assert all(row["messages"][-1]["role"] == "assistant" for row in data)


@pytest.mark.parametrize("name", ["axolotl", "axolotl-preference"])
@pytest.mark.parametrize("container", ["jsonl", "parquet"])
def test_axolotl_configuration_names_the_files(tmp_path: Path, name: str, container: str) -> None:
    yaml = pytest.importorskip("yaml")
    split = Split(fraction=0.4)
    export(items(48), tmp_path, format=name, container=container, split=split, shard_bytes=2000)
    config = yaml.safe_load((tmp_path / "axolotl.yaml").read_text("utf-8"))
    assert config.get("rl") == ("dpo" if "preference" in name else None)
    for part, split_name in (("datasets", "train"), ("test_datasets", "validation")):
        assert len(config[part]) > 1
        assert [each["path"] for each in config[part]] == sorted(
            path.name for path in tmp_path.glob(f"{split_name}-*")
        )
        for each in config[part]:
            assert each["ds_type"] == {"jsonl": "json"}.get(container, container)
            assert each["split"] == "train"  # a single file has no other
            assert each["type"].startswith("chat_template")
