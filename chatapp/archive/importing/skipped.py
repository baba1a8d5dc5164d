"""What an import left out, and why: counted as it is read, told in sentences."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Final, Literal

Reason = Literal[
    "broken",
    "nothing",
    "twice",
    "tool",
    "attachment",
    "reasoning",
    "hidden",
    "blank",
    "role",
    "detached",
]
"""``broken``: a line or conversation that is not of the format. ``nothing``: no message is left of
it. ``twice``: it stands twice in the file. The rest are parts of conversations that were read."""

_SENTENCES: Final[dict[Reason, tuple[str, str]]] = {
    "broken": ("1 {unit} could not be read", "{n} {unit}s could not be read"),
    "nothing": (
        "1 {unit} holds no message of a person or a model.",
        "{n} {unit}s hold no message of a person or a model.",
    ),
    "twice": (
        "1 conversation stands in the file twice, in an old and a new form; the new one was read.",
        "{n} conversations stand in the file twice, in an old and a new form; "
        "the new ones were read.",
    ),
    "tool": (
        "1 tool call or tool result was left out: only what people and models said is kept.",
        "{n} tool calls and tool results were left out: only what people and models said is kept.",
    ),
    "attachment": (
        "1 picture, sound or file was left out: only text is kept.",
        "{n} pictures, sounds and files were left out: only text is kept.",
    ),
    "reasoning": (
        "1 note that a model wrote before its answer was left out: it is not part of the reply.",
        "{n} notes that models wrote before their answers were left out: "
        "they are not part of the replies.",
    ),
    "hidden": (
        "1 message was left out that its source does not show either, such as custom instructions.",
        "{n} messages were left out that their source does not show either, "
        "such as custom instructions.",
    ),
    "blank": ("1 message without text was left out.", "{n} messages without text were left out."),
    "role": (
        "1 message was left out that is of no known role: neither system, user nor assistant.",
        "{n} messages were left out that are of no known role: neither system, user nor assistant.",
    ),
    "detached": (
        "1 message was left out that hangs on no beginning.",
        "{n} messages were left out that hang on no beginning.",
    ),
}
_NAMED: Final = 3  # so many broken places are named; the others are counted


@dataclass(frozen=True, slots=True)
class Skipped:
    """One reason, how often, and the sentence for a person."""

    reason: Reason
    count: int
    sentence: str


class Tally:
    """Counts what is left out. ``unit`` is what a broken place is called: line, conversation."""

    def __init__(self, unit: str) -> None:
        self.unit = unit
        self._counts: Counter[Reason] = Counter()
        self._places: list[str] = []

    def add(self, reason: Reason, count: int = 1) -> None:
        """Something was left out, ``count`` times. Zero counts nothing."""
        if count > 0:
            self._counts[reason] += count

    def broken(self, place: str, why: str) -> None:
        """A line or conversation was left out because it is not of the format."""
        self._counts["broken"] += 1
        if len(self._places) < _NAMED:
            self._places.append(f"{place} ({why})")

    def clear(self) -> None:
        """Begin again from zero."""
        self._counts.clear()
        self._places.clear()

    def skipped(self) -> tuple[Skipped, ...]:
        """All of it, in a fixed order."""
        return tuple(
            Skipped(reason, count, self._sentence(reason, count))
            for reason in _SENTENCES
            if (count := self._counts[reason])
        )

    def _sentence(self, reason: Reason, count: int) -> str:
        one, many = _SENTENCES[reason]
        sentence = (one if count == 1 else many).format(n=f"{count:,}", unit=self.unit)
        if reason != "broken":
            return sentence
        others = count - len(self._places)
        more = f", and {others:,} more" if others else ""
        return f"{sentence}: {', '.join(self._places)}{more}."
