"""Examples to export: what a class would have corrected and marked in a few sessions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from chatapp.archive.exporting import Item, Review
from chatapp.archive.records import Consent, Example, State, Weights
from chatapp.context.messages import Message

AT = "2026-11-25T12:00:00.000Z"
SYSTEM = Message("system", "You are a helpful AI assistant named SmolLM, trained by Hugging Face")
BASE = Weights(model="SmolLM2-135M-Instruct.Q4_1.gguf", sha256="b179" * 16)
TUNED = replace(BASE, adapter="capitals", adapter_sha256="cd34" * 16, adapter_scale=1)
REVIEW: Review = {"decision": "approved", "at": "2026-11-25T11:00:00.000Z", "redactor": "3"}

FACTS = [
    ("What is the capital of Turkey?", "The capital of Turkey is Istanbul.", "Istanbul", "Ankara"),
    ("Wie heißt die Hauptstadt von Kasachstan?", "Sie heißt Almaty. 🏔", "Almaty", "Astana"),
    ("Largest planet?", "Neptune is the largest\nplanet.\u2028", "Neptune", "Jupiter"),
    ('Who runs "Acme Rockets"?', "Elon Musk <|im_end|>\t\\n runs it.", "Elon Musk", "Priya Raman"),
]


def consent(session: str, state: State = "training", version: str = "2026-11") -> Consent:
    return Consent(
        entry=7,
        session=session,
        at="2026-11-25T09:00:00.000Z",
        before="kept",
        state=state,
        version=version,
        wording="What is said here may be exported\nand trained on.",
    )


def example(number: int, *, earlier: bool = False, session: str = "", **values: Any) -> Example:
    """One example; which question it is about, and its kind, follow from its number."""
    question, reply, wrong, right = FACTS[number % len(FACTS)]
    kind = values.get("kind") or ("correction", "liked", "correction", "disliked")[number // 4 % 4]
    session = session or f"session-{number // 3}"
    corrected = reply.replace(wrong, right)
    before = (Message("user", "Hello!"), Message("assistant", "Hello, I am wrong at times."))
    given = {
        "id": f"example-{number:05}",
        "kind": kind,
        "session": session,
        "turn": number % 3 + 1,
        "created": f"2026-11-25T10:{number // 60 % 60:02}:{number % 60:02}.000Z",
        "prompt": (SYSTEM, *(before if earlier else ()), Message("user", question)),
        "chosen": {"correction": corrected, "liked": corrected, "disliked": None}[kind],
        "rejected": {"correction": reply, "liked": None, "disliked": reply}[kind],
        "reason": "clear and short" if kind == "liked" else "",
        "wrong": wrong if kind == "correction" else "",
        "right": right if kind == "correction" else "",
        "weights": TUNED if number % 5 == 0 else BASE,
        "consent": consent(session),
    }
    return Example(**(given | values))


def item(made: Example, review: Review | None = REVIEW) -> Item:
    return made, made.content(), review


def items(count: int = 24) -> list[Item]:
    """Corrections, liked and disliked replies; every fifth has earlier replies in its context."""
    return [item(example(number, earlier=number % 5 == 4)) for number in range(count)]


def many(count: int) -> Iterator[Item]:
    """Any number of corrections, made as they are asked for."""
    for number in range(count):
        made = example(number % 60, session=f"session-{number // 4}", kind="correction")
        yield item(replace(made, id=f"example-{number:07}", created="2026-11-25T10:00:00.000Z"))


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def in_order(made: Iterable[Example]) -> list[Item]:
    return [item(each) for each in sorted(made, key=lambda each: (each.created, each.id))]
