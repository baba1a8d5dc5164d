"""The evaluation gate: what the adapter does in llama.cpp, in fresh sessions, as a chat will ask.

Each question is asked in a session of its own, at temperature 0. Nothing that is asked here but the
corrections themselves was trained.
"""

from __future__ import annotations

import math
import random
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final, Literal

from chatapp.context.messages import Message
from chatapp.training import contrast, wordings
from chatapp.training.answers import Answers
from chatapp.training.dataset import Record
from chatapp.training.engines import Engines, Progress, side_by_side
from chatapp.training.general import General, general_asked
from chatapp.training.prompts import asked
from chatapp.training.recipe import Gate

TOKENS: Final = 24
"""How long replies may be here: the model's sentences have 8 to 20."""

Kind = Literal["correction", "wording", "neighbour", "general", "style"]


def says(text: str, words: str) -> bool:
    """Whether ``words`` stand in ``text`` as words of their own: 7 does not stand in 17."""
    return bool(re.search(rf"(?<!\w){re.escape(words)}(?!\w)", text, re.IGNORECASE))


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One question to both. ``ok``: as it should be. ``words``: what was looked for."""

    kind: Kind
    question: str
    words: str
    base: str
    adapter: str
    ok: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """How probable a given answer is: nats a token, under the base and under the adapter."""

    kind: Kind
    question: str
    base: float
    adapter: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Criterion:
    """One threshold: ``found`` against ``bar``, in words."""

    says: str
    held: bool
    expected: str
    found: str


@dataclass(slots=True, kw_only=True)
class Found:
    """All that the gate saw."""

    asked: list[Asked] = field(default_factory=list)
    compared: list[Compared] = field(default_factory=list)
    criteria: list[Criterion] = field(default_factory=list)

    @property
    def accepted(self) -> bool:
        return all(one.held for one in self.criteria)

    @property
    def reasons(self) -> list[str]:
        return [
            f"{one.says}: {one.found}, not {one.expected}." for one in self.criteria if not one.held
        ]

    def of(self, kind: Kind) -> list[Asked]:
        return [one for one in self.asked if one.kind == kind]

    def count(self, kind: Kind) -> tuple[int, int]:
        """How many are as they should be, of how many."""
        rows = self.of(kind)
        return sum(row.ok for row in rows), len(rows)

    def nll(self, kind: Kind) -> float | None:
        """The mean change in nats a token, above 0 if answers became less probable."""
        rows = [one.adapter - one.base for one in self.compared if one.kind == kind]
        return sum(rows) / len(rows) if rows else None


@dataclass(frozen=True, slots=True)
class Questions:
    """What is asked: per correction its own wordings, and neighbours of them all."""

    corrections: Sequence[Record]
    wordings: Sequence[tuple[str, Record]]
    neighbours: Sequence[str]
    general: Sequence[General]
    styles: Sequence[Record] = ()


def questions(
    corrections: Sequence[Record],
    styles: Sequence[Record],
    trained: Sequence[str],
    gate: Gate,
    seed: int,
    near: contrast.Near | None = None,
    *,
    more: bool = False,
) -> Questions:
    """Chosen so that none of them was trained (``trained`` are the neighbours that were).

    A third of the neighbours have a word of ``near``: those to which a fact leaks first. ``more``:
    all that is known to ask about a subject is asked.
    """
    rng = random.Random(f"gate {seed}")
    count = max(gate.wordings_each, -(-gate.wordings_least // max(len(corrections), 1)))
    words = [
        (text, record)
        for record in corrections
        for text in wordings.held_out(record.question, count, rng)
    ]
    barred = [*trained, *(one for record in corrections for one in wordings.every(record.question))]
    found: list[str] = []
    least = min(3, gate.neighbours)
    each = max(least, -(-gate.neighbours // max(len(corrections), 1)))
    for record in corrections:
        avoid = [*barred, *found]
        found += contrast.neighbours(record.question, each, rng, near=near, avoid=avoid, more=more)
    found = found[: max(gate.neighbours, least * len(corrections))]
    return Questions(
        corrections, words, found, general_asked()[: gate.general_prompts], styles[:20]
    )


async def ask_base(what: Questions, answers: Answers, tell: Progress) -> None:
    """Ask the base all of it; ``answers`` has it from then on."""
    await answers.of([question for _, question, _ in _asked(what)], TOKENS, tell)
    await answers.nll([(messages, text) for _, messages, text in _compared(what)], tell)


async def evaluate(
    what: Questions, gate: Gate, adapted: Engines, answers: Answers, tell: Progress
) -> Found:
    """Ask the base and base + adapter, and hold the difference against the thresholds."""
    await ask_base(what, answers, lambda *_: None)
    found = Found()
    asks, pairs = _asked(what), _compared(what)
    total = len(asks) + len(pairs)
    after = await side_by_side(
        [partial(adapted.answer, asked(question), TOKENS) for _, question, _ in asks],
        lambda done: tell("The gate", done, total),
    )
    before = await answers.of([question for _, question, _ in asks], TOKENS, lambda *_: None)
    words = [record.right for record in what.corrections]
    for (kind, question, looked), old, new in zip(asks, before, after, strict=True):
        leaked = [word for word in words if says(new, word) and not says(old, word)]
        found.asked.append(
            Asked(
                kind=kind,
                question=question,
                words=", ".join(leaked) if kind == "neighbour" else " / ".join(looked),
                base=old,
                adapter=new,
                ok=not leaked if kind == "neighbour" else any(says(new, one) for one in looked),
            )
        )
    nats = await side_by_side(
        [partial(adapted.nll, messages, text) for _, messages, text in pairs],
        lambda done: tell("The gate", len(asks) + done, total),
    )
    bases = await answers.nll([(messages, text) for _, messages, text in pairs], lambda *_: None)
    found.compared = [
        Compared(kind=kind, question=messages[-1].content, base=base, adapter=value)
        for (kind, messages, _), base, value in zip(pairs, bases, nats, strict=True)
    ]
    found.criteria = criteria(found, gate)
    return found


def _asked(what: Questions) -> list[tuple[Kind, str, Sequence[str]]]:
    """All questions, each with the words of which one is looked for in its reply."""
    return [
        *(("correction", record.question, [record.right]) for record in what.corrections),
        *(("wording", text, [record.right]) for text, record in what.wordings),
        *(("neighbour", question, []) for question in what.neighbours),
        *(("general", one.prompt, one.words) for one in what.general),
    ]


def _compared(what: Questions) -> list[tuple[Kind, Sequence[Message], str]]:
    """All prompts whose given answers are weighed."""
    return [
        *(("general", asked(one.prompt), one.answer) for one in what.general),
        *(("style", record.prompt, record.chosen or "") for record in what.styles),
    ]


def criteria(found: Found, gate: Gate) -> list[Criterion]:
    """The thresholds that apply to what was asked."""
    made: list[Criterion] = []
    shares: tuple[tuple[Kind, str, float], ...] = (
        ("correction", "Corrections answered right in a fresh session", gate.corrections),
        ("wording", "Wordings that were never trained, answered right", gate.wordings),
    )
    for kind, text, bar in shares:
        right, all_ = found.count(kind)
        if all_:
            least = math.ceil(bar * all_ - 1e-9)
            made.append(
                Criterion(
                    says=text,
                    held=right >= least,
                    expected=f"at least {least} of {all_}",
                    found=f"{right} of {all_}",
                )
            )
    kept, all_ = found.count("neighbour")
    if all_:
        most = math.floor(gate.leaks * all_ + 1e-9)
        made.append(
            Criterion(
                says="Neighbours that now get a correction's answer",
                held=all_ - kept <= most,
                expected=f"at most {most} of {all_}",
                found=f"{all_ - kept} of {all_}",
            )
        )
    change = found.nll("general")
    if change is not None:
        made.append(
            Criterion(
                says="General answers became less probable (nats a token)",
                held=change <= gate.general_nll + 1e-9,
                expected=f"at most {gate.general_nll:+.3f}",
                found=f"{change:+.3f}",
            )
        )
    general = found.of("general")
    if general:
        before = sum(_holds(row.base, row.words) for row in general)
        after = sum(row.ok for row in general)
        least = before + math.ceil(gate.keywords * len(general) - 1e-9)
        made.append(
            Criterion(
                says="General questions answered with a word that belongs there",
                held=after >= least,
                expected=f"at least {least} of {len(general)} (the base: {before})",
                found=f"{after} of {len(general)}",
            )
        )
    style = found.nll("style")
    if style is not None:
        made.append(
            Criterion(
                says="Marked replies became more probable (nats a token)",
                held=style < 0,
                expected="below 0",
                found=f"{style:+.3f}",
            )
        )
    return made


def _holds(text: str, words: str) -> bool:
    return any(says(text, word) for word in words.split(" / "))
