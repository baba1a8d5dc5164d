"""An example under review as lines: texts before and after, and what was found by which rule."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from chatapp.tui import words
from chatapp.tui.proof_rows import Line, Style

if TYPE_CHECKING:
    from chatapp.archive.records import Kind
    from chatapp.archive.redaction import Field, Redacted
    from chatapp.keeping.reviewing import Case

__all__ = ["ANSWER_HIT", "head", "lines", "names_of"]

ANSWER_HIT: Final = (
    "The right answer itself would be redacted: the example would teach a marker. "
    "Edit it, or skip it."
)
_NAMES: Final = {
    "chosen": "right answer",
    "rejected": "wrong answer (never trained as an answer)",
    "reason": "your reason",
    "wrong": "wrong words",
    "right": "right words",
}
_MARKED: Final = {
    "chosen": "the reply, which you marked good",
    "rejected": "the reply, which you marked bad (never trained as an answer)",
    "reason": "your reason",
}
_KINDS: Final = {
    "correction": "a correction",
    "liked": "a reply marked good",
    "disliked": "a reply marked bad",
}


def names_of(kind: Kind) -> dict[str, str]:
    """How the texts behind the prompt are called, those that an example of this kind has."""
    return _NAMES if kind == "correction" else _MARKED


def head(case: Case, number: int, count: int) -> str:
    """Which example this is, and where it stands."""
    example = case.example
    return (
        f"{number + 1} of {count} · {_KINDS[example.kind]} · session {example.session[:8]}, "
        f"turn {example.turn} · {case.stands}"
    )


def lines(shown: Redacted) -> Iterator[Line]:
    """All texts of the example, in the order in which a trainer would read them."""
    if shown.answer_hit:
        yield f"! {ANSWER_HIT}", "wrong"
        yield "", "text"
    names = names_of(shown.before["kind"])
    roles = [message["role"] for message in shown.before["prompt"]]
    for number, field in enumerate(shown.fields):
        if field.before:
            name = words.role(roles[number]) if number < len(roles) else names[field.name]
            yield name, "strong"
            yield from _texts(field)
            yield "", "text"
    if not shown.findings:
        yield "Nothing was found that looks like personal data or a key.", "quiet"
    yield "No rule finds a name or a story: read it before you let it out.", "quiet"


def _texts(field: Field) -> Iterator[Line]:
    if not field.findings:
        yield from _indented("  ", field.before, "text")
        return
    yield from _indented("- ", field.before, "wrong")
    yield from _indented("+ ", field.after, "good")
    for finding, marker in zip(field.findings, field.markers, strict=True):
        yield f"    {marker} ← {words.one_line(finding.text)}  ({finding.rule})", "quiet"


def _indented(sign: str, text: str, style: Style) -> Iterator[Line]:
    for line in words.visible(text).split("\n"):
        yield f"{sign}{line}", style
