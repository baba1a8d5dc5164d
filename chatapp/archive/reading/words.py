"""What a transcript says of itself, in every format alike: who, when, how it ended, with what."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from chatapp.archive.records import State, StoredMessage, StoredSession, Weights
from chatapp.context.messages import Role

IS_A_TRANSCRIPT: Final = (
    "This is a transcript: what was said, as text. The chat changed no weights, "
    "and a model knows this text only where it is sent to it again."
)
UNKNOWN: Final = "not revealed"
NO_TEXT: Final = "(no text)"
WHO: Final[Mapping[Role, str]] = {
    "system": "system",
    "user": "you",
    "assistant": "model",
    "tool": "a tool: a program, not the model",
}

_STATES: Final[Mapping[State, str]] = {
    "off": "not kept",
    "kept": "kept on this machine",
    "training": "kept, and may be exported for training",
}
_ENDED: Final[Mapping[str, str]] = {
    "streaming": "This reply was never finished: the program ended while it was written.",
    "stopped": "This reply is not complete: it was stopped by a person.",
    "length": "This reply is not complete: it reached the reply length that was set.",
    "window": "This reply is not complete: the context window was full.",
    "failed": "This reply is not complete: the engine broke off.",
}


def ending(message: StoredMessage) -> str:
    """How a message broke off, as a sentence; nothing if it did not."""
    if message.status == "complete":
        return message.note
    says = _ENDED.get(message.status, f"Its status is: {message.status}.")
    return f"{says} {message.note}".rstrip()


def facts(session: StoredSession) -> Iterator[tuple[str, str]]:
    """The head: pairs of a name and a value, in words. Which weights answered is among them."""
    info = session.info
    yield "began", moment(info.created)
    yield "last changed", moment(info.changed)
    yield "log", _STATES[info.state]
    if info.source is not None:
        yield "imported from", info.source
    if info.tags:
        yield "tags", ", ".join(info.tags)
    for weights in weights_of(session) or [Weights(model=info.model)]:
        yield "model", weights.model or UNKNOWN
        yield "SHA-256 of its weights", weights.sha256 or UNKNOWN
        if weights.adapter is not None:
            scale = "" if weights.adapter_scale is None else f", scale {weights.adapter_scale:g}"
            yield "adapter", f"{weights.adapter}{scale}"
            yield "SHA-256 of the adapter", weights.adapter_sha256 or UNKNOWN


def weights_of(session: StoredSession) -> list[Weights]:
    """All weights that answered in the session, in the order in which they first did."""
    return list(dict.fromkeys(one.turn.weights for one in session.messages if one.turn))


def moment(stored: str) -> str:
    """A stored time as people write it: ``2026-11-25 02:19:56 UTC``."""
    day, _, time = stored.partition("T")
    return f"{day} {time[:8]} UTC" if time.endswith("Z") else stored


@dataclass(frozen=True, slots=True)
class Entry:
    """A message with its number in the document, from 1."""

    number: int
    message: StoredMessage

    def head(self, *, with_model: bool = False) -> str:
        """One line: who said it, when, and how often it was sent."""
        message = self.message
        parts = [f"{self.number} · {WHO[message.role]}"]
        if with_model and message.turn:
            parts.append(message.turn.weights.model or UNKNOWN)
        parts.append(moment(message.created))
        if message.sent:
            parts.append(f"sent ×{message.sent:,}")
        return " · ".join(parts)


@dataclass(frozen=True, slots=True)
class Branch:
    """Messages that follow one another. ``words`` says where a branch out of sight begins."""

    words: str
    entries: tuple[Entry, ...]


def branches(session: StoredSession, all_branches: bool) -> Iterator[Branch]:
    """The branch in sight; then, if asked for, those that were left, each told as what it is."""
    below: dict[int | None, list[StoredMessage]] = {}
    for message in session.messages:
        below.setdefault(message.parent, []).append(message)
    numbers: dict[int, int] = {}

    def chain(at: StoredMessage | None) -> Iterator[Entry]:
        while at is not None:
            numbers[at.id] = len(numbers) + 1
            yield Entry(numbers[at.id], at)
            at = _in_sight(below.get(at.id, []))

    sight = Branch("", tuple(chain(_in_sight(below.get(None, [])))))
    yield sight
    waiting = [sight] if all_branches else []
    while waiting:
        for entry in waiting.pop(0).entries:
            siblings = below[entry.message.parent]
            if len(siblings) < 2 or _in_sight(siblings) is not entry.message:
                continue
            for other in siblings:
                if other is not entry.message:
                    left = Branch(_left(entry, numbers), tuple(chain(other)))
                    yield left
                    waiting.append(left)


def _in_sight(siblings: list[StoredMessage]) -> StoredMessage | None:
    """The chosen one, as :meth:`StoredSession.branch` follows it."""
    return next((one for one in siblings if one.chosen), siblings[-1] if siblings else None)


def _left(entry: Entry, numbers: Mapping[int, int]) -> str:
    """Where a branch out of sight begins, in words."""
    parent = entry.message.parent
    after = "at the beginning" if parent is None else f"after message {numbers[parent]}"
    return f"Another branch, not in sight: {after}, instead of message {entry.number}"


def circumstances(session: StoredSession, message: StoredMessage) -> Iterator[tuple[str, str]]:
    """What was different when a reply was asked for: a sentence, and the text it is about."""
    turn = message.turn
    if turn is None:
        return
    # What an imported reply was asked for with is not known.
    if turn.system != session.system and session.info.source is None:
        if turn.system:
            yield "This reply was asked for with another system prompt:", turn.system
        else:
            yield "This reply was asked for without a system prompt.", ""
    if turn.summary:
        yield "Instead of the oldest messages the model was sent this summary:", turn.summary
    elif turn.view_first is not None:
        yield "The oldest messages were not sent for this reply: they did not fit.", ""
    if turn.tools is not None:
        yield "The model was told that it may ask for tools.", ""
