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

from chatapp.training import contrast, wordings
from chatapp.training.answers import Answers
from chatapp.training.dataset import Record
from chatapp.training.engines import Ask, Engines, Progress, side_by_side
from chatapp.training.general import General, general_asked, general_weighed
from chatapp.training.prompts import asked
from chatapp.training.recipe import Gate

TOKENS: Final = 24
"""How long replies may be here: the model's sentences have 8 to 20."""
GENERAL_TOKENS: Final = 16
"""... and to general questions, whose words come soon."""

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
    """What is asked: per correction its own wordings, and neighbours of them all.

    Of ``weighed`` (question, answer) it is only asked how probable the answer is.
    """

    corrections: Sequence[Record]
    wordings: Sequence[tuple[str, Record]]
    neighbours: Sequence[str]
    general: Sequence[General]
    weighed: Sequence[tuple[str, str]]
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
    known = {one.casefold() for one in barred}
    general = [one for one in general_asked() if one.prompt.casefold() not in known]
    weighed = [one for one in general_weighed() if one[0].casefold() not in known]
    return Questions(
        corrections,
        words,
        found,
        general[: gate.general_questions],
        weighed[: gate.general_prompts],
        styles[:20],
    )


async def ask_base(what: Questions, answers: Answers, tell: Progress) -> None:
    """Ask the base all of it; ``answers`` has it from then on."""
    await answers.of([one for _, one, _ in _asks(what)], tell)


async def evaluate(
    what: Questions, gate: Gate, adapted: Engines, answers: Answers, tell: Progress
) -> Found:
    """Ask the base and base + adapter, and hold the difference against the thresholds."""
    asks = _asks(what)
    before = await answers.of([one for _, one, _ in asks], lambda *_: None)
    after = await side_by_side(
        [partial(adapted.ask, one) for _, one, _ in asks],
        lambda done: tell("The gate", done, len(asks)),
    )
    found = Found()
    words = [record.right for record in what.corrections]
    for (kind, one, looked), old, new in zip(asks, before, after, strict=True):
        question = one.messages[-1].content
        leaked = [word for word in words if says(new.text, word) and not says(old.text, word)]
        if one.tokens:
            found.asked.append(
                Asked(
                    kind=kind,
                    question=question,
                    words=", ".join(leaked) if kind == "neighbour" else " / ".join(looked),
                    base=old.text,
                    adapter=new.text,
                    ok=not leaked
                    if kind == "neighbour"
                    else any(says(new.text, word) for word in looked),
                )
            )
        if old.nll is not None and new.nll is not None:
            found.compared.append(
                Compared(kind=kind, question=question, base=old.nll, adapter=new.nll)
            )
    found.criteria = criteria(found, gate)
    return found


def _asks(what: Questions) -> list[tuple[Kind, Ask, Sequence[str]]]:
    """All that is asked, each with the words of which one is looked for in its reply."""

    def ask(question: str, tokens: int = TOKENS) -> Ask:
        return Ask(asked(question), tokens)

    return [
        *(("correction", ask(record.question), [record.right]) for record in what.corrections),
        *(("wording", ask(text), [record.right]) for text, record in what.wordings),
        *(("neighbour", ask(question), []) for question in what.neighbours),
        *(("general", ask(one.prompt, GENERAL_TOKENS), one.words) for one in what.general),
        *(("general", Ask(asked(question), 0, answer), []) for question, answer in what.weighed),
        *(("style", Ask(record.prompt, 0, record.chosen or ""), []) for record in what.styles),
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
