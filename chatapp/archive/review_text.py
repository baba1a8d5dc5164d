"""A review as plain lines, for the command line."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

from chatapp.archive.redaction import Field, Redacted

ANSWER_HIT = (
    "The right answer itself is redacted: without it this correction teaches a marker. "
    "Edit it, or skip it."
)


def lines(shown: Redacted) -> Iterator[str]:
    """Each field: as it is, or before and after with what was found and by which rule.

    No line holds a control character; long texts are not cut.
    """
    roles = [message["role"] for message in shown.before["prompt"]]
    for number, field in enumerate(shown.fields):
        if not field.before:
            continue
        role = f" ({roles[number]})" if number < len(roles) else ""
        yield f"{field.name}{role}"
        yield from _field(field)
    if shown.answer_hit:
        yield f"! {ANSWER_HIT}"


def _field(field: Field) -> Iterator[str]:
    if not field.findings:
        yield from _indented("  ", field.before)
        return
    yield from _indented("- ", field.before)
    yield from _indented("+ ", field.after)
    for finding, marker in zip(field.findings, field.markers, strict=True):
        value = " ".join(_clean(finding.text).split())
        yield f"    {marker} {finding.rule}: {value}"


def _indented(sign: str, text: str) -> Iterator[str]:
    for line in _clean(text).split("\n"):
        yield f"  {sign}{line}".rstrip()


def _clean(text: str) -> str:
    """Without anything that could steer a terminal; other line ends are shown as ``\\n`` is."""
    return "".join(
        "\ufffd" if unicodedata.category(char) in _UNSHOWN and char not in "\n\t" else char
        for char in text.replace("\r\n", "\n")
    )


_UNSHOWN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
