"""The protocol: JSON lines over stdin and stdout of the engine's process.

A request is an object with ``id``, ``type`` and its fields; each event it causes carries the same
``id`` and its own ``type``. The last event of a request is ``done``, ``result`` or ``error``.
Events without a request have ``id`` 0: ``loading``, ``ready``, or ``error`` when a line is not a
request.

Requests: ``generate`` · ``render`` (the prompt, without running the model) · ``info`` ·
``cancel`` (stops the request named by ``target``, prefill included).
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Literal, TypeAlias

from chatapp.context.messages import Message, as_dicts
from chatapp.context.prompt import Prompt, Span
from chatapp.errors import ContextError, EngineError

MAX_LINE: Final = 256 << 20
"""The longest protocol line, in bytes."""
MAX_ALTERNATIVES: Final = 50
MAX_SEED: Final = 2**63 - 1

Reason = Literal["stop", "length", "window", "cancelled"]
"""Why a reply ended: the model's end token or a stop text; the reply length set; the window is
full; a person stopped it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """How a token is drawn from the model's distribution.

    Applied in this order: repeat penalty, top-k, top-p, min-p, temperature, draw. Temperature 0
    takes the most probable token and needs no draw. ``top_k`` 0, ``top_p`` 1, ``min_p`` 0 and
    ``repeat_penalty`` 1 switch a step off. ``seed`` None lets the engine choose one and report it.
    """

    temperature: float = 0.0
    top_k: int = 40
    top_p: float = 0.95
    min_p: float = 0.05
    repeat_penalty: float = 1.0
    seed: int | None = None
    max_tokens: int = 512
    stop: tuple[str, ...] = ()

    _ranges: ClassVar[Mapping[str, tuple[type, float, float]]] = {
        "temperature": (float, 0.0, 10.0),
        "top_k": (int, 0, 1 << 20),
        "top_p": (float, 0.0, 1.0),
        "min_p": (float, 0.0, 1.0),
        "repeat_penalty": (float, 0.1, 10.0),
        "max_tokens": (int, 1, 1 << 24),
    }

    def __post_init__(self) -> None:
        for name, (kind, low, high) in self._ranges.items():
            value = getattr(self, name)
            fits = isinstance(value, (int, float) if kind is float else int)
            if not fits or isinstance(value, bool) or not math.isfinite(value):
                raise EngineError(f"'{name}' must be a number.", kind="request")
            if not low <= value <= high:
                raise EngineError(
                    f"'{name}' must lie between {low:g} and {high:g}.", kind="request"
                )
        if self.seed is not None and (
            isinstance(self.seed, bool)
            or not isinstance(self.seed, int)
            or not 0 <= self.seed <= MAX_SEED
        ):
            raise EngineError("'seed' must be a whole number from 0 to 2^63 - 1.", kind="request")
        if not isinstance(self.stop, tuple) or not all(
            isinstance(text, str) and text for text in self.stop
        ):
            raise EngineError("'stop' must be a list of texts.", kind="request")

    def as_dict(self) -> dict[str, Any]:
        values = dataclasses.asdict(self)
        values["stop"] = list(self.stop)
        return values

    @classmethod
    def from_dict(cls, value: Any) -> Sampling:
        if not isinstance(value, dict):
            raise EngineError("'sampling' must be an object.", kind="request")
        names = {field.name for field in dataclasses.fields(cls)}
        unknown = sorted(set(value) - names)
        if unknown:
            raise EngineError(f"'sampling' has no '{unknown[0]}'.", kind="request")
        stop = value.get("stop", [])
        if not isinstance(stop, (list, tuple)):
            raise EngineError("'stop' must be a list of texts.", kind="request")
        return cls(**{**value, "stop": tuple(stop)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Generate:
    """Answer these messages. ``alternatives``: report the n most probable tokens at each step."""

    messages: Sequence[Message]
    sampling: Sampling = Sampling()
    alternatives: int = 0

    def as_dict(self) -> dict[str, Any]:
        """The request as it goes down the pipe, but for its ``id``."""
        return {
            "type": "generate",
            "messages": as_dicts(self.messages),
            "sampling": self.sampling.as_dict(),
            "alternatives": self.alternatives,
        }


# ── events ──────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """The model is loaded. ``window`` is the context window in tokens, ``trained`` the one it was
    trained with; ``load_seconds`` from process start. ``None`` stands for "not revealed".
    """

    type: ClassVar[str] = "ready"
    model: str
    window: int | None
    trained: int | None = None
    vocabulary: int | None = None
    own_template: bool | None = None
    threads: int | None = None
    load_seconds: float | None = None
    pid: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """The request has arrived: this is what the model receives.

    ``prompt`` and the counts are ``None`` where a server does not reveal them. ``reused`` tokens
    come from the arithmetic cache, ``evaluate`` have to be computed.
    """

    type: ClassVar[str] = "prompt"
    prompt: Prompt | None
    reused: int | None = None
    evaluate: int | None = None
    seed: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Prefill:
    """Tokens of the prompt read so far, of those that have to be computed."""

    type: ClassVar[str] = "prefill"
    done: int
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Alternative:
    """A token that could have stood here. ``logprob`` is before temperature and cuts (nats)."""

    token: int
    text: str
    logprob: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """One generated token. ``text`` may be empty while a character is still incomplete.

    ``logprob`` (nats) is the model's own, before temperature and cuts.
    """

    type: ClassVar[str] = "token"
    text: str
    token: int | None = None
    logprob: float | None = None
    alternatives: tuple[Alternative, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """The reply has ended. ``text`` is all of it; times are in seconds, counts in tokens."""

    type: ClassVar[str] = "done"
    reason: Reason
    text: str
    prompt_tokens: int | None = None
    reply_tokens: int | None = None
    reused: int | None = None
    evaluated: int | None = None
    prefill_seconds: float | None = None
    decode_seconds: float | None = None


Event: TypeAlias = Sent | Prefill | Token | Done


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


def event_as_dict(event: Ready | Event) -> dict[str, Any]:
    """An event on the wire, but for its ``id``."""
    fields = {field.name: getattr(event, field.name) for field in dataclasses.fields(event)}
    if isinstance(event, Sent):
        prompt = fields.pop("prompt")
        fields |= prompt_as_dict(prompt) if prompt is not None else {}
    if isinstance(event, Token):
        fields["alternatives"] = [
            [other.token, other.text, other.logprob] for other in event.alternatives
        ]
    return {"type": event.type, **fields}


def event_from_dict(value: Mapping[str, Any]) -> Ready | Event:
    """The inverse of :func:`event_as_dict`; raises :class:`EngineError` on anything else."""
    kinds: dict[str, Any] = {kind.type: kind for kind in (Ready, Sent, Prefill, Token, Done)}
    kind = kinds.get(value.get("type", ""))
    if kind is None:
        raise EngineError(f"The engine sent an unknown event: {value.get('type')!r}.")
    fields = {
        field.name: value[field.name]
        for field in dataclasses.fields(kind)
        if field.name in value and field.name not in ("prompt", "alternatives")
    }
    if kind is Sent:
        fields["prompt"] = prompt_from_dict(value) if "tokens" in value else None
    if kind is Token:
        fields["alternatives"] = tuple(
            Alternative(token=token, text=text, logprob=logprob)
            for token, text, logprob in value.get("alternatives", ())
        )
    event: Ready | Event = kind(**fields)
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
