"""The facts that experiments try: data files with their sources. Teachers add their own."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from chatapp.errors import ChatappError


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """A question, its right answer, and the message that tells it.

    ``sentence`` states the answer; ``say`` is what the person types (a correction, or "Please
    remember: …"). Probabilities are measured behind ``prefix``, the beginning of an answer up to
    its decisive words: of ``right``, and of ``wrong``, what the model says by itself.
    ``source`` is where the fact comes from; an ``invented`` one has none.
    """

    id: str
    question: str
    sentence: str
    right: str
    say: str
    prefix: str = ""
    wrong: str = ""
    invented: bool = False
    source: str = ""

    def answered(self, text: str) -> bool:
        """Whether ``text`` gives the right answer."""
        return says(text, self.right)


def says(text: str, words: str) -> bool:
    """Whether ``words`` stand in ``text`` as words of their own: 7 does not stand in 17."""
    return bool(re.search(rf"(?<!\w){re.escape(words)}(?!\w)", text, re.IGNORECASE))


@dataclass(frozen=True, slots=True)
class Facts:
    """``corrections`` of wrong answers, things ``told`` to be remembered, and ``news`` from after
    the model's training.
    """

    corrections: tuple[Fact, ...] = ()
    told: tuple[Fact, ...] = ()
    news: tuple[Fact, ...] = ()

    @property
    def every(self) -> tuple[Fact, ...]:
        return (*self.corrections, *self.told, *self.news)

    def only(self, names: Sequence[str]) -> Facts:
        """The facts of these names; all of them, if there are none. Raises ``ChatappError``."""
        if not names:
            return self
        known = {fact.id for fact in self.every}
        for name in names:
            if name not in known:
                raise ChatappError(f"There is no fact called {name}.")
        kinds = (self.corrections, self.told, self.news)
        return Facts(*(tuple(fact for fact in kind if fact.id in names) for kind in kinds))


_KINDS = {"correction": "corrections", "told": "told", "news": "news"}


@cache
def built_in() -> Facts:
    """Those that come with chatapp, chosen by measurement with the default model."""
    text = resources.files("chatapp.proofs").joinpath("facts.toml").read_text("utf-8")
    return _facts(tomllib.loads(text), "facts.toml")


def read_facts(path: Path) -> Facts:
    """A teacher's own file, of the same form. Raises :class:`ChatappError` with the reason."""
    try:
        return _facts(tomllib.loads(path.read_text("utf-8")), path.name)
    except OSError as error:
        raise ChatappError(f"{path} cannot be read: {error.strerror}.") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ChatappError(f"{path} is not a TOML file: {error}.") from error


def _facts(value: Mapping[str, Any], name: str) -> Facts:
    unknown = sorted(set(value) - set(_KINDS))
    if unknown:
        raise ChatappError(
            f"{name}: there is no [[{unknown[0]}]]; write [[correction]], [[told]] or [[news]]."
        )
    found = {}
    for kind, place in _KINDS.items():
        tables = value.get(kind, [])
        if not isinstance(tables, list):
            raise ChatappError(f"{name}: write [[{kind}]] with two brackets.")
        found[place] = tuple(
            _fact(table, f"{name}, {kind} {n}") for n, table in enumerate(tables, 1)
        )
    facts = Facts(**found)
    if not any(found.values()):
        raise ChatappError(f"{name} holds no facts.")
    return facts


def _fact(value: Any, where: str) -> Fact:
    if not isinstance(value, dict):
        raise ChatappError(f"{where}: this is not a table.")
    known = {field.name: field for field in fields(Fact)}
    for name, item in value.items():
        if name not in known:
            raise ChatappError(f"{where}: there is no '{name}'.")
        kind = bool if name == "invented" else str
        if not isinstance(item, kind):
            raise ChatappError(
                f"{where}: '{name}' must be a {'yes or no' if kind is bool else 'text'}."
            )
    for name in ("question", "sentence", "right"):
        if not value.get(name, "").strip():
            raise ChatappError(f"{where}: '{name}' is missing.")
    rest = {"id": value["right"].lower(), "say": f"Please remember: {value['sentence']}", **value}
    return Fact(**rest)
