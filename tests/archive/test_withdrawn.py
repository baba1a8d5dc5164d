"""What was withdrawn is in no later export; what may be exported is in it, whatever came before.

Random sequences of turns, edits, marks, corrections, changes of consent and deletions, in two chats
on one store, against a plain model of who agreed to what. An export reads ``marks.examples``.
"""

from __future__ import annotations

import contextlib
import itertools
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from chatapp.archive import ledger, marks, sessions
from chatapp.archive.records import Example, Kind, State
from chatapp.archive.store import NAME, Store
from chatapp.archive.writing import NewMessage, Writer, set_state
from chatapp.context.messages import Message
from chatapp.errors import StoreError
from tests.archive.conftest import turn

CHATS = st.integers(0, 1)
PICK = st.integers(0, 10**6)
BACK = st.integers(0, 4)
"""Which of several, counted from the last."""
ENDS = st.sampled_from(
    ("complete", "complete", "complete", "stopped", "length", "streaming", "", "")
)


@dataclass
class Said:
    """A message, in its session's tree."""

    id: int
    before: Said | None
    role: str
    text: str
    status: str = "complete"
    number: int = 0

    def branch(self) -> Iterator[Said]:
        if self.before is not None:
            yield from self.before.branch()
        yield self


@dataclass
class Session:
    name: str
    state: State
    system: str
    said: list[Said] = field(default_factory=list)
    changes: int = 1


@dataclass
class Marked:
    session: Session
    reply: Said
    kind: Kind
    right: str = ""

    def told(self, name: str) -> tuple[object, ...]:
        assert self.reply.before is not None
        sent = [one for one in self.reply.before.branch() if one.text or one.role == "user"]
        prompt = [("system", self.session.system)] if self.session.system else []
        prompt += [(one.role, one.text) for one in sent]
        text = self.reply.text
        chosen = text if self.kind == "liked" else self.right or None
        rejected = None if self.kind == "liked" else text
        return (name, self.session.name, self.kind, self.reply.number, prompt, chosen, rejected)


def _exported(example: Example) -> tuple[object, ...]:
    prompt = [(message.role, message.content) for message in example.prompt]
    assert all(isinstance(message, Message) for message in example.prompt)
    name, kind = example.id, example.kind
    answers = (example.chosen, example.rejected)
    return (name, example.session, kind, example.turn, prompt, *answers)


