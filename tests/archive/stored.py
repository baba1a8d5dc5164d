"""Stored sessions for tests: a short one, and one with every branch and every way to break off."""

from __future__ import annotations

from typing import Any

from chatapp.archive.records import (
    Consent,
    Example,
    SessionInfo,
    StoredMessage,
    StoredSession,
    StoredTurn,
    Weights,
)
from chatapp.context.messages import Message

AT = "2026-11-25T02:19:56.123Z"
SMALL = Weights(model="SmolLM2-135M", sha256="b179" * 16)
TUNED = Weights(
    model="SmolLM2-135M",
    sha256="b179" * 16,
    adapter="ankara.gguf",
    adapter_sha256="feed" * 16,
    adapter_scale=0.5,
)


def info(**more: Any) -> SessionInfo:
    values: dict[str, Any] = {
        "id": "s1",
        "title": "Capital of Turkey",
        "created": AT,
        "changed": AT,
        "state": "kept",
        "messages": 2,
    }
    return SessionInfo(**values | more)


def said(ident: int, parent: int | None, role: Any, content: str, **more: Any) -> StoredMessage:
    return StoredMessage(id=ident, parent=parent, role=role, content=content, created=AT, **more)


def one_reply(text: str, question: str = "Hi", **of_info: Any) -> StoredSession:
    """A question and a reply."""
    reply = said(2, 1, "assistant", text, turn=StoredTurn(number=1, weights=SMALL))
    return StoredSession(
        info=info(**of_info), system="", messages=(said(1, None, "user", question), reply)
    )


def with_branches() -> StoredSession:
    """An answer asked for twice, an edited question below it, other weights, an example."""
    first = StoredTurn(
        number=1,
        system="Be brief.",
        sampling={"temperature": 0.0, "seed": 7, "stop": ["\n"]},
        window=2048,
        weights=SMALL,
        prompt_sha256="aa" * 32,
        tokens_sent=31,
        reply_tokens=4,
        first_token_seconds=0.25,
    )
    second = StoredTurn(
        number=2,
        system="Rhyme.",
        summary="They spoke of Turkey.",
        view_first=3,
        weights=TUNED,
    )
    messages = (
        said(1, None, "user", "What is the capital of Turkey?", sent=3),
        said(2, 1, "assistant", "It is Anka", status="stopped", chosen=False, turn=first),
        said(3, 1, "assistant", "Istanbul.", sent=2, turn=first),
        said(4, 3, "user", "No, Ankara.", chosen=False, sent=1),
        said(5, 4, "assistant", "Ankara it is.", chosen=True, turn=second),
        said(6, 3, "user", "No, it is Ankara.", sent=1),
        said(7, 6, "assistant", "Anka", status="failed", note="The engine ended.", turn=second),
    )
    consent = Consent(
        entry=4,
        session="s1",
        at=AT,
        before="kept",
        state="training",
        version="1",
        wording="May be exported.",
    )
    example = Example(
        id="e1",
        kind="correction",
        session="s1",
        turn=1,
        created=AT,
        prompt=(Message("user", "What is the capital of Turkey?"),),
        chosen="Ankara.",
        rejected="Istanbul.",
        wrong="Istanbul",
        right="Ankara",
        weights=SMALL,
        consent=consent,
    )
    return StoredSession(
        info=info(messages=7, tags=("geo", "demo"), state="training", model="SmolLM2-135M"),
        system="Be brief.",
        messages=messages,
        examples=(example,),
    )
