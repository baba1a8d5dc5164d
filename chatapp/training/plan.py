"""What is trained on, in which order: all of it a function of the export, the base and the seed.

A plan is data. Process 0 makes it and hands it to the others; a run that is taken up again reads
the plan that it began with.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from chatapp.context.messages import Message
from chatapp.errors import TrainingError
from chatapp.training import contrast, wordings
from chatapp.training.dataset import Export, Record
from chatapp.training.general import general_plain, general_trained
from chatapp.training.prompts import Prompts, Row, asked
from chatapp.training.recipe import Recipe, Train

T = TypeVar("T")

GENERAL_TOKENS = 24
"""How long the base's answers to general prompts may be that are held."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """``steps``: for each step the indices of its rows, and ``weights``: what each counts there.

    A step's loss is the sum over its rows of weight × mean loss of the row's answer tokens.
    ``held`` are the indices of rows whose answers are the base's (``general``, ``contrast``).
    ``asked`` are the neighbours that were trained, in each wording; ``near`` words that none has.
    ``upper`` is the share of the layers, from the top, that adapters are trained for.
    """

    rows: list[Row]
    steps: list[list[int]]
    weights: list[list[float]]
    asked: list[str] = field(default_factory=list)
    left_out: dict[str, int] = field(default_factory=dict)
    near: Mapping[str, Sequence[str]] = field(default_factory=dict)
    upper: float = 1.0

    @property
    def held(self) -> list[int]:
        return [n for n, row in enumerate(self.rows) if row.kind in ("general", "contrast")]

    def as_dict(self) -> dict[str, Any]:
        return {
            "rows": [[row.kind, list(row.tokens), row.start] for row in self.rows],
            "steps": self.steps,
            "weights": self.weights,
            "asked": self.asked,
            "left_out": self.left_out,
            "near": self.near,
            "upper": self.upper,
        }

    @classmethod
    def from_dict(cls, value: dict[str, Any]) -> Plan:
        rows = [Row(kind, tuple(tokens), start) for kind, tokens, start in value["rows"]]
        return cls(**{**value, "rows": rows})


def unique(corrections: Sequence[Record]) -> list[Record]:
    """The last correction of each question: a later one replaces an earlier one."""
    return list({record.question.strip().casefold(): record for record in corrections}.values())


Nearby = Callable[[Sequence[str]], Mapping[str, Sequence[str]]]
"""Words that are near to each of some words, the nearest first (see :mod:`.nearby`)."""


def dealt(near: Mapping[str, Sequence[str]]) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """Near words to train with, and every third for the gate, which are never trained."""
    kept = {word: list(others[2::3]) for word, others in near.items()}
    return {
        word: [one for n, one in enumerate(others) if n % 3 != 2] for word, others in near.items()
    }, kept


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A plan but for what the base says.

    ``asked`` and ``near`` are the plan's. ``alone`` are neighbours that are held by the base's own
    answers, ``begun`` others (question, how its answer begins, what leaks there).
    """

    asked: list[str]
    near: dict[str, list[str]]
    alone: list[str]
    begun: list[tuple[str, str, str]]
    facts: list[list[Row]]
    styles: list[list[Row]]
    make: _Maker
    rng: random.Random

    @property
    def general(self) -> Sequence[str]:
        """General prompts that are held by the base's own answers."""
        return _share(general_trained(), self.make.recipe)

    def finished(self, alone: Sequence[str], general: Sequence[str], world: int = 1) -> Plan:
        """Rows and steps for ``world`` processes, with the base's answers to both.

        Only once: the draws go on.
        """
        make = self.make
        near = [make.held("contrast", *pair) for pair in zip(self.alone, alone, strict=True)]
        near += [make.held_from(*one) for one in self.begun]
        plain = _share(general_plain(), make.recipe)
        pairs = [*zip(self.general, general, strict=True), *plain]
        kept = [make.held("general", *pair) for pair in pairs]
        return make.schedule(
            self.facts,
            self.styles,
            [row for row in near if row],
            [row for row in kept if row],
            self.rng,
            world,
            asked=self.asked,
            kept=self.near,
        )


