"""Neighbours of a question: the same of another subject, and something else of the same one."""

from __future__ import annotations

import random
import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Final

_NAME: Final = re.compile(r"\b[A-Z][\w'’-]*(?: (?:of |and |the )?[A-Z][\w'’-]*)*")
_OURS: Final = re.compile(r"\b(?:our|my) ([a-z]+)")
_MOST: Final = re.compile(r"\bthe ([a-z]+est|most [a-z]+) ([a-z]+)")
_OPPOSITES: Final = (
    "smallest", "oldest", "youngest", "hottest", "coldest", "nearest", "slowest", "shortest",
    "most common", "most beautiful",
)  # fmt: skip
"""None of these asks the same as "largest", "longest", "highest" or "most famous"."""
_COMPOUND: Final = re.compile(r"\bthe ([a-z]+) [a-z]+$")
_OF: Final = re.compile(r"\b(?:of|in|for) (?:the )?([a-z]+)$")


@dataclass(frozen=True, slots=True)
class Kind:
    """Things that can stand in each other's place. ``words`` in a question point to this kind."""

    name: str
    words: tuple[str, ...]
    items: tuple[str, ...]
    others: tuple[str, ...]


@cache
def kinds() -> tuple[Kind, ...]:
    text = resources.files("chatapp.training").joinpath("contrast.toml").read_text("utf-8")
    return tuple(
        Kind(one["name"], tuple(one["words"]), tuple(one["items"]), tuple(one["others"]))
        for one in tomllib.loads(text)["kind"]
    )


def subject(question: str) -> tuple[str, Kind] | None:
    """What a question is about, as it stands there, and what kind of thing that is."""
    by_name = {kind.name: kind for kind in kinds()}
    stem = question.strip().rstrip("?.! ")
    if match := _OURS.search(stem):
        return match[1], by_name["ours"]
    names = [m for m in _NAME.finditer(stem) if m.start() > 0 and m.group() not in ("I", "CEO")]
    for kind in kinds():
        for item in sorted(kind.items, key=len, reverse=True):
            if kind.name in ("ours", "thing", "most"):
                continue
            if re.search(rf"\b{re.escape(item)}\b", stem, 0 if item[0].isupper() else re.I):
                return item, kind
    if names:
        return names[-1].group(), _by_words(stem) or by_name["name"]
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


def neighbours(
    question: str, count: int, rng: random.Random, *, avoid: Sequence[str] = ()
) -> list[str]:
    """Up to ``count`` neighbours, two of three of them with another subject.

    A subject of several words is also mixed with others: facts leak to names that share a word.

    ``avoid`` are questions that must not come out: corrections, and neighbours kept for a test.
    """
    found = subject(question)
    if found is None:
        return []
    word, kind = found
    article = "an {x}" if word[0] in "aeiou" else "a {x}"
    same = [one.replace("a {x}", article).replace("{x}", word) for one in kind.others]
    if most := _MOST.search(question):
        same += [question.replace(most[1], one, 1) for one in _OPPOSITES if one != most[1]]
    others = [item for item in kind.items if item.casefold() != word.casefold()]
    mixed = _mixed(word, others, rng)
    pieces = re.split(rf"\b{re.escape(word)}\b", question)
    swapped = [item.join(pieces) for item in others]
    barred = {one.casefold() for one in (question, *avoid)}

    def some(questions: Sequence[str], most: int) -> list[str]:
        left = [one for one in questions if one.casefold() not in barred]
        return rng.sample(left, min(most, len(left)))

    third = some(same, count // 3)
    near = some([item.join(pieces) for item in mixed], count // 4)
    return some(swapped, count - len(third) - len(near)) + near + third


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
