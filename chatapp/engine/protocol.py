"""The protocol: JSON lines over stdin and stdout of the engine's process.

A request is an object with ``id``, ``type`` and its fields; each event it causes carries the same
``id`` and its own ``type``. The last event of a request is ``done``, ``result`` or ``error``.
Events without a request have ``id`` 0: ``loading``, ``ready``, or ``error`` when a line is not a
request.

Requests: ``generate`` · ``score`` (the log-probability of given continuations) · ``render`` (the
prompt, without running the model) · ``fingerprint`` · ``info`` · ``cancel`` (stops the request
named by ``target``, prefill included) · ``adapter`` (what is added to the weights from now on: the
LoRA file ``path`` times ``scale``, or nothing where ``path`` is null; requests before it are
answered first, and all that was computed is forgotten). Its answer is what ``ready`` says of the
adapter; a file that does not fit is an ``error`` of the kind ``adapter``, and changes nothing.
Some time after ``ready``, and after a change of adapter, ``checked`` says whether this machine
computes repeatably.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Literal, NamedTuple, TypeAlias

from chatapp.context.messages import Message, as_dicts
from chatapp.context.prompt import Prompt
from chatapp.errors import EngineError

MAX_ALTERNATIVES: Final = 50
MAX_SEED: Final = 2**63 - 1
MAX_SCALE: Final = 10.0
"""The largest scale of an adapter; 1 is how it was trained, 0 leaves the base as it is."""

Reason = Literal["stop", "length", "window", "cancelled"]
"""Why a reply ended: the model's end token or a stop text; the reply length set; the window is
full; a person stopped it."""


def _plain(number: float) -> str:
    return f"{int(number):,}" if number == int(number) else f"{number:g}"


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
        "temperature": (float, 0.0, 5.0),
        "top_k": (int, 0, 1_000_000),
        "top_p": (float, 0.0, 1.0),
        "min_p": (float, 0.0, 1.0),
        "repeat_penalty": (float, 0.1, 10.0),
        "max_tokens": (int, 1, 1_048_576),
    }

    def __post_init__(self) -> None:
        for name, (kind, low, high) in self._ranges.items():
            value = getattr(self, name)
            fits = isinstance(value, (int, float) if kind is float else int)
            if not fits or isinstance(value, bool) or value != value:
                raise EngineError(f"'{name}' must be a number.", kind="request")
            if not low <= value <= high:
                raise EngineError(
                    f"'{name}' must lie between {_plain(low)} and {_plain(high)}.", kind="request"
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
    """Answer these messages.

    ``alternatives``: report the n most probable tokens at each step; ``hashes``: report the hash
    of each step's logits, not of the first alone. Without ``reuse`` everything is computed afresh,
    with the same result. ``begun``: tokens of the reply that are there already; they are evaluated
    one by one, as when they were generated, and the reply goes on behind them. ``plain``: the texts
    alone are sent, one under another, without the chat template. ``scope``: of what was computed
    before, only what was computed for the same scope is reused; with the same result.
    """

    messages: Sequence[Message]
    sampling: Sampling = Sampling()
    alternatives: int = 0
    hashes: bool = False
    reuse: bool = True
    begun: Sequence[int] = ()
    plain: bool = False
    scope: str = ""

    def as_dict(self) -> dict[str, Any]:
        """The request as it goes down the pipe, but for its ``id``."""
        return {
            "type": "generate",
            "messages": as_dicts(self.messages),
            "sampling": self.sampling.as_dict(),
            "alternatives": self.alternatives,
            "hashes": self.hashes,
            "reuse": self.reuse,
            **({"begun": list(self.begun)} if self.begun else {}),
            **({"plain": True} if self.plain else {}),
            **({"scope": self.scope} if self.scope else {}),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """How probable is each continuation after these messages and the reply begun by ``prefix``?

    Nothing is drawn: the given tokens are evaluated one by one, as if they had been generated.
    ``plain`` and ``scope`` as in :class:`Generate`.
    """

    messages: Sequence[Message]
    continuations: Sequence[str]
    prefix: str = ""
    alternatives: int = 0
    plain: bool = False
    scope: str = ""

    def as_dict(self) -> dict[str, Any]:
        """The request as it goes down the pipe, but for its ``id``."""
        return {
            "type": "score",
            "messages": as_dicts(self.messages),
            "continuations": list(self.continuations),
            "prefix": self.prefix,
            "alternatives": self.alternatives,
            **({"plain": True} if self.plain else {}),
            **({"scope": self.scope} if self.scope else {}),
        }


# ── events ──────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """The model is loaded. ``window`` is the context window in tokens, ``trained`` the one it was
    trained with; ``load_seconds`` from process start. ``None`` stands for "not revealed".

    An answer's bits depend on ``kv_type`` (what the KV cache keeps its numbers as) and
    ``gpu_layers`` (-1: all); ``reuse`` changes speed only. ``kv_bytes`` is what the KV cache
    takes. ``note`` is for the person: what was asked for and could not be had.

    ``adapter`` is the name of the LoRA that is added to the weights, ``adapter_sha256`` of its file
    as it was loaded, ``adapter_scale`` what it is multiplied by; all ``None`` without one.
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
    kv_type: str | None = None
    kv_bytes: int | None = None
    gpu_layers: int | None = None
    reuse: bool | None = None
    note: str | None = None
    adapter: str | None = None
    adapter_sha256: str | None = None
    adapter_scale: float | None = None

    @property
    def added(self) -> str:
        """The adapter, to stand behind the model's name: `` + turkey ×1.0``; empty without one."""
        return f" + {self.adapter} ×{self.adapter_scale}" if self.adapter is not None else ""


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


