"""What was found in a text, and how overlapping findings become one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final


@dataclass(frozen=True, slots=True)
class Finding:
    """``text[start:end]``, in characters, and why it is one: ``kind`` is what stands in the marker
    (``EMAIL``), ``rule`` who says so (``datafog/EMAIL``, ``detect-secrets/AWSKeyDetector``, or
    ``chatapp/…`` for a rule of ours)."""

    start: int
    end: int
    kind: str
    rule: str
    text: str


_ORDER: Final = ("PASSWORD", "EMAIL", "PHONE", "IP", "SSN", "CARD", "IBAN")
"""Of two readings of the very same characters, the later one wins; over all of these,
a key of a known form."""


def _weight(finding: Finding) -> tuple[int, int, bool]:
    known = finding.kind in _ORDER
    order = _ORDER.index(finding.kind) if known else len(_ORDER)
    return finding.end - finding.start, order, not finding.rule.startswith("chatapp/")


def merged(text: str, findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The findings in order, without overlaps. Where some overlap, what they cover together is
    one finding, named by the longest: no half of a found value may stay."""
    done: list[Finding] = []
    best: list[Finding] = []
    for finding in sorted(findings, key=lambda one: (one.start, -one.end, one.kind, one.rule)):
        if done and finding.start < done[-1].end:
            if _weight(finding) > _weight(best[-1]):
                best[-1] = finding
            start, end = done[-1].start, max(done[-1].end, finding.end)
            done[-1] = replace(best[-1], start=start, end=end, text=text[start:end])
        else:
            done.append(finding)
            best.append(finding)
    return tuple(done)
