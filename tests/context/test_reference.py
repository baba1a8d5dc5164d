"""Token ids against the model's published template and tokenizer, 200 odd conversations."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from chatapp.context.messages import Message
from chatapp.engine.client import LocalEngine
from chatapp.engine.counter import Counter

REFERENCE = Path(__file__).parent.parent / "data" / "reference_ids.json.gz"


@pytest.fixture(scope="module")
def reference() -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(gzip.decompress(REFERENCE.read_bytes()))
    assert len(rows) == 200
    return rows


def _messages(row: dict[str, Any]) -> list[Message]:
    return [Message.from_dict(message) for message in row["messages"]]


async def test_own_count_equals_the_published_tokenizer(
    reference: list[dict[str, Any]], default_model: Path, engine: LocalEngine
) -> None:
    counter = Counter(engine, default_model)
    for row in reference:
        prompt = await counter.prompt(_messages(row))
        assert counter.source == "own"
        assert prompt is not None
        assert list(prompt.tokens) == row["ids"], row["messages"]


async def test_engine_equals_the_published_tokenizer(
    reference: list[dict[str, Any]], engine: LocalEngine
) -> None:
    for row in reference:
        prompt = await engine.render(_messages(row))
        assert prompt is not None
        assert list(prompt.tokens) == row["ids"], row["messages"]
        assert sum(span.tokens for span in prompt.spans) == len(prompt.tokens)
        assert sum(span.chars for span in prompt.spans) == len(prompt.text)
