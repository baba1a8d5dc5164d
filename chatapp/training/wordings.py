"""Several wordings of one question, from templates: some are trained, others only asked."""

from __future__ import annotations

import random
import string
import tomllib
from collections.abc import Sequence
from functools import cache
from importlib import resources
from typing import Any

from chatapp.training.shape import slots


@cache
def _read(name: str) -> dict[str, Any]:
    text = resources.files("chatapp.training").joinpath(name).read_text("utf-8")
    return tomllib.loads(text)


def _fill(known: dict[str, str], templates: Sequence[str]) -> list[str]:
    made = []
    for template in templates:
        names = {name for _, name, _, _ in string.Formatter().parse(template) if name}
        if names <= known.keys():
            text = template.format_map(known)
            if template.startswith(("{x}", "{its}")):
                text = text[:1].upper() + text[1:]
            made.append(text)
    return list(dict.fromkeys(made))


def _synonyms(known: dict[str, str], which: str) -> list[str]:
    """The same in other words, as far as ``synonyms.toml`` knows what is asked."""
    said = known | {"rel": known.get("rel") or known.get("in_rel") or ""}
    made: list[str] = []
    for kind in _read("synonyms.toml")["kind"]:
        lists = [(key, kind[key]) for key in ("rel", "did", "then", "do") if key in kind]
        if not lists or any(said.get(key) in words for key, words in lists):
            made += _fill(known, kind[which])
    return made


def trained(question: str, begun: str = "") -> list[str]:
    """Wordings to train on; the question itself is the first of them.

    ``begun`` is the answer up to what was asked for: "Peru's capital is" can be completed as well.
    """
    known = slots(question, begun)
    found = _fill(known, _read("wordings.toml")["trained"]) + _synonyms(known, "trained")
    return list(dict.fromkeys(found))


def _never_trained(question: str) -> tuple[list[str], list[str]]:
    """Wordings that :func:`trained` never gives: in other words, and from templates."""
    known, said = slots(question), set(trained(question))
    others, same = _synonyms(known, "held_out"), _fill(known, _read("wordings.toml")["held_out"])
    return [one for one in others if one not in said], [one for one in same if one not in said]


def every(question: str) -> list[str]:
    """All wordings there are: none of them is a neighbour."""
    others, same = _never_trained(question)
    return [*trained(question), *others, *same]


def held_out(question: str, count: int, rng: random.Random) -> list[str]:
    """``count`` wordings that :func:`trained` never gives (fewer if the question has no more).

    Half of them in other words, if the question has such.
    """
    others, same = _never_trained(question)
    found = rng.sample(others, min(max(count // 2, count - len(same)), len(others)))
    return found + rng.sample(same, min(count - len(found), len(same)))