class Alternative(NamedTuple):
    """A token that could have stood here. ``logprob`` is before temperature and cuts (nats).

    ``share`` is its probability after them: what the draw was made from; 0 if it was cut.
    ``token`` is ``None`` where a server does not give its id.
    """

    token: int | None
    text: str
    logprob: float
    share: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """One generated token. ``text`` may be empty while a character is still incomplete.

    ``logprob`` (nats) is the model's own, before temperature and cuts; ``share`` the probability
    after them, among the ``kept`` tokens that survived. ``draw`` is the random number in [0, 1)
    that chose, ``None`` at temperature 0: it lies between ``before``, the shares of the more
    probable tokens together, and ``before + share``. ``logits`` is the SHA-256 of the step's
    logits (float32, little-endian): of the first token's always, of the others' if asked for.

    ``ends``: with this token the model ended its reply. It has no text and is no part of the
    reply, nor counted with it. A reply that ends otherwise (see ``Done.reason``) has none.
    """

    type: ClassVar[str] = "token"
    text: str
    token: int | None = None
    logprob: float | None = None
    share: float | None = None
    before: float | None = None
    draw: float | None = None
    kept: int | None = None
    logits: str | None = None
    alternatives: tuple[Alternative, ...] = ()
    ends: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """The reply has ended.

    ``text`` is all of it, what was begun included; times are in seconds, counts in tokens.
    ``reply_tokens`` does not count the token that ended it.
    """

    type: ClassVar[str] = "done"
    reason: Reason
    text: str
    prompt_tokens: int | None = None
    reply_tokens: int | None = None
    reused: int | None = None
    evaluated: int | None = None
    prefill_seconds: float | None = None
    decode_seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """One continuation: its token ids, their log-probabilities (nats) and the sum of these."""

    text: str
    tokens: tuple[int, ...]
    logprobs: tuple[float, ...]

    @property
    def logprob(self) -> float:
        return math.fsum(self.logprobs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """The answer to :class:`Score`, in its order.

    ``prefix`` are its tokens; ``logits`` is the SHA-256 of the whole distribution after it: all
    logits, float32, little-endian. ``alternatives`` are its most probable tokens.
    """

    prompt: Prompt
    scores: tuple[Scored, ...]
    logits: str
    prefix: tuple[int, ...] = ()
    alternatives: tuple[Alternative, ...] = ()
    reused: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Fingerprint:
    """What identifies the frozen function.

    ``sha256`` of the weight file as it is on disk now; ``mapping`` of it in the process's memory
    (``read-only``, ``writable``, ``copied``, or ``None`` where the system does not tell);
    ``logits``: SHA-256 of a fixed probe prompt's logits; ``repeatable`` as in :class:`Checked`.
    The adapter's fields are as in :class:`Ready`: its numbers are a copy in memory, so its hash is
    of what was loaded.
    """

    sha256: str
    bytes: int
    mapping: str | None
    logits: str
    repeatable: bool
    adapter: str | None = None
    adapter_sha256: str | None = None
    adapter_scale: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """The self-test: a probe prompt's bits under different histories.

    ``repeatable`` tells whether they were equal, ``reuse`` whether the arithmetic cache is in use
    (it is switched off where it would change bits), ``reason`` says it in a sentence.
    """

    type: ClassVar[str] = "checked"
    repeatable: bool
    reuse: bool
    reason: str
    logits: str


Event: TypeAlias = Sent | Prefill | Token | Done
