"""Imported sessions: kept with their branches, once, and never training by themselves."""

from __future__ import annotations

from dataclasses import replace

from chatapp.archive import ledger, marks, sessions
from chatapp.archive.imported import put
from chatapp.archive.records import ImportedMessage, ImportedSession, Weights
from chatapp.archive.search import search
from chatapp.archive.store import Store
from chatapp.archive.writing import set_state

TALK = ImportedSession(
    key="there:1",
    source="there",
    title="A talk\nfrom there",
    system="Be kind.",
    created="2024-01-02T03:04:05.000Z",
    messages=[
        ImportedMessage(role="user", content="Question", parent=None),
        ImportedMessage(
            role="assistant", content="Old answer", parent=0, weights=Weights(model="big")
        ),
        ImportedMessage(role="assistant", content="Later answer", parent=0, chosen=False),
        ImportedMessage(role="user", content="Thanks", parent=1),
        ImportedMessage(role="assistant", content="Welcome", parent=3),
    ],
)


def test_a_session_comes_with_its_branches_and_is_kept_not_training(store: Store) -> None:
    done = put(store, [TALK])
    assert (done.added, done.known, done.messages) == (1, 0, 5)
    (info,) = sessions.listed(store)
    assert (info.state, info.source, info.title) == ("kept", "there", "A talk from there")
    assert (info.created, info.messages, info.model) == (TALK.created, 5, "big")
    loaded = sessions.load(store, info.id)
    texts = [message.content for message in loaded.branch()]
    assert texts == ["Question", "Old answer", "Thanks", "Welcome"]
    assert len(loaded.messages) == 5
    assert all(message.sent == 0 for message in loaded.messages)
    assert [entry.state for entry in ledger.consents(store)] == ["kept"]
    assert search(store, "later answer")


def test_the_same_file_again_adds_nothing(store: Store) -> None:
    put(store, [TALK])
    done = put(store, [TALK])
    assert (done.added, done.known) == (0, 1)
    assert sessions.count(store) == 1


def test_a_session_that_has_gone_on_elsewhere_stays_and_is_counted(store: Store) -> None:
    put(store, [replace(TALK, messages=TALK.messages[:3])])
    done = put(store, [TALK])
    assert (done.added, done.known, done.grown) == (0, 1, 1)
    assert sessions.listed(store)[0].messages == 3


def test_only_after_somebody_says_so_may_it_train(store: Store) -> None:
    put(store, [TALK])
    (info,) = sessions.listed(store)
    loaded = sessions.load(store, info.id).messages
    reply = next(message for message in loaded if message.content == "Old answer")
    marks.mark(store, info.id, reply.id, "liked")
    assert list(marks.examples(store)) == []
    set_state(store, info.id, "training")
    (example,) = marks.examples(store)
    assert [message.content for message in example.prompt] == ["Be kind.", "Question"]
    assert example.weights.model == "big"
