"""``records.jsonl``: what each row is and what it rests on, a line a row, in the export's order.

::

    {"id": "…",                     the example's id
     "split": "train",              which files hold its row: the n-th record of a split is its
                                    n-th row, counted through the split's files in their order
     "session": "…", "turn": 3, "kind": "correction", "created": "2026-11-25T10:00:00.000Z",
     "content_sha256": "…",         of the exported content as canonical JSON (sorted keys, no
                                    spaces, UTF-8): kind, prompt, chosen, rejected, reason,
                                    wrong, right
     "row_sha256": "…",             of the row as it stands in a JSONL file, without the line's
                                    end; a Parquet row is written as such a line first
     "consent": {"entry": 7, "at": "…", "version": "…"},    the wording is in the manifest
     "review": {"decision": "approve", "at": "…", "redactor": "…"},       null: not reviewed
     "weights": {"model": …, "sha256": …, "adapter": …, "adapter_sha256": …,
                 "adapter_scale": …}}                   which weights gave the reply

Records are ordered by ``created``, then ``id``, both as text.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from json import dumps
from typing import Any, Final, TypedDict

from chatapp.archive.exporting.formats import Content
from chatapp.archive.exporting.lines import line_of
from chatapp.archive.records import Consent, Example, Weights
from chatapp.errors import ExportError

RECORDS_FILE: Final = "records.jsonl"

NO_CONSENT: Final = "no consent to training"
NOT_REVIEWED: Final = "not reviewed"
NOT_APPROVED: Final = "not approved in review"
APPROVED: Final = frozenset({"approve", "edit"})


class Review(TypedDict):
    """A person's decision about an example. Only ``approve`` and ``edit`` let it out."""

    decision: str
    at: str
    redactor: str


Item = tuple[Example, Content, Review | None]
"""An example, its content after redaction and review, and the review (``None``: there was none)."""


def why_not(example: Example, review: Review | None, *, unreviewed: bool) -> str | None:
    """Why an example may not leave, whatever the format; ``None``: it may."""
    consent = example.consent
    if consent is None or consent.state != "training" or consent.session != example.session:
        return NO_CONSENT
    if review is None:
        return None if unreviewed else NOT_REVIEWED
    return None if review["decision"] in APPROVED else NOT_APPROVED


_TEXTS: Final = ("reason", "wrong", "right")
_KEYS: Final = frozenset({"kind", "prompt", "chosen", "rejected", *_TEXTS})
_ROLES: Final = frozenset({"system", "user", "assistant"})


def check_content(example: Example, content: Content) -> None:
    """Refuse a content that is not of the canonical shape: it would make a wrong row."""
    if (
        content.keys() != _KEYS
        or content["kind"] != example.kind
        or any(type(content[key]) is not str for key in _TEXTS)
        or any(type(content[key]) not in (str, type(None)) for key in ("chosen", "rejected"))
        or any(
            message.keys() != {"role", "content"}
            or message["role"] not in _ROLES
            or type(message["content"]) is not str
            for message in content["prompt"]
        )
    ):
        raise ExportError(f"The content of example {example.id} is not of the expected shape.")


def record_line(
    example: Example,
    review: Review | None,
    split: str,
    content_sha256: str,
    row_sha256: str,
) -> str:
    """One line of the file. Put together from parts that repeat: it is written for every row."""
    assert example.consent is not None
    return (
        f'{{"id":{_text(example.id)},"split":"{split}","session":{_text(example.session)},'
        f'"turn":{example.turn:d},"kind":"{example.kind}","created":{_text(example.created)},'
        f'"content_sha256":"{content_sha256}","row_sha256":"{row_sha256}",'
        f'"consent":{_consent(example.consent)},"review":{_review(review)},'
        f'"weights":{_weights(example.weights)}}}'
    )


def _text(value: str) -> str:
    return dumps(value, ensure_ascii=True)


@lru_cache(maxsize=4096)
def _consent(consent: Consent) -> str:
    return line_of({"entry": consent.entry, "at": consent.at, "version": consent.version})


@lru_cache(maxsize=256)
def _weights(weights: Weights) -> str:
    return line_of(as_source(weights))


def _review(review: Mapping[str, Any] | None) -> str:
    if review is None:
        return "null"
    return line_of({key: review[key] for key in ("decision", "at", "redactor")})


def as_source(weights: Weights) -> dict[str, Any]:
    """Which weights, as the manifest and the canonical rows name them."""
    scale = weights.adapter_scale
    return {
        "model": weights.model,
        "sha256": weights.sha256,
        "adapter": weights.adapter,
        "adapter_sha256": weights.adapter_sha256,
        "adapter_scale": None if scale is None else float(scale),
    }
