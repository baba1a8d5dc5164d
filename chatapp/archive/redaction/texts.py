"""Finding in several texts that belong together, and replacing what was found."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from chatapp.archive.redaction.checks import MARKER, digits
from chatapp.archive.redaction.finding import Finding, merged
from chatapp.archive.redaction.gaps import GAPS, long_ones
from chatapp.archive.redaction.keys import key_rules
from chatapp.archive.redaction.personal import personal_rules
from chatapp.archive.redaction.scanning import Plain, scan


def find(text: str) -> tuple[Finding, ...]:
    """What is found in a text: in order, without overlaps, ``text[start:end] == finding.text``."""
    return find_all([text])[0]


def find_all(texts: Sequence[str]) -> list[tuple[Finding, ...]]:
    """For each text what is found in it, and every other place of a value found in any of them.

    A password is known by what stands before it; the second time it may stand alone.
    """
    plain = [Plain(text) for text in texts]
    found = _rounds([one.text for one in plain])
    return [
        tuple(
            Finding(start, end, each.kind, each.rule, text[start:end])
            for each in findings
            for start, end in (one.original(each.start, each.end),)
        )
        for text, one, findings in zip(texts, plain, found, strict=True)
    ]


_ROUNDS: Final = 5


def _rounds(texts: list[str]) -> list[tuple[Finding, ...]]:
    """Again until nothing more is found: without one value, its neighbour may be seen to be one."""
    found: list[tuple[Finding, ...]] = [()] * len(texts)
    todo = [*range(len(texts))]
    for _ in range(_ROUNDS):
        before = [*found]
        for at in todo:
            more = _once(_masked(texts[at], found[at]))
            found[at] = merged(texts[at], [*found[at], *more])
        values = {one.text: one for findings in reversed(found) for one in reversed(findings)}
        for at, text in enumerate(texts):
            found[at] = merged(text, [*found[at], *_again(text, values)])
        todo = [at for at, findings in enumerate(found) if findings != before[at]]
        if not todo:
            break
    return found


def _once(text: str) -> Iterator[Finding]:
    for rule, start, end in scan(text, (*personal_rules(), *key_rules(), *GAPS)):
        yield Finding(start, end, rule.kind, rule.name, text[start:end])
    for kind, name, start, end in long_ones(text):
        yield Finding(start, end, kind, name, text[start:end])


def _masked(text: str, findings: Iterable[Finding]) -> str:
    """The text with a marker of the same length in place of each finding."""
    parts, at = [], 0
    for finding in findings:
        size = finding.end - finding.start
        marker = f"[{finding.kind} 1".ljust(size - 1, "_")[: size - 1] + "]"
        parts += [text[at : finding.start], marker]
        at = finding.end
    return "".join([*parts, text[at:]])


_START: Final = re.compile(r"(?<!\w)\w|[^\w\s]")
_SHORTEST, _LONGEST = 4, 100  # characters; shorter ones are also words, longer ones have a form


def _again(text: str, values: dict[str, Finding]) -> Iterator[Finding]:
    """Every place where a found value stands as a word of its own."""
    values = {value: one for value, one in values.items() if _SHORTEST <= len(value) <= _LONGEST}
    lengths = sorted({len(value) for value in values}, reverse=True)
    for match in _START.finditer(text) if values else ():
        start = match.start()
        for length in lengths:
            end = start + length
            finding = values.get(text[start:end]) if end <= len(text) else None
            if finding and not (_is_word(text[end - 1 : end]) and _is_word(text[end : end + 1])):
                yield Finding(start, end, finding.kind, finding.rule, finding.text)
                break


def _is_word(char: str) -> bool:
    return char.isalnum() or char == "_"


class Markers:
    """The numbers of the markers in texts that belong together: one value, one number.

    Markers that stand in ``texts`` already keep theirs; new ones are counted on from there.
    """

    def __init__(self, texts: Iterable[str] = ()) -> None:
        self._numbers: dict[tuple[str, str], int] = {}
        self._last: dict[str, int] = {}
        for text in texts:
            for kind, number in MARKER.findall(text):
                self._last[kind] = max(self._last.get(kind, 0), int(number))

    def marker(self, finding: Finding) -> str:
        """The marker of a value, for example ``[EMAIL 1]``."""
        key = finding.kind, _same(finding)
        if key not in self._numbers:
            self._last[finding.kind] = self._numbers[key] = self._last.get(finding.kind, 0) + 1
        return f"[{finding.kind} {self._numbers[key]}]"


_NUMBERS: Final = frozenset({"PHONE", "CARD", "SSN"})


def _same(finding: Finding) -> str:
    """What two ways of writing one value have in common."""
    text = Plain(finding.text).text
    if finding.kind in _NUMBERS:
        return digits(text)
    return text.casefold() if finding.kind == "EMAIL" else text


def redact(text: str, findings: Sequence[Finding], markers: Markers | None = None) -> str:
    """The text with a marker in place of each finding. ``findings`` are those of :func:`find`.

    Raises ``ValueError`` if they are of another text.
    """
    markers = markers or Markers([text])
    parts, at = [], 0
    for finding in findings:
        if finding.start < at or text[finding.start : finding.end] != finding.text:
            raise ValueError("These findings are of another text.")
        parts += [text[at : finding.start], markers.marker(finding)]
        at = finding.end
    return "".join([*parts, text[at:]])