def draft(
    export: Export,
    recipe: Recipe,
    prompts: Prompts,
    *,
    seed: int,
    nearby: Nearby = lambda words: {},
) -> Draft:
    """What is trained, by a recipe that fits the export.

    Raises :class:`TrainingError` if no example is short enough.
    """
    rng = random.Random(f"plan {seed}")
    make = _Maker(recipe, prompts)
    corrections = unique(export.corrections)
    facts = [make.fact(record, rng) for record in corrections]
    styles = [make.style(record) for record in export.styles]
    facts, styles = [one for one in facts if one], [one for one in styles if one]
    if not facts and not styles:
        raise TrainingError(
            f"No example is short enough: the longest that is trained has "
            f"{recipe.train.max_tokens} tokens (max_tokens in the recipe)."
        )
    questions = [record.question for record in corrections]
    near, kept = dealt(nearby([word for one in questions for word in contrast.content_words(one)]))
    barred = [text for one in questions for text in wordings.every(one)]
    barred += [text for one in questions for text in contrast.nearest(one, kept)]
    # Other subjects are held by the base's distributions behind the beginning of an answer in the
    # words of the correction, other questions about the same subject behind their own beginning or
    # by the base's own answers.
    alone: list[str] = []
    begun: list[tuple[str, str, str]] = []
    train = recipe.train
    wanted = train.subjects_each + train.about_each
    each = min(wanted, train.neighbours // max(len(facts), 1))
    each = max(12, each) if train.neighbours else 0
    subjects = each * train.subjects_each // wanted
    more = bool(train.about_more)
    for record in corrections:
        assert record.chosen is not None
        texts = record.question, record.chosen, record.right
        found = contrast.begun(*texts, subjects, rng, near=near, avoid=barred)
        if found:
            taken = [*barred, *(question for question, _ in found)]
            count = each - len(found)
            same = contrast.about(record.question, count, rng, avoid=taken, more=more)
            found += same
            if more:  # also how the base begins, lest the answer begins as the correction does
                alone += [text for text, words in same if words]
        else:
            others = contrast.neighbours(
                record.question, each, rng, near=near, avoid=barred, more=more
            )
            found = [(one, "") for one in others]
        begun += [(text, words, record.right) for text, words in found if words]
        alone += [text for text, words in found if not words]
    plain = [*alone, *(text for text, *_ in begun)]
    alone = list(dict.fromkeys(_worded(text, rng) for text in alone))
    begun = [(_worded(text, rng, words), words, right) for text, words, right in begun]
    return Draft(
        asked=list(dict.fromkeys([*plain, *alone, *(text for text, *_ in begun)])),
        near=kept,
        alone=alone,
        begun=begun,
        facts=facts,
        styles=styles,
        make=make,
        rng=rng,
    )


def _share(prompts: Sequence[T], train: Train) -> Sequence[T]:
    """As many as the recipe takes."""
    return prompts[: len(prompts) * train.general_prompts // len(general_trained())]


def _worded(question: str, rng: random.Random, begun: str = "") -> str:
    """A neighbour in one of the wordings that corrections are trained in, every other time."""
    return rng.choice(wordings.trained(question, begun)) if rng.random() < 0.5 else question


class _Maker:
    def __init__(self, recipe: Recipe, prompts: Prompts) -> None:
        self.recipe, self.upper = recipe.train, recipe.lora.upper
        self.prompts = prompts
        self.left_out: dict[str, int] = {}

    def _fits(self, row: Row) -> bool:
        return len(row) <= self.recipe.max_tokens

    def fact(self, record: Record, rng: random.Random) -> list[Row]:
        """The wordings of one correction: the question first and twice, the others shuffled."""
        assert record.chosen is not None
        begun, known, _ = record.chosen.partition(record.right)
        begun = begun.rstrip() if known else ""
        texts = wordings.trained(record.question, begun)
        system = [m for m in record.prompt if m.role == "system"]
        rows = [self.prompts.row("fact", asked(text), record.chosen) for text in texts]
        again, rest = rows[0], rows[1:]
        rng.shuffle(rest)
        if begun:  # a third of the rows are about the very words that were wrong, not the sentence
            again = self._from(rows[0], begun)
            rest[::3] = [self._from(row, begun) for row in rest[::3]]
        rest.insert(0, again)
        if list(record.prompt) != asked(record.question):  # as it stood, in its own session
            rest.insert(0, self.prompts.row("fact", record.prompt, record.chosen))
            if system:
                only = [*system, Message("user", record.question)]
                rest.insert(0, self.prompts.row("fact", only, record.chosen))
        found = [row for row in [rows[0], *rest] if self._fits(row)]
        if not found:
            self._count("longer than max_tokens")
        return found

    def style(self, record: Record) -> list[Row]:
        assert record.chosen is not None
        row = self.prompts.row("style", record.prompt, record.chosen)
        if self._fits(row):
            return [row]
        self._count("longer than max_tokens")
        return []

    def held(self, kind: str, question: str, answer: str) -> Row | None:
        row = self.prompts.row(kind, asked(question), answer)
        return row if self._fits(row) and answer.strip() else None

    def held_from(self, question: str, begun: str, right: str) -> Row | None:
        """A neighbour, held where a correction's answer would leak: behind the beginning, token by
        token of that very answer. (A number's first token is a space: what leaks stands behind it.)
        """
        row = self.prompts.row("contrast", asked(question), f"{begun} {right}")
        row = self._from(Row(row.kind, row.tokens[:-1], row.start), begun)
        return row if self._fits(row) and row.start < len(row) else None

    def _from(self, row: Row, begun: str) -> Row:
        """The same row, with only what is behind the words ``begun`` as its answer."""
        words = self.prompts.row(row.kind, asked("?"), begun)
        start = row.start + len(words) - words.start - 1  # without the token that ends a reply
        return Row(row.kind, row.tokens, start)

    def _count(self, why: str) -> None:
        self.left_out[why] = self.left_out.get(why, 0) + 1

    def schedule(
        self,
        facts: list[list[Row]],
        styles: list[list[Row]],
        near: list[Row],
        general: list[Row],
        rng: random.Random,
        world: int,
        *,
        asked: list[str],
        kept: dict[str, list[str]],
    ) -> Plan:
        """Deal rows into steps. Each fact comes equally often, each time in another wording."""
        rows: list[Row] = []

        def dealt(group: list[Row]) -> _Deck:
            start = len(rows)
            rows.extend(group)
            return _Deck(list(range(start, len(rows))), rng)

        fact_decks = [dealt(group) for group in facts]
        style_deck = dealt([row for group in styles for row in group])
        near_deck, general_deck = dealt(near), dealt(general)
        order = _Deck(list(range(len(fact_decks))), rng)
        each = self.recipe
        learnt = min(each.facts_per_step, each.wordings_per_step * len(facts), sum(map(len, facts)))
        # With few corrections a step is smaller, not more of the same; what is held in proportion.
        share = learnt / each.facts_per_step if facts else 1.0
        counts = {
            "fact": learnt,
            "style": min(each.styles_per_step, len(style_deck)),
            "contrast": min(math.ceil(each.contrast_per_step * share), -(-len(near) // 2)),
            "general": min(math.ceil(each.general_per_step * share), len(general)),
        }
        steps, weights = [], []
        for _ in range(self._steps(bool(facts), len(style_deck), counts["style"])):
            step: list[int] = []
            weight: list[float] = []
            taken = [fact_decks[order.next()].next() for _ in range(counts["fact"])]
            held = [near_deck.next() for _ in range(counts["contrast"])]
            held += [general_deck.next() for _ in range(counts["general"])]
            for part, whole in (
                (taken, 1.0),
                ([style_deck.next() for _ in range(counts["style"])], 1.0),
                (held, each.kl_weight),
            ):
                step += part
                weight += [whole / len(part)] * len(part) if part else []
            while len(step) % world:  # equal parts for all processes; what is added counts nothing
                step.append(step[0])
                weight.append(0.0)
            steps.append(step)
            weights.append(weight)
        return Plan(
            rows=rows,
            steps=steps,
            weights=weights,
            asked=asked,
            left_out=self.left_out,
            near=kept,
            upper=self.upper,
        )

    def _steps(self, facts: bool, styles: int, per_step: int) -> int:
        wanted = -(-styles * self.recipe.style_epochs // per_step) if per_step else 0
        return self.recipe.max_steps if facts else min(max(wanted, 1), 10_000)


class _Deck:
    """Cards dealt in random order, all of them before one comes again."""

    def __init__(self, cards: list[int], rng: random.Random) -> None:
        self._cards, self._rng = cards, rng
        self._left: list[int] = []

    def __len__(self) -> int:
        return len(self._cards)

    def next(self) -> int:
        if not self._left:
            self._left = self._rng.sample(self._cards, len(self._cards))
        return self._left.pop()
