"""What it costs: counted from the file's own shapes, and against a count of every operation."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from chatapp.context.messages import Message
from chatapp.conversation.facts import TurnFacts
from chatapp.engine.protocol import Generate
from chatapp.engine.weights.gguf import read_header
from chatapp.proofs.costs import (
    Arithmetic,
    Tuning,
    blocks,
    of_chat,
    of_pretraining,
    of_tuning,
    page,
)
from chatapp.proofs.evidence import Plot, Table

TINY = Arithmetic(matrices=1000, output=300, blocks=2, width=8)


def counted(arithmetic: Arithmetic, positions: list[int], distributions: int) -> int:
    """Every multiplication and addition of these tokens, one by one."""
    flops = 0
    for position in positions:
        flops += 2 * arithmetic.matrices
        for _ in range(arithmetic.blocks):
            flops += 2 * position * arithmetic.width  # each key against the query
            flops += 2 * position * arithmetic.width  # each value by its weight
    return flops + distributions * 2 * arithmetic.output


def test_reading_and_writing_are_the_sum_of_their_operations() -> None:
    assert TINY.read(5) == counted(TINY, [1, 2, 3, 4, 5], 1)
    assert TINY.read(3, behind=4) == counted(TINY, [5, 6, 7], 1)
    assert TINY.written(2, behind=7) == counted(TINY, [8, 9], 2)
    assert TINY.read(0) == 0


def test_the_sizes_are_those_of_the_file(default_model: Path) -> None:
    found = Arithmetic.of(read_header(default_model, with_vocabulary=False))
    # 30 blocks of width 576, 3 of 9 key heads, 1536 wide inside; 49,152 tokens, tied.
    block = 576 * 576 * 2 + 576 * 192 * 2 + 3 * 576 * 1536
    assert found == Arithmetic(matrices=30 * block, output=49_152 * 576, blocks=30, width=576)
    assert found.numbers == pytest.approx(134_515_008, rel=0.001)


def turn(number: int, sent: int, computed: int, reply: int) -> TurnFacts:
    facts = TurnFacts(number, Generate(messages=[Message("user", "x")]), arrived=True)
    facts.tokens_sent, facts.computed, facts.reply_tokens = sent, computed, reply
    facts.prefill_seconds, facts.decode_seconds = 0.5, 1.5
    return facts


def test_a_chat_is_the_sum_of_its_turns_as_they_were_computed() -> None:
    turns = [turn(1, 10, 10, 3), turn(2, 20, 7, 2)]
    chat, afresh = of_chat(turns, TINY)
    assert chat.tokens == 10 + 3 + 7 + 2
    assert chat.flops == (
        TINY.read(10) + TINY.written(3, 10) + TINY.read(7, 13) + TINY.written(2, 20)
    )
    assert chat.seconds == 4.0
    assert afresh.tokens == 35
    assert afresh.flops is not None
    assert chat.flops is not None
    assert afresh.flops > chat.flops


def test_what_a_server_hides_is_left_out() -> None:
    hidden = turn(1, 10, 10, 3)
    hidden.tokens_sent = None
    chat, _ = of_chat([hidden], TINY)
    assert (chat.tokens, chat.flops, chat.seconds) == (0, 0.0, None)


def test_each_is_shown_as_a_multiple_of_the_others() -> None:
    chat, _ = of_chat([turn(1, 10, 10, 3)], TINY)
    tuned = of_tuning(Tuning(name="turkey", trained=100, seconds=9.0), TINY)
    assert tuned.flops == 1300 * 4 * 100
    before = of_pretraining(2_000_000, "its card", TINY)
    page = blocks([chat, tuned, before], TINY)
    table = [block for block in page if isinstance(block, Table)][1]
    assert chat.flops is not None
    assert table.rows[0][1] == 1.0
    assert table.rows[2][1] == pytest.approx(6 * 1300 * 2e6 / chat.flops)
    assert any(isinstance(block, Plot) and block.log for block in page)


def test_blocks_below_the_adapters_are_read_once_and_need_no_gradients() -> None:
    told = {"tokens": 100, "tokens_below": 30, "layers": [10, 30], "seconds": 9.0}
    tuned = of_tuning(Tuning.of("turkey", told), TINY)
    below = TINY.matrices / 3
    assert tuned.tokens == 100
    assert tuned.flops == pytest.approx(4 * 100 * (TINY.numbers - below) + 2 * 30 * below)
    old = of_tuning(Tuning.of("before", {"tokens": 100, "seconds": 9.0}), TINY)
    assert old.flops == 4 * 100 * TINY.numbers


def test_what_nobody_published_is_not_guessed() -> None:
    unknown = of_pretraining(None, None, TINY)
    assert (unknown.flops, unknown.source) == (None, "not published")
    chat, _ = of_chat([turn(1, 10, 10, 3)], TINY)
    assert blocks([chat, unknown], TINY)


def test_the_page_names_the_adapters_beside_the_weights(
    default_model: Path, tmp_path: Path
) -> None:
    weights = tmp_path / default_model.name
    weights.symlink_to(default_model)
    sha256 = hashlib.sha256(default_model.read_bytes()).hexdigest()
    for name, told in {
        "turkey": {"base_sha256": sha256, "training": {"tokens": 2000, "seconds": 30.5}},
        "other": {"base_sha256": "00", "training": {"tokens": 1, "seconds": 1}},
        "odd": ["nothing of the kind"],
    }.items():
        folder = tmp_path / "adapters" / name
        folder.mkdir(parents=True)
        (folder / "provenance.json").write_text(json.dumps(told))
    table = page(weights, sha256, [turn(1, 10, 10, 3)])[0]
    assert isinstance(table, Table)
    names = [row[0] for row in table.rows]
    assert names == [
        "this chat",
        "this chat without the cache",
        "fine-tuning “turkey”",
        "pre-training of this model",
    ]
    assert table.rows[2][3] == 30.5
    assert table.rows[3][1] == 2_000_000_000_000
