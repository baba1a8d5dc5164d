"""A proof as lines of text: both sides, the hashes beside each other, and what follows from them.

Nothing here decides anything: what was found is written down, whatever it is.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from rich.cells import cell_len, chop_cells

from chatapp.conversation.corrections import prefix_of
from chatapp.tui import words
from chatapp.tui.choice_rows import bar

if TYPE_CHECKING:
    from chatapp.proofs.new_session import Forgotten
    from chatapp.proofs.odds import Odds

__all__ = [
    "Line",
    "Side",
    "Style",
    "behind",
    "decisive",
    "fraction",
    "odds_lines",
    "probability",
    "sides",
]

Style = Literal["text", "strong", "quiet", "good", "wrong"]
Line = tuple[str, Style]

_SHORT: Final = 8
_POWERS: Final = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def probability(value: float | None) -> str:
    """A probability to be read: ``0.66``, ``0.000 000 007``, ``3 × 10⁻¹⁵``."""
    if value is None:
        return "not measured"
    if value >= 0.9995:
        return "1.000" if value == 1 else "over 0.999"
    if value >= 0.1:
        return f"{value:.3f}" if value >= 0.995 else f"{value:.2f}"
    if value <= 0:
        return "0"
    if value >= 0.0095:
        return f"{value:.3f}"
    # One digit, rounded before its place is looked for: 0.00097 is 0.001.
    value = float(f"{value:.0e}")
    places = -math.floor(math.log10(value))
    if places > 12:
        return f"{value * 10.0**places:.0f} × 10{str(-places).translate(_POWERS)}"
    digits = f"{value:.{places}f}"[2:]
    return "0." + " ".join(digits[n : n + 3] for n in range(0, len(digits), 3))


def fraction(done: float, width: int) -> str:
    """A bar of ``width`` cells that fills."""
    full = round(min(max(done, 0.0), 1.0) * width)
    return "█" * full + "░" * (width - full)


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two sessions: what was sent, what it answered, how probable which words were."""

    title: str
    tokens: int
    sent: str
    answer: str
    right: tuple[str, float]
    wrong: tuple[str, float | None]


def sides(found: Forgotten) -> tuple[Side, Side]:
    """The corrected session and the new one."""
    return (
        _side("the corrected session", found, found.corrected),
        _side("the new session", found, found.fresh),
    )


def _side(title: str, found: Forgotten, odds: Odds) -> Side:
    correction = found.correction
    return Side(
        title,
        len(odds.answer.prompt),
        words.visible(odds.answer.prompt.text),
        words.visible(odds.answer.text.strip()),
        (words.one_line(correction.right), odds.right),
        (words.one_line(correction.wrong), odds.wrong),
    )


def odds_lines(side: Side, width: int) -> list[Line]:
    """How probable the right and the wrong words are, with a bar for each."""
    pairs = [("right", *side.right), ("wrong", *side.wrong)]
    known = [(name, text, value) for name, text, value in pairs if value is not None]
    numbers = [probability(value) for _, _, value in known]
    most = max(map(len, numbers), default=0)
    labels = [f"P({name}) {text}" for name, text, _ in known]
    label = min(max(map(cell_len, labels), default=0), max(width - most - 8, 8))
    room = max(min(width - label - most - 2, 24), 1)
    return [
        (f"{_fitted(name, label)} {bar(value, room):<{room}} {says}", "text")
        for name, says, (_, _, value) in zip(labels, numbers, known, strict=True)
    ]


def _fitted(text: str, width: int) -> str:
    if cell_len(text) > width:
        text = chop_cells(text, width - 1)[0] + "…"
    return text + " " * (width - cell_len(text))


def decisive(found: Forgotten, width: int) -> Iterator[Line]:
    """Hash beside hash: what the question alone gave then and gives now, and the weights."""
    yield "Distribution of the first token, SHA-256 of all its logits", "strong"
    yield from _compared(
        ("before the correction", found.before),
        ("new session now", found.after),
        found.same_bits,
        ("EQUAL, bit for bit", "NOT EQUAL", "not measured in time: nothing to compare"),
        width,
    )
    yield "", "text"
    yield "Weights, SHA-256 of the file on the disk", "strong"
    yield from _compared(
        ("at the start", found.weights_start),
        ("now", found.weights_now),
        found.same_weights,
        ("EQUAL, byte for byte", "CHANGED", "not known from the start: nothing to compare"),
        width,
    )


def _compared(
    then: tuple[str, str | None],
    now: tuple[str, str | None],
    same: bool | None,
    verdicts: tuple[str, str, str],
    width: int,
) -> Iterator[Line]:
    for name, value in (then, now):
        yield f"  {name:<21} {_hash(value, width)}", "text"
    if same is None:
        yield f"  ? {verdicts[2]}", "quiet"
    else:
        yield (f"  ✓ {verdicts[0]}", "good") if same else (f"  ✗ {verdicts[1]}", "wrong")


def _hash(value: str | None, width: int) -> str:
    if value is None:
        return "–"
    if width >= 24 + len(value):
        return value
    return f"{value[:_SHORT]}…" + (value[-_SHORT:] if width >= 50 else "")


def behind(found: Forgotten) -> str:
    """What the probabilities are of."""
    correction = found.correction
    prefix = correction.prefix or prefix_of(correction.rejected, correction.wrong)
    if not prefix:
        return "P: how probable it is that the answer begins with these words."
    return f"P: how probable these words are after “{words.one_line(prefix)}”."