class Withdrawing(RuleBasedStateMachine):
    """The rules are what a person can do; after each, an export is compared with the model."""

    def __init__(self) -> None:
        super().__init__()
        # Small pages, so that exports cross their edges.
        self.patched = contextlib.ExitStack()
        self.patched.enter_context(mock.patch.object(marks, "_PAGE", 2))
        # And a coarse clock, so that several were made at the same time.
        times = (f"{tick // 4:06}" for tick in itertools.count())
        self.patched.enter_context(mock.patch.object(marks, "now", times.__next__))
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / NAME
        self.chats = [self._open(), self._open()]
        self.sessions: list[Session] = []
        self.marked: dict[str, Marked] = {}
        self.gone: list[Session] = []
        self.words = 0

    def teardown(self) -> None:
        for store in self.chats:
            store.close()
        self.folder.cleanup()
        self.patched.close()

    # ── what a person does ──────────────────────────────────────────────────────────────────────

    @rule(chat=CHATS, state=st.sampled_from(("kept", "training")), brief=st.booleans())
    def begin(self, chat: int, state: State, brief: bool) -> None:
        session = Session(f"{len(self.sessions) + len(self.gone):016x}", state, "Be brief." * brief)
        writer = Writer(self.chats[chat], session.name)
        writer.begin(state, title="", system=session.system, model="small")
        self.sessions.append(session)
        self._turn(chat, session, None, "complete")

    @precondition(lambda self: self.sessions)
    @rule(chat=CHATS, at=BACK, place=BACK, end=ENDS)
    def say(self, chat: int, at: int, place: int, end: str) -> None:
        """Go on at the end, or edit an earlier message: a new branch behind any reply."""
        session = self._session(at)
        replies: list[Said | None] = [None]
        replies += [one for one in session.said if one.role == "assistant"]
        self._turn(chat, session, replies[-1 - place % len(replies)], end)

    @precondition(lambda self: self.sessions)
    @rule(chat=CHATS, at=BACK, place=BACK, end=ENDS)
    def answer_again(self, chat: int, at: int, place: int, end: str) -> None:
        session = self._session(at)
        asked = [one for one in session.said if one.role == "user"]
        self._answer(chat, session, asked[place % len(asked)], end)

    @precondition(lambda self: self.sessions)
    @rule(chat=CHATS, at=PICK, place=PICK)
    def choose(self, chat: int, at: int, place: int) -> None:
        """Another branch in sight changes no example."""
        session = self._session(at)
        one = session.said[place % len(session.said)]
        Writer(self.chats[chat], session.name).choose(one.before and one.before.id, one.id)

    @precondition(lambda self: self.sessions)
    @rule(chat=CHATS, at=BACK, place=BACK, kind=st.sampled_from(("liked", "disliked")))
    def mark(self, chat: int, at: int, place: int, kind: Kind) -> None:
        session, reply = self._reply(at, place)
        if reply.status != "complete" or not reply.text:
            with pytest.raises(StoreError):
                marks.mark(self.chats[chat], session.name, reply.id, kind)
            return
        name = marks.mark(self.chats[chat], session.name, reply.id, kind, "because")
        self.marked = {
            key: one
            for key, one in self.marked.items()
            if one.reply is not reply or one.kind == "correction"
        }
        self.marked[name] = Marked(session, reply, kind)

    @precondition(lambda self: self.sessions)
    @rule(chat=CHATS, at=BACK, place=BACK, right=st.sampled_from(("Ankara", "Biscuit")))
    def correct(self, chat: int, at: int, place: int, right: str) -> None:
        session, reply = self._reply(at, place)
        store, chosen = self.chats[chat], f"It is {right}."
        if reply.status != "complete" or not reply.text:
            with pytest.raises(StoreError):
                marks.correct(store, session.name, reply.id, chosen=chosen)
            return
        name = marks.correct(store, session.name, reply.id, chosen=chosen, right=right)
        self.marked[name] = Marked(session, reply, "correction", chosen)

    @precondition(lambda self: self.marked)
    @rule(chat=CHATS, at=PICK)
    def unmark(self, chat: int, at: int) -> None:
        name = sorted(self.marked)[at % len(self.marked)]
        marks.unmark(self.chats[chat], name)
        del self.marked[name]

    @precondition(lambda self: self.sessions)
    @rule(chat=CHATS, at=PICK, state=st.sampled_from(("kept", "training")))
    def change(self, chat: int, at: int, state: State) -> None:
        session = self._session(at)
        set_state(self.chats[chat], session.name, state)
        session.changes += session.state != state
        session.state = state

    @precondition(lambda self: self.sessions)
    @rule(chat=CHATS, at=PICK, off=st.booleans())
    def delete(self, chat: int, at: int, off: bool) -> None:
        session = self._session(at)
        if off:
            set_state(self.chats[chat], session.name, "off")
        else:
            sessions.delete(self.chats[chat], session.name)
        self.sessions.remove(session)
        self.gone.append(session)
        self.marked = {key: one for key, one in self.marked.items() if one.session is not session}

    @precondition(lambda self: self.gone)
    @rule(chat=CHATS, at=PICK)
    def act_on_what_is_gone(self, chat: int, at: int) -> None:
        """A chat that still shows a deleted session cannot bring it back."""
        session, store = self.gone[at % len(self.gone)], self.chats[chat]
        reply = next(one for one in session.said if one.role == "assistant")
        with pytest.raises(StoreError):
            marks.mark(store, session.name, reply.id, "liked")
        with pytest.raises(StoreError):
            set_state(store, session.name, "training")
        with pytest.raises(StoreError):
            Writer(store, session.name).add([NewMessage(role="user", content="more")])

    @rule(chat=CHATS)
    def reopen(self, chat: int) -> None:
        self.chats[chat].close()
        self.chats[chat] = self._open()

    # ── what an export then holds ───────────────────────────────────────────────────────────────

    @invariant()
    def an_export_holds_what_was_agreed_to_and_nothing_else(self) -> None:
        found = list(marks.examples(self.chats[0]))
        expected = [
            one.told(name) for name, one in self.marked.items() if one.session.state == "training"
        ]
        assert sorted(map(_exported, found), key=repr) == sorted(expected, key=repr)
        assert [one.id for one in found] == [one.id for one in marks.examples(self.chats[1])]
        for example in found:
            entries = ledger.consents(self.chats[0], example.session)
            assert example.consent == entries[-1]
            assert example.consent.state == "training"

    @invariant()
    def the_ledger_has_every_change(self) -> None:
        for session in self.sessions:
            entries = ledger.consents(self.chats[1], session.name)
            assert (entries[-1].state, len(entries)) == (session.state, session.changes)
        for session in self.gone:
            entries = ledger.consents(self.chats[1], session.name)
            assert (entries[-1].state, len(entries)) == ("off", session.changes + 1)

    # ── help ────────────────────────────────────────────────────────────────────────────────────

    def _open(self) -> Store:
        store = Store(self.path)
        store._db.execute("PRAGMA synchronous = OFF")  # no power is cut here
        return store

    def _session(self, at: int) -> Session:
        return self.sessions[-1 - at % len(self.sessions)]

    def _reply(self, at: int, place: int) -> tuple[Session, Said]:
        session = self._session(at)
        replies = [one for one in session.said if one.role == "assistant"]
        return session, replies[-1 - place % len(replies)]

    def _word(self) -> str:
        self.words += 1
        return f"word{self.words}"

    def _turn(self, chat: int, session: Session, before: Said | None, end: str) -> None:
        text = self._word()
        new = NewMessage(parent=before and before.id, role="user", content=text)
        (place,) = Writer(self.chats[chat], session.name).add([new])
        asked = Said(place, before, "user", text)
        session.said.append(asked)
        self._answer(chat, session, asked, end)

    def _answer(self, chat: int, session: Session, asked: Said, end: str) -> None:
        """``end``: a status, "streaming" if it never ended, "" if no word came before it broke."""
        writer = Writer(self.chats[chat], session.name)
        new = NewMessage(parent=asked.id, role="assistant", content="", status="streaming")
        (place,) = writer.add([new])
        text = self._word() if end else ""
        number = 1 + sum(one.role == "assistant" for one in session.said)
        if end == "streaming":
            writer.grow(place, text)
        else:
            told = turn(number, system=session.system)
            writer.end(place, text, end or "stopped", "", told)
        reply = Said(place, asked, "assistant", text, end or "stopped", number)
        session.said.append(reply)


TestWithdrawing = Withdrawing.TestCase
TestWithdrawing.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
