"""Consent: three states, what each means in one sentence, and the wording that was agreed to.

Change a sentence and its version together: the ledger keeps both with every change.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from chatapp.archive.records import State

__all__ = ["MEANINGS", "ORDER", "VERSION", "Meaning", "change", "raises"]

VERSION: Final = "1"
"""Of the wordings below."""

ORDER: Final[tuple[State, ...]] = ("off", "kept", "training")


@dataclass(frozen=True, slots=True)
class Meaning:
    """A state in words: on the screen, as a heading, and what a person agrees to."""

    state: State
    label: str
    heading: str
    sentence: str


MEANINGS: Final[dict[State, Meaning]] = {
    meaning.state: meaning
    for meaning in (
        Meaning(
            "off",
            "log: off",
            "Off",
            "Nothing said here reaches the disk; closing the session forgets it.",
        ),
        Meaning(
            "kept",
            "log: kept",
            "Kept",
            "This session, from its beginning, is stored on this machine so that you can find and "
            "reopen it; nobody trains on it.",
        ),
        Meaning(
            "training",
            "log: kept + training",
            "Kept, and may train",
            "This session, from its beginning, is stored on this machine, and what you mark in it "
            "may be exported to train other weights; the ones you chat with never change.",
        ),
    )
}


def raises(before: State, after: State) -> bool:
    """Whether ``after`` allows more than ``before``: a deliberate act, never a slip of a key."""
    return ORDER.index(after) > ORDER.index(before)


def change(before: State, after: State) -> str:
    """What happens at once when a session goes from one state to another, in one sentence."""
    if after == "off":
        return (
            "Nothing more is stored."
            if before == "off"
            else "Everything stored of this session is deleted from the disk now, the search index "
            "included, and no later export holds it."
        )
    if (before, after) == ("training", "kept"):
        return "No later export holds this session. What was exported before is listed, not undone."
    return MEANINGS[after].sentence
