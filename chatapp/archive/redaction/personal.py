"""Personal data, by DataFog's regular expressions. Only its patterns run: no engine that loads
models, and none of the functions that report their use."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache
from typing import Final

from chatapp.archive.redaction import checks
from chatapp.archive.redaction.scanning import Rule, Span, whole

# Left out, because on ordinary chat text they are mostly wrong (each sentence of the list in
# tests/archive/ordinary.txt would lose a fact):
#   DOB             any date: "The wall fell on 1989-11-09", and dates are what corrections are of
#   ZIP             any number of five digits: 12345 people, 29029 feet
#   DE_POSTAL_CODE  vitamin D 50000; a postal code alone names nobody
# Kept with a check of their own, for the same reason: PHONE and SSN without separators, card
# numbers whose check digit is wrong, IP addresses that are versions or belong to nobody.
_KEPT: Final[dict[str, tuple[str, Callable[..., Span | None], str]]] = {
    "EMAIL": ("EMAIL", checks.email, "@"),
    "PHONE": ("PHONE", checks.phone, ""),
    "SSN": ("SSN", checks.ssn, "-"),
    "CREDIT_CARD": ("CARD", checks.card, ""),
    "IP_ADDRESS": ("IP", checks.ip, "."),
    "DE_VAT_ID": ("VAT_ID", whole, ""),
    "DE_TAX_ID": ("TAX_ID", lambda match: match.span("value"), ""),
    "DE_SOCIAL_SECURITY_NUMBER": ("INSURANCE_ID", lambda match: match.span("value"), ""),
    "DE_PASSPORT_NUMBER": ("PASSPORT", lambda match: match.span("value"), ""),
    "DE_RESIDENCE_PERMIT_NUMBER": ("PERMIT", lambda match: match.span("value"), ""),
}


@cache
def personal_rules() -> tuple[Rule, ...]:
    """DataFog's rules that are kept. Imported on first use: it takes 0.1 s."""
    # Its telemetry is opt-in and sits in functions that are not called here; this is the lock.
    os.environ["DATAFOG_NO_TELEMETRY"] = "1"
    from datafog.processing.text_processing.regex_annotator import RegexAnnotator

    patterns = RegexAnnotator(enabled_labels=_KEPT).patterns
    return tuple(
        Rule(kind, f"datafog/{label}", patterns[label], span, needs)
        for label, (kind, span, needs) in _KEPT.items()
    )
