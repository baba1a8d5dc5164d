"""The review of an example: a person sees it before and after redaction, and decides.

Without store and without screen. What a person sees is :func:`look`; what they decide is kept as
a :class:`Review`; what leaves is :func:`apply`, the only way from an example to an export. A
review counts for exactly what was seen: once the example or the redactor differs, it is stale.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from chatapp.archive.records import Example, now
from chatapp.archive.redaction import (
    VERSION,
    Finding,
    Redacted,
    redact_content,
    redact_example,
)
from chatapp.archive.redaction.example import texts_of, with_texts
from chatapp.errors import ArchiveError

Decision = Literal["approved", "edited", "skipped"]
"""It leaves redacted; it leaves as the person wrote it; it does not leave."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """What a person decided on one example, and on what exactly.

    ``sha256`` is of the content before redaction, ``redactor`` the version that showed them the
    findings. ``content`` replaces the example's if it was edited, and is None otherwise.
    """

    example: str
    sha256: str
    redactor: str
    decision: Decision
    at: str
    content: Mapping[str, Any] | None = None


def look(example: Example) -> Redacted:
    """What a reviewer is shown: each field before and after, what was found, by which rule, and
    whether the right answer itself would be redacted (``answer_hit``: ask)."""
    return redact_example(example)


def decide(
    example: Example, decision: Decision, content: Mapping[str, Any] | None = None
) -> Review:
    """The review of what :func:`look` showed, made now. ``content`` is given if it was edited.

    Raises :class:`ArchiveError` if the edited content cannot replace the example's.
    """
    if (decision == "edited") != (content is not None):
        raise ArchiveError("An edited example needs its new content, and only an edited one.")
    if content is not None:
        check(example, content)
    return Review(
        example=example.id,
        sha256=example.sha256,
        redactor=VERSION,
        decision=decision,
        at=now(),
        content=content,
    )


def stale(example: Example, review: Review) -> str:
    """Why the review does not count for this example, as a sentence; empty if it does."""
    if review.example != example.id:
        return f"The review is of example {review.example}, not of {example.id}."
    if review.sha256 != example.sha256:
        return f"Example {example.id} has changed since it was reviewed: review it again."
    if review.redactor != VERSION:
        return (
            f"Example {example.id} was reviewed with another redactor ({review.redactor}; "
            f"this is {VERSION}): review it again."
        )
    return ""


def apply(example: Example, review: Review) -> dict[str, Any] | None:
    """The content that may leave, or None for a skipped example.

    Raises :class:`ArchiveError` if the review is stale or its content cannot be used.
    """
    if reason := stale(example, review):
        raise ArchiveError(reason)
    match review.decision:
        case "approved":
            return redact_example(example).after
        case "edited":
            check(example, review.content)
            content = review.content or {}
            return with_texts(content, dict(texts_of(content)))
        case "skipped":
            return None
        case _:  # a store that was written by hand
            raise ArchiveError(f"There is no decision {review.decision!r}.")


def findings_in(content: Mapping[str, Any]) -> dict[str, tuple[Finding, ...]]:
    """What is found in a content, by field. In an edited one it is the person's will: it is
    shown, not forbidden."""
    return redact_content(content).findings


_TEXTS: Final = ("chosen", "rejected", "reason", "wrong", "right")
_ANSWERS: Final = ("chosen", "rejected")


def check(example: Example, content: Any) -> None:
    """Whether a content can replace an example's: the same form, the same speakers, nothing empty
    that a trainer needs. Raises :class:`ArchiveError` with the first reason why not."""
    before = example.content()
    if not isinstance(content, Mapping) or set(content) != set(before):
        raise ArchiveError(f"An edited example must hold exactly: {', '.join(before)}.")
    if content["kind"] != before["kind"]:
        raise ArchiveError(f"The kind of an example stays: {before['kind']}.")
    _check_prompt(before["prompt"], content["prompt"])
    for name in _TEXTS:
        if before[name] is None:
            if content[name] is not None:
                raise ArchiveError(f"'{name}' of this example is empty, and stays so.")
            continue
        _check_text(name, content[name])
        if name in _ANSWERS and not content[name].strip():
            raise ArchiveError(f"'{name}' must not be empty; skip the example instead.")


def _check_prompt(before: list[dict[str, str]], prompt: Any) -> None:
    if not isinstance(prompt, (list, tuple)) or not all(
        isinstance(message, Mapping) and set(message) == {"role", "content"} for message in prompt
    ):
        raise ArchiveError("The prompt must be a list of messages with 'role' and 'content'.")
    if [message["role"] for message in prompt] != [message["role"] for message in before]:
        raise ArchiveError("The prompt's messages stay as many, with the same roles in order.")
    for number, message in enumerate(prompt):
        _check_text(f"prompt[{number}].content", message["content"])
    if not prompt or not prompt[-1]["content"].strip():
        raise ArchiveError("The question at the end of the prompt must not be empty.")


def _check_text(name: str, text: Any) -> None:
    if not isinstance(text, str):
        raise ArchiveError(f"'{name}' must be text.")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ArchiveError(f"'{name}' holds half a character, which no file can hold.") from None
