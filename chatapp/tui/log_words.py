"""Sentences about what is kept: the state in the header, trouble with the store, reopening."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Final

from chatapp.tui import words

if TYPE_CHECKING:
    from chatapp.archive.records import Consent, Kind, State
    from chatapp.keeping.keeper import Keeper

OFF: Final = "log: off"


def state(keeper: Keeper | None) -> tuple[str, str]:
    """The state of a session's log in words, and in capitals what is not as it says."""
    if keeper is None:
        return OFF, ""
    if keeper.paused:
        return OFF, "NOT DELETED YET"
    from chatapp.archive.consent import MEANINGS

    return MEANINGS[keeper.state].label, "NOT KEPT" if keeper.trouble else ""


def trouble(keeper: Keeper) -> str:
    """The notice that stands in the conversation while the store fails; empty if it does not."""
    if not keeper.trouble:
        return ""
    why = f"✗ {words.one_line(keeper.trouble)}"
    if keeper.paused:
        return f"{why} ^L and “Off” tries to delete it again."
    later = "" if keeper.state == "off" else " It is written as soon as the store can be used."
    return f"{why} What was said is on the screen; nothing of it is lost.{later} ^S saves it."


def entry(consent: Consent) -> str:
    """One entry of the ledger on one line."""
    from chatapp.archive.consent import MEANINGS

    before, after = (MEANINGS[name].label for name in (consent.before, consent.state))
    return f"{when(consent.at)}  {before} → {after} (wording {words.one_line(consent.version)})"


def when(at: str) -> str:
    """A stored time as this machine's clock shows it, to the minute."""
    try:
        return f"{datetime.fromisoformat(at).astimezone():%Y-%m-%d %H:%M}"
    except (ValueError, OverflowError, OSError):
        return words.one_line(at)


def reopened(messages: int, tokens: int | None) -> str:
    """What stands in a session that was opened from the store."""
    if not messages:
        return "Reopened. Nothing had been said in it, so nothing is sent again."
    size = words.many(messages, "message")
    many = f"tokens: {words.UNKNOWN}" if tokens is None else words.many(tokens, "token")
    return (
        f"Reopened, which means: sent again. {size} ({many}, template and system prompt included) "
        "will go with your next one, as the model kept nothing of them."
    )


def marked(kind: Kind) -> str:
    """What stands on a reply that somebody marked."""
    return {"liked": "marked good", "disliked": "marked bad"}.get(kind, "corrected")


def label(name: State) -> str:
    """A state in words, as in the header."""
    from chatapp.archive.consent import MEANINGS

    return MEANINGS[name].label
