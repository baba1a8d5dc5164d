"""What the archive holds, as plain values. Times are UTC, ISO 8601; counts tokens; ids opaque."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final, Literal

from chatapp.context.messages import Message, Role, as_dicts

State = Literal["off", "kept", "training"]
"""A session's consent: nothing reaches disk; stored here; stored, and may be exported."""

Kind = Literal["correction", "liked", "disliked"]
"""Why a reply is an example: a person gave the right answer, marked it good, or marked it bad."""

MANIFEST_FILE: Final = "manifest.json"
"""In an export's folder: what the export is, and what it rests on."""
WITHDRAWN_FILE: Final = ".withdrawn.json"
"""There too, written later: a list of the sessions whose consent was withdrawn since. It is no part
of the export's hashes; the fine-tuning job refuses a folder that holds a record of one of them."""


def now() -> str:
    """The time now, as it is stored: UTC to the millisecond, sortable as text."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """Which weights answered. ``None``: not revealed (a server), or not known (an import)."""

    model: str | None = None
    sha256: str | None = None
    adapter: str | None = None
    adapter_sha256: str | None = None
    adapter_scale: float | None = None


@lru_cache(256)
def weights_of(
    model: str | None,
    sha256: str | None,
    adapter: str | None,
    adapter_sha256: str | None,
    adapter_scale: float | None,
) -> Weights:
    """The same value for the same weights: few weights answer many turns."""
    return Weights(
        model=model,
        sha256=sha256,
        adapter=adapter,
        adapter_sha256=adapter_sha256,
        adapter_scale=adapter_scale,
    )


@dataclass(slots=True)  # thousands are made at once: frozen takes thrice the time
class StoredTurn:
    """How a reply came about: enough to send the very same request again.

    The request is the system message ``system`` as it was sent (none if empty), then the branch
    from the message ``view_first`` (``None``: from its start) to the one the reply answers, without
    replies that broke off before their first word. ``summary`` is the part of ``system`` that
    stands for what came before ``view_first``.
    ``sampling`` are the engine's sampling settings as in its protocol, seed included;
    ``prompt_sha256`` is the SHA-256 of the prompt's token ids (int32, little-endian).
    ``arrived``: the request reached the model. ``tools``: the declaration of tools that was sent,
    behind the system message; ``None``: none was.
    """

    number: int
    arrived: bool = True
    system: str = ""
    summary: str = ""
    view_first: int | None = None
    sampling: Mapping[str, Any] = field(default_factory=dict)
    window: int | None = None
    weights: Weights = Weights()
    prompt_sha256: str | None = None
    first_logits: str | None = None
    tokens_sent: int | None = None
    tokens_again: int | None = None
    tokens_new: int | None = None
    reused: int | None = None
    computed: int | None = None
    reply_tokens: int | None = None
    first_token_seconds: float | None = None
    prefill_seconds: float | None = None
    decode_seconds: float | None = None
    tools: str | None = None


@dataclass(slots=True, kw_only=True)  # thousands are made at once: frozen takes thrice the time
class StoredMessage:
    """One message of a session's tree. ``parent`` is a message's id, ``None`` at the beginning.

    ``status`` as in the conversation: ``complete``, ``streaming`` (never finished: the program
    ended), ``stopped``, ``length``, ``window``, ``failed``. ``chosen``: the branch in sight.
    ``sent`` counts the requests that held it.
    """

    id: int
    parent: int | None
    role: Role
    content: str
    created: str
    status: str = "complete"
    note: str = ""
    chosen: bool = True
    sent: int = 0
    turn: StoredTurn | None = None

    @property
    def message(self) -> Message:
        return Message(self.role, self.content)


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionInfo:
    """One line of the list of sessions. ``messages`` counts all branches."""

    id: str
    title: str
    created: str
    changed: str
    state: State
    messages: int
    model: str | None = None
    tags: tuple[str, ...] = ()
    source: str | None = None
    """Where it was imported from; ``None``: said here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredSession:
    """A whole session: its line, its system prompt, and its tree, parents before children."""

    info: SessionInfo
    system: str
    messages: tuple[StoredMessage, ...]
    examples: tuple[Example, ...] = ()

    def branch(self) -> Iterator[StoredMessage]:
        """The chosen branch, in order."""
        below: dict[int | None, list[StoredMessage]] = {}
        for message in self.messages:
            below.setdefault(message.parent, []).append(message)
        at: int | None = None
        while children := below.get(at):
            chosen = next((child for child in children if child.chosen), children[-1])
            yield chosen
            at = chosen.id


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """One entry of the ledger. ``version`` names the wording that was agreed to."""

    entry: int
    session: str
    at: str
    before: State
    state: State
    version: str
    wording: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """The canonical record: what a trainer may be given, and where it comes from.

    ``prompt`` is the context before the answer, the question at its end. ``chosen`` is the right
    answer (``None`` for a reply that was marked bad), ``rejected`` the wrong one (``None`` for a
    reply that was marked good). ``turn`` is the number of the turn in its session.
    ``consent`` is the ledger's entry that this record rests on.
    """

    id: str
    kind: Kind
    session: str
    turn: int
    created: str
    prompt: tuple[Message, ...]
    chosen: str | None = None
    rejected: str | None = None
    reason: str = ""
    wrong: str = ""
    right: str = ""
    """The decisive words of a correction: what was said wrongly, and what is right."""
    weights: Weights = Weights()
    consent: Consent | None = None

    def content(self) -> dict[str, Any]:
        """What a trainer would read: the part that is redacted, reviewed and hashed."""
        return {
            "kind": self.kind,
            "prompt": as_dicts(self.prompt),
            "chosen": self.chosen,
            "rejected": self.rejected,
            "reason": self.reason,
            "wrong": self.wrong,
            "right": self.right,
        }

    @property
    def sha256(self) -> str:
        """Of the content, as canonical JSON."""
        return sha256_of(self.content())


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedMessage:
    """A message from elsewhere. ``parent`` is an index into the same sequence, ``None`` at the
    beginning; parents come before their children."""

    role: Role
    content: str
    parent: int | None
    created: str | None = None
    chosen: bool = True
    weights: Weights = Weights()


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedSession:
    """A conversation from elsewhere. ``key`` is stable: importing the same file twice adds
    nothing. It arrives *kept*, never *training*."""

    key: str
    source: str
    title: str
    system: str
    messages: Sequence[ImportedMessage]
    created: str | None = None


def canonical_json(value: Any) -> str:
    """The one way this value is written as JSON: sorted keys, no spaces, UTF-8."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def sha256_of(value: Any) -> str:
    """SHA-256 (hex) of the canonical JSON of a value."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()
