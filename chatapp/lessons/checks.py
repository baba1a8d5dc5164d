"""What is checked on what came: a small set of comparisons, between steps or with a number."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from chatapp.lessons.outcome import Outcome, Value
from chatapp.lessons.words import Words
from chatapp.proofs import evidence
from chatapp.proofs.facts import says

Kind = Literal["contains", "lacks", "same", "other", "more", "less", "is", "held"]
KINDS: Final = ("contains", "lacks", "same", "other", "more", "less", "is", "held")
TEXTS: Final = ("words", "bits", "logits")
"""What ``same`` and ``other`` can compare besides values."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One comparison. ``at`` names the step that is looked at; empty: the one it stands in.

    ``contains``, ``lacks``: ``what`` stands, or does not, in the answer as words of its own.
    ``same``, ``other``: ``what`` ("words", "bits", "logits", or a value) is, or is not, that of
    the step ``than``. ``more``, ``less``: the value ``what`` is more, or less, than ``times`` that
    of the step ``than``, or than a number. ``is``: the value ``what`` is ``than``. ``held``: the
    experiment held (or failed, if ``what`` is "no").
    """

    kind: Kind
    what: str
    than: str | float | bool | None = None
    times: float = 1.0
    at: str = ""


def look(
    check: Check, here: Outcome, others: Mapping[str, Outcome], words: Words
) -> evidence.Check:
    """Make the comparison. ``here`` is the outcome of the step that the check stands in."""
    found = others[check.at] if check.at else here
    says_, held, expected, seen = _LOOKS[check.kind](check, found, others, words)
    return evidence.Check(says=says_, held=held, expected=expected, found=seen)


_Found = tuple[str, bool, str, str]


def _stands(check: Check, found: Outcome, others: Mapping[str, Outcome], words: Words) -> _Found:
    there = says(found.text, check.what)
    wanted = check.kind == "contains"
    key = "check-contains" if wanted else "check-lacks"
    expected = check.what if wanted else words("not", what=check.what)
    return words(key, what=check.what), there == wanted, expected, found.text.strip()


def _equal(check: Check, found: Outcome, others: Mapping[str, Outcome], words: Words) -> _Found:
    mine, theirs = part(found, check.what), part(others[str(check.than)], check.what)
    wanted = check.kind == "same"
    known = mine is not None and theirs is not None
    name = words.name(check.what)
    sentence = words(f"check-{check.kind}", what=name, step=words.step(str(check.than)))
    expected = shown(theirs, words) if wanted else words("not", what=shown(theirs, words))
    return sentence, known and (mine == theirs) == wanted, expected, shown(mine, words)


def _compared(check: Check, found: Outcome, others: Mapping[str, Outcome], words: Words) -> _Found:
    mine = part(found, check.what)
    limit: Value
    if isinstance(check.than, str):
        limit = part(others[check.than], check.what)
        than = words.step(check.than)
    else:
        limit = check.than
        than = ""
    held = False
    if _number(mine) and _number(limit):
        bound = check.times * float(limit)  # type: ignore[arg-type]
        held = float(mine) > bound if check.kind == "more" else float(mine) < bound  # type: ignore[arg-type]
    key = f"check-{check.kind}" + ("" if than else "-number")
    if check.times != 1:
        key += "-times"
    sentence = words(
        key,
        what=words.name(check.what),
        step=than,
        number=shown(limit, words),
        times=shown(check.times, words),
    )
    factor = f"{shown(check.times, words)} × " if check.times != 1 else ""
    sign = ">" if check.kind == "more" else "<"
    return sentence, held, f"{sign} {factor}{shown(limit, words)}", shown(mine, words)


def _is(check: Check, found: Outcome, others: Mapping[str, Outcome], words: Words) -> _Found:
    mine = part(found, check.what)
    expected = shown(check.than, words)
    sentence = words("check-is", what=words.name(check.what), value=expected)
    return sentence, mine == check.than, expected, shown(mine, words)


def _held(check: Check, found: Outcome, others: Mapping[str, Outcome], words: Words) -> _Found:
    seen = part(found, "verdict")
    wanted = "held" if check.what == "yes" else "failed"
    return words(f"check-{wanted}"), seen == wanted, words(wanted), words(str(seen or "unknown"))


_LOOKS: Final = {
    "contains": _stands,
    "lacks": _stands,
    "same": _equal,
    "other": _equal,
    "more": _compared,
    "less": _compared,
    "is": _is,
    "held": _held,
}


def part(outcome: Outcome, name: str) -> Value:
    """What a check compares, by its name; ``None``: not revealed."""
    if name == "words":
        return outcome.text.strip()
    if name == "bits":
        return outcome.bits
    if name == "logits":
        return outcome.logits
    return outcome.values.get(name)


def _number(value: Value) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def shown(value: Value, words: Words) -> str:
    """A value for people."""
    if value is None:
        return words("unknown")
    if isinstance(value, bool):
        return words("yes" if value else "no")
    if isinstance(value, (int, float)):
        return words.number(value)
    if len(value) == 64 and all(letter in "0123456789abcdef" for letter in value):
        return value[:16]
    return value
