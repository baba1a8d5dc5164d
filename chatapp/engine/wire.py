"""The protocol as JSON: one line per request or event, and back."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from chatapp.context.messages import Message
from chatapp.context.prompt import Prompt, Span
from chatapp.engine.protocol import (
    MAX_ALTERNATIVES,
    MAX_SCALE,
    Alternative,
    Checked,
    Done,
    Event,
    Generate,
    Prefill,
    Ready,
    Sampling,
    Score,
    Scored,
    Scores,
    Sent,
    Token,
)
from chatapp.errors import ContextError, EngineError

MAX_LINE: Final = 256 << 20
"""The longest protocol line, in bytes."""


def encode(value: Mapping[str, Any]) -> bytes:
    """One protocol line. ASCII, so that no byte of it can be torn or mistaken for a line end."""
    return json.dumps(value, separators=(",", ":")).encode("ascii") + b"\n"


def decode(line: bytes) -> dict[str, Any]:
    """Read one line; raises :class:`EngineError` (kind ``request``)."""
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise EngineError(f"This line is not JSON: {error}", kind="request") from error
    if not isinstance(value, dict):
        raise EngineError("A request must be a JSON object.", kind="request")
    return value


def prompt_as_dict(prompt: Prompt) -> dict[str, Any]:
    """A prompt on the wire; ``spans`` holds [owner, characters, tokens], owner -1 the template."""
    return {
        "text": prompt.text,
        "tokens": list(prompt.tokens),
        "pieces": list(prompt.pieces),
        "spans": [[span.owner, span.chars, span.tokens] for span in prompt.spans],
    }


def prompt_from_dict(value: Mapping[str, Any]) -> Prompt:
    return Prompt(
        value["text"],
        tuple(value["tokens"]),
        tuple(value["pieces"]),
        tuple(Span(*span) for span in value["spans"]),
    )


def event_as_dict(event: Ready | Checked | Event) -> dict[str, Any]:
    """An event on the wire, but for its ``id``."""
    fields = {field.name: getattr(event, field.name) for field in dataclasses.fields(event)}
    if isinstance(event, Sent):
        prompt = fields.pop("prompt")
        fields |= prompt_as_dict(prompt) if prompt is not None else {}
    if isinstance(event, Token):
        fields["alternatives"] = alternatives_as_list(event.alternatives) or None
    known = {name: value for name, value in fields.items() if value is not None}
    return {"type": event.type, **known}


def alternatives_as_list(alternatives: Sequence[Alternative]) -> list[list[Any]]:
    """Alternatives on the wire: [token, text, logprob, share] each."""
    return [list(other) for other in alternatives]


def alternatives_from_list(value: Sequence[Sequence[Any]]) -> tuple[Alternative, ...]:
    return tuple(Alternative(*other) for other in value)


def _plain(kind: Any) -> frozenset[str]:
    """The fields that are on the wire as they are."""
    names = {field.name for field in dataclasses.fields(kind)}
    return frozenset(names - {"prompt", "alternatives"})


# Once for all events: finding out for each token took as long as reading its line.
_KINDS: Final[dict[str, tuple[Any, frozenset[str]]]] = {
    kind.type: (kind, _plain(kind)) for kind in (Ready, Checked, Sent, Prefill, Token, Done)
}


def event_from_dict(value: Mapping[str, Any]) -> Ready | Checked | Event:
    """The inverse of :func:`event_as_dict`; raises :class:`EngineError` on anything else."""
    kind, plain = _KINDS.get(value.get("type", ""), (None, frozenset()))
    if kind is None:
        raise EngineError(f"The engine sent an unknown event: {value.get('type')!r}.")
    fields = {name: field for name, field in value.items() if name in plain}
    if kind is Sent:
        fields["prompt"] = prompt_from_dict(value) if "tokens" in value else None
    if kind is Token:
        fields["alternatives"] = alternatives_from_list(value.get("alternatives", ()))
    event: Ready | Checked | Event = kind(**fields)
    return event


def messages_from(request: Mapping[str, Any]) -> list[Message]:
    """The messages of a request; raises :class:`EngineError` (kind ``request``)."""
    value = request.get("messages")
    if not isinstance(value, list) or not value:
        raise EngineError("'messages' must be a list of at least one message.", kind="request")
    try:
        return [Message.from_dict(item) for item in value]
    except ContextError as error:
        raise EngineError(str(error), kind="request") from error


def generate_from(request: Mapping[str, Any]) -> Generate:
    """A ``generate`` request; raises :class:`EngineError` (kind ``request``)."""
    return Generate(
        messages=messages_from(request),
        sampling=Sampling.from_dict(request.get("sampling", {})),
        alternatives=count_from(request, "alternatives", MAX_ALTERNATIVES),
        hashes=request.get("hashes") is True,
        reuse=request.get("reuse") is not False,
        begun=tokens_from(request, "begun"),
        plain=request.get("plain") is True,
        scope=text_from(request, "scope"),
    )


def score_from(request: Mapping[str, Any]) -> Score:
    """A ``score`` request; raises :class:`EngineError` (kind ``request``)."""
    return Score(
        messages=messages_from(request),
        continuations=texts_from(request, "continuations"),
        prefix=text_from(request, "prefix"),
        alternatives=count_from(request, "alternatives", MAX_ALTERNATIVES),
        plain=request.get("plain") is True,
        scope=text_from(request, "scope"),
    )


def scores_as_dict(scores: Scores) -> dict[str, Any]:
    """The answer to a ``score`` request on the wire."""
    return {
        "scores": [
            {"text": one.text, "tokens": list(one.tokens), "logprobs": list(one.logprobs)}
            for one in scores.scores
        ],
        "logits": scores.logits,
        "prefix": list(scores.prefix),
        "alternatives": alternatives_as_list(scores.alternatives),
        "reused": scores.reused,
        "prompt": prompt_as_dict(scores.prompt),
    }


def scores_from_dict(value: Mapping[str, Any]) -> Scores:
    return Scores(
        prompt=prompt_from_dict(value["prompt"]),
        scores=tuple(
            Scored(text=one["text"], tokens=tuple(one["tokens"]), logprobs=tuple(one["logprobs"]))
            for one in value["scores"]
        ),
        logits=value["logits"],
        prefix=tuple(value["prefix"]),
        alternatives=alternatives_from_list(value["alternatives"]),
        reused=value["reused"],
    )


def text_from(request: Mapping[str, Any], name: str) -> str:
    """A text field of a request, empty if it is not there."""
    value = request.get(name, "")
    if not isinstance(value, str):
        raise EngineError(f"'{name}' must be a text.", kind="request")
    return value.encode("utf-8", "replace").decode("utf-8")


def path_from(request: Mapping[str, Any], name: str) -> str | None:
    """A path, or ``None`` where the field is null; it must be there."""
    value = request.get(name, "")
    if value is None or (isinstance(value, str) and value and "\0" not in value):
        return value
    raise EngineError(f"'{name}' must be a file's path, or null for none.", kind="request")


def scale_from(request: Mapping[str, Any], name: str) -> float:
    """A number from 0 to :data:`~chatapp.engine.protocol.MAX_SCALE`, 1 if it is not there."""
    value = request.get(name, 1.0)
    fits = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not fits or not 0 <= value <= MAX_SCALE:
        raise EngineError(f"'{name}' must be a number from 0 to {MAX_SCALE:g}.", kind="request")
    return float(value)


def texts_from(request: Mapping[str, Any], name: str) -> list[str]:
    """A list of at least one text that is not empty."""
    value = request.get(name)
    if not isinstance(value, list) or not value:
        raise EngineError(f"'{name}' must be a list of at least one text.", kind="request")
    texts = [text_from({name: item}, name) for item in value]
    if not all(texts):
        raise EngineError(f"'{name}' must not hold an empty text.", kind="request")
    return texts


def tokens_from(request: Mapping[str, Any], name: str) -> list[int]:
    """A list of token ids, empty if it is not there."""
    value = request.get(name, [])
    if not isinstance(value, list) or not all(type(item) is int for item in value):
        raise EngineError(f"'{name}' must be a list of token ids.", kind="request")
    return value


def count_from(request: Mapping[str, Any], name: str, limit: int) -> int:
    """A whole number from 0 to ``limit``, 0 if it is not there."""
    value = request.get(name, 0)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= limit:
        raise EngineError(f"'{name}' must be a number from 0 to {limit}.", kind="request")
    return value
