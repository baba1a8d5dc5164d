"""What a lesson is made of: one class for each kind of step, with the rule of each field.

A step's kind is the key that it is written with: ``ask = "What is …?"``. To add a kind, add a class
to :data:`KINDS` and a branch to :mod:`~chatapp.lessons.acting`; reading, checking and translating
follow from its fields. The schema for people is in ``docs/lessons.md``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Final, TypeAlias

from chatapp.home.rules import Choice, Real, Rule, Switch, Text, Whole
from chatapp.lessons.checks import Check

NAME: Final = Text("a name: small letters, digits and hyphens", r"[a-z0-9][a-z0-9-]*")
PLACE: Final = Text(
    "a path below the lesson's folder, with / between names that begin with no dot",
    r"\w[\w. -]*(?:/\w[\w. -]*)*",
)
WORDS: Final = Text("a text that is not empty", r"(?s)(?=.*\S)[^\0\ud800-\udfff]+")
VIEWS: Final = ("context", "meter", "next-token", "weights", "costs", "log")


def _key(rule: Rule, *, words: bool = False, **rest: Any) -> Any:
    """A field that may be written in a lesson. ``words``: it is shown, and can be translated."""
    return field(metadata={"rule": rule, "words": words}, **rest)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """How probable ``right`` and ``wrong`` are behind ``prefix``, the beginning of the answer."""

    right: str = _key(WORDS)
    wrong: str = _key(Text(), default="")
    prefix: str = _key(Text(), default="")


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One of the answers that may be guessed. ``when``: what has to have happened for it to be
    the right one; the first option whose checks hold is. Without any it is the one that is left.
    ``after`` is said when it was the right one.
    """

    id: str = _key(NAME)
    text: str = _key(WORDS, words=True)
    after: str = _key(Text(), words=True, default="")
    when: tuple[Check, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Step:
    """What every step may have. ``note`` is said beside what the step does. ``seconds`` is how long
    it takes in front of a class, without the model's part.
    """

    kind: ClassVar[str]
    number: int = 0
    id: str = _key(NAME, default="")
    note: str = _key(Text(), words=True, default="")
    seconds: int = _key(Whole(0, 900), default=10)
    checks: tuple[Check, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Say(_Step):
    """A paragraph of explanation."""

    kind: ClassVar[str] = "say"
    say: str = _key(WORDS, words=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Expect(_Step):
    """A question with two to four options, asked before what decides it: the later step ``at``.

    ``expected`` is the option that was right on the default model when the lesson was written. It
    decides nothing: a headless play fails if another one is.
    """

    kind: ClassVar[str] = "expect"
    expect: str = _key(WORDS, words=True)
    at: str = _key(NAME)
    expected: str = _key(NAME)
    options: tuple[Option, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask(_Step):
    """Type this and send it, as the next message of the session."""

    kind: ClassVar[str] = "ask"
    ask: str = _key(WORDS)
    measure: Measure | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Correct(_Step):
    """Correct the answer to the step ``of``: ``wrong`` are its decisive words, ``correct`` the
    right ones, ``send`` the message that says so.
    """

    kind: ClassVar[str] = "correct"
    correct: str = _key(WORDS)
    wrong: str = _key(WORDS)
    send: str = _key(WORDS)
    of: str = _key(NAME)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSession(_Step):
    """A new session of the same person, with this name in the lesson."""

    kind: ClassVar[str] = "new-session"
    new_session: str = _key(NAME)


@dataclass(frozen=True, slots=True, kw_only=True)
class AnotherPerson(_Step):
    """Another person begins a session with this name, on the same engine."""

    kind: ClassVar[str] = "another-person"
    another_person: str = _key(NAME)


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchTo(_Step):
    """Go back to a session that is open. The first one is called ``first``."""

    kind: ClassVar[str] = "switch"
    switch: str = _key(NAME)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attach(_Step):
    """Attach a file that lies beside the lesson; it goes with the next ``ask``."""

    kind: ClassVar[str] = "attach"
    attach: str = _key(PLACE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Retrieve(_Step):
    """Look in a folder beside the lesson for passages that fit ``question``; those that are found
    go with the next ``ask``.
    """

    kind: ClassVar[str] = "retrieve"
    retrieve: str = _key(PLACE)
    question: str = _key(WORDS)


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedNotes(_Step):
    """Switch saved notes on, or off if there are none. Sessions that begin later begin with them.
    They are the lesson's, never the person's own.
    """

    kind: ClassVar[str] = "notes"
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Show(_Step):
    """Open a view: what is sent, the meter, the next token's distribution, the weights, the costs,
    the log. Headless, its numbers are noted.
    """

    kind: ClassVar[str] = "show"
    show: str = _key(Choice(VIEWS))


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(_Step):
    """Change settings from here on; what is left out stays as it is."""

    kind: ClassVar[str] = "settings"
    temperature: float | None = _key(Real(0, 5), default=None)
    seed: int | None = _key(Whole(0, 2**63 - 1), default=None)
    top_k: int | None = _key(Whole(0, 1_000_000), default=None)
    top_p: float | None = _key(Real(0, 1), default=None)
    min_p: float | None = _key(Real(0, 1), default=None)
    max_tokens: int | None = _key(Whole(1, 4096), default=None)
    system: str | None = _key(Text(), default=None)
    policy: str | None = _key(Choice(("stop", "drop-oldest", "summary")), default=None)
    window: int | None = _key(Whole(64, 1_048_576), default=None)
    reuse: bool | None = _key(Switch(), default=None)

    def given(self) -> dict[str, Any]:
        """What is set here, by name."""
        values = {name: getattr(self, name) for name in SETTINGS}
        return {name: value for name, value in values.items() if value is not None}


SETTINGS: Final = (
    *("temperature", "seed", "top_k", "top_p", "min_p", "max_tokens"),
    *("system", "policy", "window", "reuse"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prove(_Step):
    """Run an experiment; ``facts`` names those it tries (all that are built in, if none)."""

    kind: ClassVar[str] = "prove"
    prove: str = _key(NAME)
    facts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Raw(_Step):
    """Send the text alone, without the chat template. It joins no session."""

    kind: ClassVar[str] = "raw"
    raw: str = _key(WORDS)
    measure: Measure | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary(_Step):
    """The last page: what was guessed, what happened, and this to take home."""

    kind: ClassVar[str] = "summary"
    summary: str = _key(WORDS, words=True)


Step: TypeAlias = (
    Say
    | Expect
    | Ask
    | Correct
    | NewSession
    | AnotherPerson
    | SwitchTo
    | Attach
    | Retrieve
    | SavedNotes
    | Show
    | Settings
    | Prove
    | Raw
    | Summary
)
KINDS: Final[Mapping[str, type[Any]]] = {
    kind.kind: kind
    for kind in (
        *(Say, Expect, Ask, Correct, NewSession, AnotherPerson, SwitchTo),
        *(Attach, Retrieve, SavedNotes, Show, Settings, Prove, Raw, Summary),
    )
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """``minutes`` is how long it takes in front of a class, ``place`` where it stands in the
    course. ``start`` are the settings it begins with, laid over fixed ones and not over the
    person's, so that it plays the same for everybody. ``language`` is that of its words;
    ``untranslated`` names the words that are English in it. ``folder`` is where its file lies, and
    the files that it attaches.
    """

    name: str
    title: str = _key(WORDS, words=True)
    about: str = _key(WORDS, words=True)
    minutes: int = _key(Whole(1, 60))
    place: int = _key(Whole(1, 999), default=999)
    start: Settings = Settings()
    steps: tuple[Step, ...] = ()
    language: str = "en"
    untranslated: tuple[str, ...] = ()
    source: str = ""
    folder: Path | None = None

    def step(self, ident: str) -> Step:
        """The step of this name."""
        return next(step for step in self.steps if step.id == ident)
