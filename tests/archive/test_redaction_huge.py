"""Huge and hostile texts end. They take seconds; an open-ended rule would take hours."""

from __future__ import annotations

import random

import pytest

from chatapp.archive.redaction import find, redact

SIZE = 1_000_000  # characters

HOSTILE = ["!", "a@a.", "@", "1.", "eyJ.", "`", "password", "://a:", "DE89 ", "\0", "\u200b", "=a@"]


@pytest.mark.parametrize("piece", HOSTILE)
def test_a_hostile_text_ends(piece: str) -> None:
    assert find(piece * (SIZE // 5 // len(piece))) == ()


def test_a_huge_text_keeps_exact_offsets() -> None:
    line = "The capital of Turkey is Ankara, and 1 + 1 is 2. "
    parts = [
        line * 100 + f"user{number}@example.org\n" for number in range(SIZE // len(line) // 100)
    ]
    text = "".join(parts)
    findings = find(text)
    assert [one.text for one in findings] == [
        f"user{number}@example.org" for number in range(len(parts))
    ]
    assert all(text[one.start : one.end] == one.text for one in findings)
    assert redact(text, findings).count("[EMAIL ") == len(parts)


def test_one_line_of_a_million_characters() -> None:
    text = "x" * (SIZE // 2) + " bob@example.com " + "x" * (SIZE // 2)
    assert [one.text for one in find(text)] == ["bob@example.com"]


def test_any_characters() -> None:
    draw = random.Random(7)
    text = "".join(chr(draw.randrange(0x110000)) for _ in range(SIZE // 5))
    for one in find(text):
        assert text[one.start : one.end] == one.text
