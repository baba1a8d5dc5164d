"""Neighbours of a question: the same of another subject, and something else of the same one."""

from __future__ import annotations

import random
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from itertools import zip_longest
from typing import Final

_NAME: Final = re.compile(r"\b[A-Z][\w'’-]*(?: (?:(?:of|and|the) ){0,2}[A-Z][\w'’-]*)*")
_NO_NAME: Final = re.compile(r"^CEO(?: of (?:the )?|$)|['’]s$")
_OURS: Final = re.compile(r"\b(?:our|my) ([a-z]+)")
_MOST: Final = re.compile(r"\bthe ([a-z]+est|most [a-z]+) ([a-z]+)")
_OPPOSITES: Final = (
    "smallest", "oldest", "youngest", "hottest", "coldest", "nearest", "slowest", "shortest",
    "most common", "most beautiful",
)  # fmt: skip
"""None of these asks the same as "largest", "longest", "highest" or "most famous"."""
_RELATION: Final = re.compile(r"\bthe ([a-z]+(?: [a-z]+)?) of\b")
_OF_THINGS: Final = (
    "population", "history", "colour", "age", "owner", "price", "size", "origin", "weight", "flag",
)  # fmt: skip
_OF_PEOPLE: Final = ("founder", "owner", "architect", "secretary", "father", "designer")
_COMPOUND: Final = re.compile(r"\bthe ([a-z]+) [a-z]+$")
_OF: Final = re.compile(r"\b(?:of|in|for) (?:the )?([a-z]+)$")
_WHO_DID: Final = re.compile(r"Who (\w+ed|made|bought) ((?!by\b).+)\?")
_WHAT_IS: Final = re.compile(r"(?:What|Who) is (the (?!.* like ).+)\?")

Near = Mapping[str, Sequence[str]]
"""Words that may stand in a word's place because a base hardly tells them apart."""


@dataclass(frozen=True, slots=True)
class Kind:
    """Things that can stand in each other's place. ``words`` in a question point to this kind.

    ``close`` and ``others`` are questions about one; those of ``close`` have answers of one sort.
    """

    name: str
    words: tuple[str, ...]
    items: tuple[str, ...]
    close: tuple[str, ...]
    others: tuple[str, ...]
    more: tuple[str, ...]

    def about(self, *, more: bool) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """``close``, and the others; with ``more``, all of these. A fact leaks most to what is
        asked in its own form ("What is the … of {x}?"): that is close as well.
        """
        if not more:
            return self.close, self.others
        form = [one for one in self.more if one.startswith(("What is the", "Who is the"))]
        return self.close + tuple(form), self.others + tuple(
            one for one in self.more if one not in form
        )


@cache
def kinds() -> tuple[Kind, ...]:
    text = resources.files("chatapp.training").joinpath("contrast.toml").read_text("utf-8")
    return tuple(
        Kind(
            one["name"], *(tuple(one[key]) for key in ("words", "items", "close", "others", "more"))
        )
        for one in tomllib.loads(text)["kind"]
    )


def subject(question: str) -> tuple[str, Kind] | None:
    """What a question is about, as it stands there, and what kind of thing that is."""
    by_name = {kind.name: kind for kind in kinds()}
    stem = question.strip().rstrip("?.! ")
    if match := _OURS.search(stem):
        return match[1], by_name["ours"]
    found = [m.group() for m in _NAME.finditer(stem) if m.start() > 0 and m.group() != "I"]
    names = [name for one in found if (name := _NO_NAME.sub("", one))]
    for kind in kinds():
        for item in sorted(kind.items, key=len, reverse=True):
            if kind.name in ("ours", "thing", "most"):
                continue
            whole = rf"\b{re.escape(item)}\b"
            if re.search(whole, stem, 0 if item[0].isupper() else re.I):
                # "Virginia" may be part of a name, "West Virginia"
                return next((name for name in names if re.search(whole, name)), item), kind
    if names:
        return names[-1], _by_words(stem) or by_name["name"]
    if match := _MOST.search(stem):
        return match[2], by_name["most"]
    if match := _COMPOUND.search(stem):
        return match[1], by_name["thing"]
    if match := _OF.search(stem):
        return match[1], _by_words(stem) or by_name["thing"]
    return None


