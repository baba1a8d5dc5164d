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
     "review": {"decision": "approved", "at": "…", "redactor": "…"},       null: not reviewed
     "weights": {"model": …, "sha256": …, "adapter": …, "adapter_sha256": …,
                 "adapter_scale": …}}                   which weights gave the reply

Records are ordered by ``created``, then ``id``, both as text.
"""

from __future__ import annotations

from typing import Any, Final, Literal, TypedDict

from chatapp.archive.exporting.formats import Content, as_source
from chatapp.archive.exporting.split import SplitName
from chatapp.archive.records import Example
from chatapp.errors import ExportError

RECORDS_FILE: Final = "records.jsonl"

NO_CONSENT: Final = "no consent to training"
NOT_REVIEWED: Final = "not reviewed"
NOT_APPROVED: Final = "not approved in review"
_REVIEW: Final[tuple[Literal["decision", "at", "redactor"], ...]] = ("decision", "at", "redactor")
APPROVED: Final = frozenset({"approved", "edited"})


class Review(TypedDict):
    """A person's decision about an example. Only ``approved`` and ``edited`` let it out."""

    decision: str
    at: str
    redactor: str


Item = tuple[Example, Content, Review | str | None]
"""An example, its content after redaction and review, and the review (``None``: there was none;
a text: why it may not leave without one, whatever is said)."""


def why_not(example: Example, review: Review | str | None, *, unreviewed: bool) -> str | None:
    """Why an example may not leave, whatever the format; ``None``: it may."""
    consent = example.consent
    if consent is None or consent.state != "training" or consent.session != example.session:
        return NO_CONSENT
    if review is None:
        return None if unreviewed else NOT_REVIEWED
    if isinstance(review, str):
        return review
    return None if review["decision"] in APPROVED else NOT_APPROVED


_TEXTS: Final = ("reason", "wrong", "right")
_KEYS: Final = frozenset({"kind", "prompt", "chosen", "rejected", *_TEXTS})
_MESSAGE_KEYS: Final = frozenset({"role", "content"})
_ROLES: Final = frozenset({"system", "user", "assistant"})


def check_content(example: Example, content: Content) -> None:
    """Refuse a content that is not of the canonical shape: it would make a wrong row."""
    fits = content.keys() == _KEYS and content["kind"] == example.kind
    if fits:
        for key in _TEXTS:
            fits &= type(content[key]) is str
        for key in ("chosen", "rejected"):
            fits &= content[key] is None or type(content[key]) is str
        for message in content["prompt"]:
            fits &= message.keys() == _MESSAGE_KEYS
            fits &= fits and message["role"] in _ROLES and type(message["content"]) is str
    if not fits:
        raise ExportError(f"The content of example {example.id} is not of the expected shape.")


def record_of(
    example: Example,
    review: Review | None,
    split: SplitName,
    content_sha256: str,
    row_sha256: str,
) -> dict[str, Any]:
    """One line of the file, as a value."""
    consent = example.consent
    assert consent is not None
    return {
        "id": example.id,
        "split": split,
        "session": example.session,
        "turn": example.turn,
        "kind": example.kind,
        "created": example.created,
        "content_sha256": content_sha256,
        "row_sha256": row_sha256,
        "consent": {"entry": consent.entry, "at": consent.at, "version": consent.version},
        "review": review and {key: review[key] for key in _REVIEW},
        "weights": as_source(example.weights),
    }
