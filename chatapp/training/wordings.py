"""Several wordings of one question, from templates: some are trained, others only asked."""

from __future__ import annotations

import random
import re
import string
import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from typing import Final

_IS: Final = re.compile(r"(What|Who|Which|Where|When) (is|are|was|were) (.+)", re.S)
_ASKS: Final = re.compile(
    r"(?:What|Who|Which|Where|When|Why|How|In which|On which|At which)\b.*", re.S
)
_AUXILIARY: Final = re.compile(r"\b(?:do|does|did|is|are|was|were|has|have|can|will|would)\b")
_OF: Final = re.compile(
    r"the ([a-zA-Z][a-zA-Z -]*) (of|in) ((?:our|my|the) [a-z -]+|[A-Z][\w'’. -]*|[a-z]+)"
)
_COMPOUND: Final = re.compile(r"the ([a-z]+) ([a-z]+)")


@cache
def _templates() -> Mapping[str, Sequence[str]]:
    text = resources.files("chatapp.training").joinpath("wordings.toml").read_text("utf-8")
    return tomllib.loads(text)


def slots(question: str, begun: str = "") -> dict[str, str]:
    """What can be said of a question, by the slots' names in ``wordings.toml``.

    ``begun`` is an answer up to what was asked for, if that is known.
    """
    question = question.strip()
    stem = question.rstrip("?").rstrip()
    asks = bool(_ASKS.fullmatch(stem))
    low = question[:1].lower() + question[1:] if asks else question
    found = {"q": question, "low": low, "bare": low.rstrip("?").rstrip(), "small": stem.lower()}
    if begun:
        found["begun"] = begun
    if match := _IS.fullmatch(stem):
        word, verb, it = match.groups()
        found["that"] = f"{word.lower()} {it} {verb}"
        if word in ("What", "Who"):
            found["it"] = it
            found["It"] = it[:1].upper() + it[1:]
            if of := _OF.fullmatch(it):
                if word == "What":
                    found["its"] = f"{of[3]}'s {of[1]}"
                if of[2] == "of":
                    found["rel"], found["x"] = of[1], of[3]
            elif part := _COMPOUND.fullmatch(it):
                found["rel"], found["x"] = part[2], f"the {part[1]}"
    elif asks and not _AUXILIARY.search(stem.split(" ", 1)[-1]):
        found["that"] = low.rstrip("?").rstrip()
    return found


def _fill(question: str, templates: Sequence[str], begun: str = "") -> list[str]:
    known = slots(question, begun)
    made = []
    for template in templates:
        names = {name for _, name, _, _ in string.Formatter().parse(template) if name}
        if names <= known.keys():
            text = template.format_map(known)
            made.append(text if template[:1] != "{" or "small" in names else _capital(text, names))
    return list(dict.fromkeys(made))


def _capital(text: str, names: set[str]) -> str:
    return text[:1].upper() + text[1:] if names == {"its"} else text


def trained(question: str, begun: str = "") -> list[str]:
    """Wordings to train on; the question itself is the first of them.

    ``begun`` is the answer up to what was asked for: "Peru's capital is" can be completed as well.
    """
    return _fill(question, _templates()["trained"], begun)


def held_out(question: str, count: int, rng: random.Random) -> list[str]:
    """``count`` wordings that :func:`trained` never gives (fewer if the question has no more)."""
    known = set(trained(question))
    found = [one for one in _fill(question, _templates()["held_out"]) if one not in known]
    return rng.sample(found, min(count, len(found)))
