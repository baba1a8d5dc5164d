"""The three ways to new information, as rows of one table: what each gives, costs, and reaches."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from chatapp.engine.client import LocalEngine
from chatapp.engine.protocol import Score
from chatapp.engine.weights.catalogue import load_catalogue
from chatapp.errors import ChatappError
from chatapp.proofs.asking import user
from chatapp.proofs.facts import Fact
from chatapp.proofs.files import adapters_beside, file_hash
from chatapp.proofs.lab import Lab
from chatapp.proofs.odds import Odds, continuations
from chatapp.proofs.record import Record

__all__ = [
    "Way",
    "accepted_beside",
    "another_version",
    "fine_tuned",
    "in_context",
    "nothing",
    "show",
]

_COLUMNS: Final = ("way", "P(right)", "what it costs", "how long it lasts", "who gets it")
_NOTE: Final = (
    "P(right) is the probability of the right words behind the same beginning of an answer. A "
    "model that was not trained to chat is given that beginning alone, without a template."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """``right`` is a probability; ``None``: not measured, and ``cost`` says why."""

    name: str
    right: float | None
    cost: str
    lasts: str = ""
    reaches: str = ""


def show(record: Record, ways: Sequence[Way]) -> None:
    """The ways side by side."""
    rows = [(way.name, way.right, way.cost, way.lasts, way.reaches) for way in ways]
    title = "Three ways to new information, on the same fact"
    record.table(title, _COLUMNS, rows, note=_NOTE)


def nothing(before: Odds) -> Way:
    """The fact in a new session."""
    return Way(name="nothing done", right=before.right, cost="nothing")


def in_context(before: Odds, told: Odds) -> Way:
    """The fact told in the transcript."""
    more = len(told.answer.prompt) - len(before.answer.prompt)
    return Way(
        name="in context",
        right=told.right,
        cost=f"{more:,} more tokens, sent again on every turn",
        lasts="as long as this transcript is sent",
        reaches="this session alone",
    )


def fine_tuned(name: str, right: float | None, adapter: Path, seconds: float | None) -> Way:
    """The fact in an adapter, a file of its own; ``seconds`` of training, where they are known."""
    time = f"{seconds:,.0f} s of training, " if seconds is not None else ""
    return Way(
        name=name,
        right=right,
        cost=f"{time}a file of {adapter.stat().st_size:,} bytes",
        lasts="as long as the file is added",
        reaches="everybody who adds this file",
    )


async def another_version(lab: Lab, fact: Fact) -> Way:
    """The fact asked of other weights, where some are here."""
    name, lasts, reaches = "another model version", "from then on", "everybody who changes to it"
    if lab.base is None:
        cost = "a training by its makers; none is here to be asked (chatapp models pull NAME)"
        return Way(name=name, right=None, cost=cost, lasts=lasts, reaches=reaches)
    name = f"another model: {lab.base.stem}"
    engine = lab.another(lab.base)
    try:
        right = await _plainly(engine, fact)
    except ChatappError as error:
        return Way(name=name, right=None, cost=f"not measured: {error}")
    finally:
        await engine.close()
    entry = load_catalogue().by_sha256(await asyncio.to_thread(file_hash, lab.base))
    known = entry.training_tokens if entry else None
    tokens = (
        f"a training on {known:,} tokens by its makers, " if known else "its makers' training, "
    )
    cost = f"{tokens}a file of {lab.base.stat().st_size:,} bytes"
    return Way(name=name, right=right, cost=cost, lasts=lasts, reaches=reaches)


async def _plainly(engine: LocalEngine, fact: Fact) -> float:
    """P(right) behind the beginning of the answer as a text of its own."""
    messages = [user(fact.prefix)]
    scores = await engine.score(
        Score(messages=messages, plain=True, continuations=continuations(fact))
    )
    return math.exp(scores.scores[0].logprob)


def accepted_beside(weights: Path, sha256: str) -> list[tuple[Path, Mapping[str, Any]]]:
    """Adapters that were trained on these weights and lie beside them, accepted by their own test,
    newest first; each with its provenance."""
    found = [
        (file, told)
        for file, told in adapters_beside(weights)
        if (told.get("status"), told.get("base_sha256")) == ("accepted", sha256) and file.is_file()
    ]
    return sorted(found, key=lambda one: one[0].stat().st_mtime, reverse=True)


def with_adapter(lab: Lab, adapter: Path) -> LocalEngine:
    """Another process on the lab's weights, with this adapter added as it was trained."""
    return lab.another(change=lambda options: replace(options, adapter=adapter, adapter_scale=1.0))