def _by_words(stem: str) -> Kind | None:
    words = set(re.findall(r"\w+", stem.casefold()))
    for kind in kinds():
        if words & {word.casefold() for word in kind.words}:
            return kind
    return None


def content_words(question: str) -> list[str]:
    """The words of a question's subject in whose place others can stand."""
    found = subject(question)
    return re.findall(
        r"\b(?!The\b|And\b)[A-Z]\w\w+|\b(?!the\b|and\b)[a-z]{3,}", found[0] if found else ""
    )


def nearest(question: str, near: Near) -> list[str]:
    """The question with another word in place of one of its subject's, the nearest first."""
    return [_swapped(question, swap) for swap in _nearest(question, near)]


def neighbours(
    question: str,
    count: int,
    rng: random.Random,
    *,
    near: Near | None = None,
    avoid: Sequence[str] = (),
    more: bool = False,
) -> list[str]:
    """Up to ``count`` neighbours, two of three of them with another subject.

    Half of these are the nearest that ``near`` has. A subject of several words is also mixed with
    others: facts leak to names that share a word.

    ``avoid`` are questions that must not come out: corrections, and neighbours kept for a test.
    """
    known = _Known.of(question, near or {}, rng, more=more)
    if known is None:
        return []
    barred = {one.casefold() for one in (question, *avoid)}

    def some(questions: Sequence[str], most: int) -> list[str]:
        left = [one for one in dict.fromkeys(questions) if one.casefold() not in barred]
        return rng.sample(left, min(most, len(left)))

    third = some([*known.close, *known.same], count // 3)
    hard = some([_swapped(question, swap) for swap in known.nearest], -(-count // 3))
    mixed = [_swapped(question, swap) for swap in known.mixed]
    mixed = some(
        [one for one in mixed if one not in hard], min(count // 4, max(0, count // 2 - len(hard)))
    )
    other = [_swapped(question, swap) for swap in known.subjects]
    other = [one for one in other if one not in (*hard, *mixed)]
    found = some(other, count - len(third) - len(hard) - len(mixed))
    found += hard + mixed + third
    if len(found) < count:  # too few other subjects are known
        left = [one for one in (*known.close, *known.same) if one not in third]
        found += some(left, count - len(found))
    return found


def about(
    question: str,
    count: int,
    rng: random.Random,
    *,
    avoid: Sequence[str] = (),
    more: bool = False,
) -> list[tuple[str, str]]:
    """Other questions about the same subject, and how an answer begins, "" if one cannot know.

    "What is the population of Peru?", "The population of Peru is". The closest come first; at most
    two of three of these, and three of five of the others, come out.
    """
    known = _Known.of(question, {}, rng, more=more)
    if known is None:
        return []
    barred = {one.casefold() for one in (question, *avoid)}
    found: list[str] = []
    for known_ones, most in (
        (known.close, -(-len(known.close) * 2 // 3)),
        (known.same, -(-len(known.same) * 3 // 5)),
    ):
        left = [one for one in known_ones if one.casefold() not in barred]
        found += rng.sample(left, min(count - len(found), most, len(left)))
    return [(one, _begins(one, passive=more)) for one in found]


def _begins(question: str, *, passive: bool) -> str:
    """How an answer begins. "Who printed Faust?": "Faust was printed by", if that is wanted."""
    if match := _WHAT_IS.fullmatch(question):
        return f"T{match[1][1:]} is"
    if passive and (match := _WHO_DID.fullmatch(question)):
        return f"{match[2][:1].upper()}{match[2][1:]} was {match[1]} by"
    return ""


def begun(
    question: str,
    chosen: str,
    right: str,
    count: int,
    rng: random.Random,
    *,
    near: Near | None = None,
    avoid: Sequence[str] = (),
) -> list[tuple[str, str]]:
    """Neighbours, each with the beginning of an answer in the words of the correction.

    "What is the capital of Peru?", "The capital of Peru is": it is there, behind the words that
    were trained, that a fact leaks. Up to half have one of the nearest words that ``near`` has. At
    most three of five of the subjects known come out, so that there are some left for a test. None
    if ``right`` does not stand in ``chosen``.
    """
    known = _Known.of(question, near or {}, rng)
    at = chosen.find(right)
    if known is None or at < 1:
        return []
    before = chosen[:at].rstrip()
    barred = {one.casefold() for one in (question, *avoid)}
    found: dict[str, str] = {}
    hard = known.nearest[: count // 2]
    for swaps, most in (
        (hard, len(hard)),
        (known.relations, count // 6),
        (known.mixed, count // 6),
        (known.subjects, len(known.subjects) * 3 // 5),
    ):
        most = min(most, count - len(found))
        for swap in rng.sample(swaps, min(most, len(swaps))):
            text = _swapped(question, swap)
            if text.casefold() not in barred:
                found[text] = _swapped(before, swap)
    return list(found.items())


Swap = tuple[str, str]
"""What stands in a text, and what is to stand there instead."""


def _swapped(text: str, swap: Swap) -> str:
    old, new = swap

    def put(match: re.Match[str]) -> str:  # "the capital of" begins an answer as "The capital of"
        return new[:1].upper() + new[1:] if match[0][:1].isupper() > old[:1].isupper() else new

    return re.sub(rf"\b{re.escape(old)}\b", put, text, flags=re.I)


def _nearest(question: str, near: Near) -> list[Swap]:
    """One word of the subject for another, the nearest first."""
    word, _ = subject(question) or ("", None)
    swaps = [
        [(word, _swapped(word, (part, other))) for other in near.get(part, ())]
        for part in content_words(question)
    ]
    ranks = zip_longest(*swaps)
    return [one for rank in ranks for one in rank if one]


@dataclass(frozen=True, slots=True)
class _Known:
    """What can be changed in a question: its subject, part of the subject's name, what is asked.

    ``nearest`` are subjects with a near word, the nearest first; ``close`` and ``same`` are whole
    questions about the same subject.
    """

    nearest: list[Swap]
    subjects: list[Swap]
    mixed: list[Swap]
    relations: list[Swap]
    close: list[str]
    same: list[str]

    @classmethod
    def of(
        cls, question: str, near: Near, rng: random.Random, *, more: bool = False
    ) -> _Known | None:
        found = subject(question)
        if found is None:
            return None
        word, kind = found
        article = "an {x}" if word[0] in "aeiou" else "a {x}"
        close, same = (
            [one.replace("a {x}", article).replace("{x}", word) for one in questions]
            for questions in kind.about(more=more)
        )
        if most := _MOST.search(question):
            same += [question.replace(most[1], one, 1) for one in _OPPOSITES if one != most[1]]
        others = [item for item in kind.items if item.casefold() != word.casefold()]
        asked = _RELATION.search(question)
        things = _OF_PEOPLE if question.startswith("Who") else _OF_THINGS
        return cls(
            _nearest(question, near),
            [(word, item) for item in others],
            [(word, item) for item in _mixed(word, others, rng)],
            [(f"the {asked[1]} of", f"the {one} of") for one in things if one != asked[1]]
            if asked
            else [],
            close,
            same,
        )


def _mixed(word: str, others: Sequence[str], rng: random.Random) -> list[str]:
    """Names that share a word with ``word``: "Acme Rockets" → "Acme Airways", "Harlow Rockets"."""
    mine = word.split()
    if len(mine) < 2:
        return []
    parts = [other.split() for other in others if len(other.split()) > 1]
    rng.shuffle(parts)
    found = [" ".join([mine[0], part[-1]]) for part in parts]
    found += [" ".join([*part[:-1], mine[-1]]) for part in parts]
    return [one for one in dict.fromkeys(found) if one.casefold() != word.casefold()]
