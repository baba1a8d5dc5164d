"""Killed at any moment, a chat has lost nothing that the screen said was kept.

200 kills (``SIGKILL``): while the file is made, while turns, replies, marks, corrections and
changes of consent are written, while a session is deleted; one chat on the store or three at once.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from multiprocessing.context import ForkServerContext
from pathlib import Path

import pytest

from chatapp.archive import ledger, marks, sessions
from chatapp.archive.records import StoredMessage
from chatapp.archive.store import NAME, Store
from tests.keeping import chatting

pytestmark = pytest.mark.skipif(os.name == "nt", reason="no SIGKILL")
SEEDS, ROUNDS = 20, 7
"""A round kills one chat, or two, or three: 10 kills with each seed."""
WRITERS = (1, 1, 1, 2, 1, 1, 3)
assert SEEDS * sum(WRITERS) == 200


@pytest.fixture(scope="module")
def children() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["pytest", "tests.keeping.chatting"])
    return context


@dataclass
class Told:
    """What persons were shown of one session."""

    said: set[tuple[str, ...]] = field(default_factory=set)
    marked: dict[str, str] = field(default_factory=dict)
    corrected: set[tuple[str, str]] = field(default_factory=set)
    state: str = ""
    next: str = ""
    """A state that was being changed to when the chat was killed."""


class Shown:
    """What persons were shown of the whole store, and whether the store still says so."""

    def __init__(self) -> None:
        self.sessions: dict[str, Told] = defaultdict(Told)
        self.gone: dict[str, Told] = {}

    def hear(self, event: tuple[str, ...]) -> None:
        kind, *rest = event
        if kind == "ready":
            return
        assert kind != "trouble", rest
        told = self.sessions[rest[0]]
        if kind in ("began", "state"):
            told.state, told.next = rest[1], ""
        elif kind == "changing":
            told.next = rest[1]
        elif kind == "said":
            told.said.add(("user", *rest[1:], "complete"))
        elif kind == "replied":
            told.said.add(("assistant", *rest[1:]))
        elif kind == "marked":
            told.marked[rest[1]] = rest[2]
        elif kind == "corrected":
            told.corrected.add((rest[1], rest[2]))
        elif kind == "going":
            told.next = "off"
        else:
            assert kind == "gone"
            self.gone[rest[0]] = self.sessions.pop(rest[0])

    def check(self, path: Path) -> None:
        """Open the store, and see that it holds what was shown, and nothing that it must not."""
        self.check_bytes(path)  # of what was said to be deleted, none is left for us to remove
        with Store(path) as store:
            assert store.check() == []
            _check_index(store)
            stored = {info.id for info in sessions.listed(store, limit=10**6)}
            for name, told in list(self.sessions.items()):
                if name in stored:
                    self._check_session(store, name, told)
                else:
                    assert told.next == "off", f"{name} is not there"
                    self.gone[name] = self.sessions.pop(name)
            assert not stored & set(self.gone)
            for name in self.gone:
                assert ledger.consents(store, name)[-1].state == "off"
            self._check_examples(store)
            self.check_bytes(path)

    def _check_session(self, store: Store, name: str, told: Told) -> None:
        session = sessions.load(store, name)
        by_id = {message.id: message for message in session.messages}
        there = {_told(message, by_id) for message in session.messages}
        assert told.said <= there, "a turn that was shown is lost"
        assert session.info.messages == len(session.messages)
        assert session.info.state in (told.state, told.next) or not told.state
        assert ledger.consents(store, name)[-1].state == session.info.state
        told.state, told.next = session.info.state, ""
        for place in {message.parent for message in session.messages}:
            beside = [one for one in session.messages if one.parent == place]
            assert sum(one.chosen for one in beside) == 1
        examples = [(one.kind, one.chosen, one.rejected) for one in session.examples]
        for text, chosen in told.corrected:
            assert ("correction", chosen, text) in examples
        for text in told.marked:
            kinds = [kind for kind, *texts in examples if text in texts]
            assert {"liked", "disliked"} & set(kinds), "a mark that was shown is lost"

    def _check_examples(self, store: Store) -> None:
        """Nothing half-written, and nothing without consent, is in an export."""
        for example in marks.examples(store):
            session = self.sessions[example.session]
            assert session.state == "training"
            assert example.consent is not None
            assert example.consent.state == "training"
            reply = example.rejected or example.chosen
            assert reply is not None
            assert reply.endswith(chatting.END), reply
            assert example.prompt[-1].role == "user"

    def check_bytes(self, path: Path) -> None:
        """Deleted means that no word of it is in any file. Words differ in their first letters."""
        files = [file.read_bytes() for file in path.parent.iterdir()]
        for name, told in self.gone.items():
            for _, text, *_ in told.said:
                for word in text.removesuffix(chatting.END).split():
                    assert not any(word[5:].encode() in data for data in files), (name, word)


def _told(message: StoredMessage, by_id: dict[int, StoredMessage]) -> tuple[str, ...]:
    before = by_id[message.parent].content if message.parent is not None else ""
    return (message.role, message.content, before, message.status)


def _check_index(store: Store) -> None:
    """The search index, word by word, against the messages that have ended."""
    with store.reading() as db:
        # Replies that were cut off are not in the index; here they end, and are taken back.
        db.execute("UPDATE messages SET status = 'stopped' WHERE status = 'streaming'")
        db.execute("INSERT INTO search (search, rank) VALUES ('integrity-check', 1)")


def _kill(
    children: ForkServerContext, folder: Path, seed: int, session: str | None, after: str
) -> list[tuple[str, ...]]:
    """Let one chat run, kill it at a random moment, and give what it had told until then.

    ``after``: the moment lies behind the first event of this name.
    """
    source = random.Random(seed)
    here, there = children.Pipe(duplex=False)
    args = (str(folder), seed, there, session, after == "going")
    chat = children.Process(target=chatting.run, args=args, daemon=True)
    chat.start()
    there.close()
    heard: list[tuple[str, ...]] = []
    wait = {"ready": 0.06, "going": 0.025, "replied": 0.4}[after]
    until = float("inf")
    limit = time.monotonic() + 30
    try:
        while (left := until - time.monotonic()) > 0:
            if here.poll(min(left, 1.0)):
                heard.append(here.recv())
                if heard[-1][0] == after and until == float("inf"):
                    until = time.monotonic() + source.uniform(0, wait)
            assert time.monotonic() < limit, "the chat does not get on"
        chat.kill()
        while True:
            heard.append(here.recv())
    except EOFError:
        pass
    finally:
        chat.kill()
        chat.join()
        here.close()
    assert chat.exitcode == -9, f"the chat ended by itself: {chat.exitcode}"
    return heard


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(SEEDS))
def test_what_was_shown_is_there_after_a_kill(
    tmp_path: Path, children: ForkServerContext, seed: int
) -> None:
    source = random.Random(seed)
    shown = Shown()
    path = tmp_path / NAME
    with ThreadPoolExecutor(max(WRITERS)) as threads:
        for number in range(ROUNDS):
            after = "ready" if number < 2 else source.choice(("going", "replied", "replied"))
            # Some go on with a session that was cut off, each with another.
            old: list[str | None] = sorted(shown.sessions)  # type: ignore[assignment]
            source.shuffle(old)
            chats = [
                threads.submit(
                    _kill,
                    children,
                    tmp_path,
                    1000 * seed + 10 * number + writer,
                    old.pop() if old and source.random() < 0.5 else None,
                    after,
                )
                for writer in range(WRITERS[number])
            ]
            for chat in chats:
                for event in chat.result():
                    shown.hear(event)
            try:
                shown.check(path)
            except BaseException as error:
                error.add_note(f"seed {seed}, round {number}, killed after “{after}”")
                raise
    shown.check(path)
