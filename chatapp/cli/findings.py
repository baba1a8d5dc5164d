"""What ``chatapp doctor`` finds, one thing at a time, and how it is printed."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from chatapp.cli.text import clean

__all__ = ["Finding", "State", "print_findings", "print_json"]

State = Literal["fine", "note", "wrong", "unknown"]

_MARKS: dict[State, str] = {"fine": "  ", "note": "* ", "wrong": "! ", "unknown": "? "}
_LEGEND: dict[State, str] = {
    "note": "*  worth knowing",
    "wrong": "!  wrong",
    "unknown": "?  cannot be told here",
}
_NAME = 18
_WIDTH = 79


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing: its ``value``, and in plain words what that means.

    ``data`` is the value for programs, where that is not the text.
    """

    section: str
    name: str
    value: str
    meaning: str = ""
    state: State = "fine"
    data: Any = None

    def as_dict(self) -> dict[str, Any]:
        return {
            "section": self.section,
            "name": self.name,
            "value": self.value if self.data is None else self.data,
            "state": self.state,
            "meaning": self.meaning,
        }


def print_findings(findings: Iterable[Finding]) -> bool:
    """Print each as it is found, and the verdict; whether nothing is wrong."""
    section = ""
    seen: list[Finding] = []
    for finding in findings:
        if finding.section != section:
            print(f"{chr(10) if section else ''}{finding.section}")
            section = finding.section
        _print(finding)
        seen.append(finding)
    marks = [text for state, text in _LEGEND.items() if any(f.state == state for f in seen)]
    wrong = [finding.name for finding in seen if finding.state == "wrong"]
    print()
    if marks:
        print("   ".join(marks))
    verdict = f"Something is wrong: {', '.join(wrong)}." if wrong else "Everything is fine."
    print(textwrap.fill(verdict, _WIDTH))
    return not wrong


def _print(finding: Finding) -> None:
    margin = " " * (2 + _NAME)
    first = f"{_MARKS[finding.state]}{finding.name:<{_NAME}}"
    value = clean(finding.value) or "-"
    if " " not in value and len(first + value) > _WIDTH:  # a hash, a path: never broken
        print(f"{first.rstrip()}\n    {value}")
    else:
        print(_wrapped(value, first, margin))
    if finding.meaning:
        print(_wrapped(clean(finding.meaning), margin, margin), flush=True)


def _wrapped(text: str, first: str, margin: str) -> str:
    return textwrap.fill(
        text,
        _WIDTH,
        initial_indent=first,
        subsequent_indent=margin,
        break_on_hyphens=False,
        break_long_words=False,
    )


def print_json(findings: Iterable[Finding]) -> bool:
    """Print all of them as one JSON document; whether nothing is wrong."""
    seen = list(findings)
    fine = not any(finding.state == "wrong" for finding in seen)
    document = {"fine": fine, "findings": [finding.as_dict() for finding in seen]}
    print(json.dumps(document, indent=2))
    return fine
