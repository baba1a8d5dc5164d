"""Redacting a whole example: the same value has the same number in all of its fields."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, Final

from chatapp.archive.records import Example
from chatapp.archive.redaction.finding import Finding
from chatapp.archive.redaction.texts import Markers, find_all, redact

RULES: Final = 1
"""The version of chatapp's own choice of rules, checks and markers. It grows with each change that
can change what is found, and then earlier reviews are asked for again."""

VERSION: Final = (
    f"chatapp-redaction {RULES}; datafog {version('datafog')}; "
    f"detect-secrets {version('detect-secrets')}"
)
"""What redacted: it stands in reviews and in the manifest of an export."""


@dataclass(frozen=True, slots=True)
class Field:
    """One text of an example, before and after. ``name`` is ``prompt[2].content``, ``chosen``,
    ``rejected``, ``reason``, ``wrong`` or ``right``; findings count characters of ``before``.
    ``markers`` are the findings' markers, in the same order."""

    name: str
    before: str
    after: str
    findings: tuple[Finding, ...]
    markers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Redacted:
    """An example's content before and after, of the form of ``Example.content()``.

    ``answer_hit``: what is redacted is, or is in, the right answer of a correction itself. Without
    it the example teaches nothing, or a marker: the person must be asked.
    """

    before: dict[str, Any]
    after: dict[str, Any]
    fields: tuple[Field, ...]
    answer_hit: bool

    @property
    def findings(self) -> dict[str, tuple[Finding, ...]]:
        """The fields in which something was found."""
        return {field.name: field.findings for field in self.fields if field.findings}


def redact_example(example: Example) -> Redacted:
    """What an example is without the personal data and keys that the rules find."""
    return redact_content(example.content())


def redact_content(content: Mapping[str, Any]) -> Redacted:
    """The same for a content, for example an edited one."""
    texts = dict(texts_of(content))
    markers = Markers(texts.values())
    fields = []
    for (name, text), findings in zip(texts.items(), find_all([*texts.values()]), strict=True):
        after = redact(text, findings, markers)
        names = tuple(markers.marker(finding) for finding in findings)
        fields.append(Field(name, text, after, findings, names))
    after_of = {field.name: field.after for field in fields}
    return Redacted(
        before=with_texts(content, texts),
        after=with_texts(content, after_of),
        fields=tuple(fields),
        answer_hit=_answer_hit(content, {field.name: field.findings for field in fields}),
    )


_PLAIN_FIELDS: Final = ("chosen", "rejected", "reason", "wrong", "right")


def texts_of(content: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The texts of a content with their names, in the order in which they are read."""
    for number, message in enumerate(content["prompt"]):
        yield f"prompt[{number}].content", message["content"]
    for name in _PLAIN_FIELDS:
        if content[name] is not None:
            yield name, content[name]


def with_texts(content: Mapping[str, Any], texts: Mapping[str, str]) -> dict[str, Any]:
    """A content of the same form with these texts in it, by their names."""
    prompt = [
        {"role": message["role"], "content": texts[f"prompt[{number}].content"]}
        for number, message in enumerate(content["prompt"])
    ]
    plain = {name: texts.get(name) for name in _PLAIN_FIELDS}
    return {"kind": content["kind"], "prompt": prompt, **plain}


def _answer_hit(content: Mapping[str, Any], findings: Mapping[str, tuple[Finding, ...]]) -> bool:
    if content["kind"] != "correction":
        return False
    if findings["right"]:
        return True
    return any(
        finding.start < end and start < finding.end
        for finding in findings.get("chosen", ())
        for start, end in _decisive(content)
    )


def _decisive(content: Mapping[str, Any]) -> list[tuple[int, int]]:
    """Where in ``chosen`` the right answer stands: its words, or else what ``rejected`` lacks."""
    chosen, right = content["chosen"] or "", content["right"].strip()
    if right:
        places = [match.span() for match in re.finditer(re.escape(right), chosen, re.I)]
        if places:
            return places
    other = content["rejected"] or ""
    shortest = min(len(chosen), len(other))
    same = next((at for at in range(shortest) if chosen[at] != other[at]), shortest)
    tail = next(
        (at for at in range(shortest - same) if chosen[-1 - at] != other[-1 - at]),
        shortest - same,
    )
    return [(same, len(chosen) - tail)]
