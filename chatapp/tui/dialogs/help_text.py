"""The text of the help screen, read from ``help_text.toml`` and the table of commands."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any, Final, Literal

from chatapp.tui.commands import COMMANDS, key_name

__all__ = ["SECTIONS", "Entry", "Section", "load_help", "matches"]

Section = Literal["keys", "seen", "words"]

SECTIONS: Final[dict[Section, str]] = {
    "keys": "Keys",
    "seen": "What you see",
    "words": "Words",
}


@dataclass(frozen=True)
class Entry:
    """One line of help. ``keys`` are Textual's names, for the entries of the section ``keys``."""

    section: Section
    group: str
    term: str
    text: str
    also: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()

    @property
    def haystack(self) -> str:
        """What a search looks at."""
        return " ".join([self.term, *self.also, self.text, self.group, *self.keys]).casefold()


@lru_cache(maxsize=1)
def load_help() -> tuple[Entry, ...]:
    """All entries, in the order in which they are shown."""
    text = files(__package__).joinpath("help_text.toml").read_text("utf-8")
    document = tomllib.loads(text)
    entries = [_key(value) for value in document["key"]]
    entries += [Entry("seen", "", value["term"], value["text"]) for value in document["seen"]]
    entries += [
        Entry("words", "", value["term"], value["text"], tuple(value.get("also", ())))
        for value in sorted(document["word"], key=lambda value: value["term"].casefold())
    ]
    return tuple(entries)


def _key(value: dict[str, Any]) -> Entry:
    group = value["group"]
    if "action" not in value:
        keys = tuple(value["keys"])
        return Entry("keys", group, " / ".join(map(_shown, keys)), value["text"], keys=keys)
    command = next(command for command in COMMANDS if command.action == value["action"])
    keys = tuple(command.keys.split(","))
    text = f"{command.title}: {command.meaning[:1].lower()}{command.meaning[1:]}"
    return Entry("keys", group, " / ".join(map(_shown, keys)), text, keys=keys)


def _shown(key: str) -> str:
    """A key in full: ``Ctrl+N``, where the line of keys has only room for ``^N``."""
    first, _, last = key.rpartition("+")
    return f"Ctrl+{last.upper()}" if first == "ctrl" and len(last) == 1 else key_name(key)


def matches(entry: Entry, query: str) -> bool:
    """Whether the entry holds every word of the query, in any order."""
    return all(word in entry.haystack for word in query.casefold().split())
