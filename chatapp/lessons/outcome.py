"""What came of a step: an answer with its numbers, or what a view or an experiment said. Data."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from chatapp.conversation.facts import TurnFacts
from chatapp.conversation.tree import Node
from chatapp.proofs.asking import Answer
from chatapp.proofs.evidence import Block, Evidence

Value: TypeAlias = str | int | float | bool | None

TURN: Final = (
    *("tokens_sent", "tokens_again", "tokens_new", "total_sent", "messages", "reply_tokens"),
    *("p_right", "p_wrong", "confidence", "ended"),
)
"""What is known of an answer. ``confidence`` is the geometric mean of its tokens' probabilities;
``p_right`` and ``p_wrong`` where they are measured; ``ended`` why it ended."""

VALUES: Final[Mapping[str, Sequence[str]]] = {
    "ask": TURN,
    "correct": TURN,
    "raw": TURN,
    "attach": ("parts", "characters", "part_tokens"),
    "retrieve": ("parts", "characters", "part_tokens", "files"),
    "prove": ("verdict", "checks", "checks_held"),
    "context": ("tokens", "messages", "template_tokens"),
    "meter": ("window", "reserve", "sent", "free", "share"),
    "next-token": ("first", "p_first", "p_second", "gap"),
    "weights": ("sha256", "bytes", "mapping", "probe"),
    "costs": ("chat_flops", "training_flops", "chat_tokens", "training_tokens", "ratio"),
    "log": (
        *("found_off", "found_kept", "found_training", "found_withdrawn"),
        *("trains_off", "trains_kept", "trains_training", "trains_withdrawn", "same_weights"),
    ),
}
"""The values that checks may name, by the kind of step (of a ``show``: by its view)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """``prompt`` is what was typed, ``text`` the answer, ``sent`` the whole prompt as the model
    received it. ``bits`` is a hash over the answer's token ids, their probabilities and the first
    distribution: equal only if all are. ``None`` stands for "not revealed".
    """

    prompt: str = ""
    text: str = ""
    sent: str | None = None
    bits: str | None = None
    logits: str | None = None
    values: Mapping[str, Value] = field(default_factory=dict)
    blocks: Sequence[Block] = ()
    evidence: Evidence | None = None

    def as_dict(self) -> dict[str, Any]:
        """The JSON form."""
        return {
            "prompt": self.prompt,
            "text": self.text,
            "sent": self.sent,
            "bits": self.bits,
            "logits": self.logits,
            "values": dict(self.values),
            "evidence": self.evidence.as_dict() if self.evidence else None,
        }

    def repeatable(self) -> list[Any]:
        """All of it that has to be the same when the lesson is played again."""
        evidence = self.evidence
        seen = (
            [[check.says, check.held, check.expected, check.found] for check in evidence.checks]
            if evidence
            else None
        )
        return [self.prompt, self.text, self.sent, self.bits, self.logits, dict(self.values), seen]


def of_turn(prompt: str, reply: Node, measured: Mapping[str, Value] = {}) -> Outcome:
    """The outcome of a turn of a conversation; ``measured`` are ``p_right`` and ``p_wrong``."""
    facts = reply.facts
    assert facts is not None
    return Outcome(
        prompt=prompt,
        text=reply.content,
        sent=facts.prompt.text if facts.prompt is not None else None,
        bits=_bits(facts),
        logits=facts.first_logits,
        values={
            "tokens_sent": facts.tokens_sent,
            "tokens_again": facts.tokens_again,
            "tokens_new": facts.tokens_new,
            "total_sent": facts.total_sent,
            "messages": len(facts.messages),
            "reply_tokens": facts.reply_tokens,
            "confidence": _confidence([token.logprob for token in facts.tokens]),
            "ended": reply.status,
            **measured,
        },
    )


def of_answer(answer: Answer, prompt: str, measured: Mapping[str, Value] = {}) -> Outcome:
    """The outcome of a text that was sent by itself, beside every session."""
    return Outcome(
        prompt=prompt,
        text=answer.text,
        sent=answer.prompt.text,
        bits=digest([[t.token, t.logprob, t.logits] for t in answer.tokens]),
        logits=answer.first,
        values={
            "tokens_sent": len(answer.prompt),
            "tokens_again": 0,
            "tokens_new": len(answer.prompt),
            "total_sent": len(answer.prompt),
            "messages": 1,
            "reply_tokens": answer.done.reply_tokens,
            "confidence": _confidence([token.logprob for token in answer.tokens]),
            "ended": answer.done.reason,
            **measured,
        },
    )


def digest(value: object) -> str:
    """SHA-256 over the JSON form of ``value``; floats are written so that no bit is lost."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _bits(facts: TurnFacts) -> str | None:
    if facts.first_logits is None:
        return None
    return digest([facts.first_logits, *([token.token, token.logprob] for token in facts.tokens)])


def _confidence(logprobs: Sequence[float | None]) -> float | None:
    known = [value for value in logprobs if value is not None]
    return math.exp(math.fsum(known) / len(known)) if known else None
