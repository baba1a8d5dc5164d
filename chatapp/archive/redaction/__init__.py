"""Redaction: personal data and keys are found and replaced, offline, before a person reviews.

Two libraries find (DataFog: personal data; detect-secrets: keys), a few rules of ours fill known
gaps, checks of ours drop false alarms. None finds a name: a review follows. They are imported on
first use, and no code of theirs runs that could reach the network.
"""

from __future__ import annotations

from chatapp.archive.redaction.example import (
    VERSION,
    Field,
    Redacted,
    redact_content,
    redact_example,
)
from chatapp.archive.redaction.finding import Finding
from chatapp.archive.redaction.texts import Markers, find, find_all, redact

__all__ = [
    "VERSION",
    "Field",
    "Finding",
    "Markers",
    "Redacted",
    "find",
    "find_all",
    "redact",
    "redact_content",
    "redact_example",
]
