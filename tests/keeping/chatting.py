"""A chat that goes on until it is killed, and tells what a person was shown before it happens.

Runs in a process of its own. What is told through ``wire`` are tuples, the name of the event first:

``began session state`` · ``said session text before`` · ``replied session text before status`` ·
``marked session text kind`` · ``corrected session text chosen`` · ``state session state`` · ``gone
session``; and before an act that may be cut in two: ``changing session state`` · ``going session``.
``before`` is the text that a message follows. ``trouble`` tells that something was not kept.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

from chatapp.archive import sessions
from chatapp.archive.records import State, Weights
from chatapp.conversation import Conversation, Node, Started
from chatapp.conversation.corrections import Correction
from chatapp.engine.counter import Counter
from chatapp.engine.protocol import Sampling, Token
from chatapp.errors import EngineDied, StoreError
from chatapp.keeping import keeper as keeping
from chatapp.keeping.archive import Archive
from chatapp.keeping.keeper import Keeper
from chatapp.keeping.reopening import reopen
from chatapp.keeping.turns import Answered
from tests.scripted import Reply, ScriptedEngine

BY = Answered(Weights(model="scripted", sha256="ab" * 32), 1 << 20)
END = " END"
"""Stands at the end of every reply that has come to its end."""
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


def word(source: random.Random) -> str:
    """A word that nobody else says."""
    return "".join(source.choices(_LETTERS, k=16))


def run(folder: str, seed: int, wire: Connection, session: str | None, deletes: bool) -> None:
    """Chat until killed: in the stored ``session``, or a new one.

    ``deletes``: give a session up after a few turns, and begin the next.
    """
    keeping._FLUSH = 0.0  # type: ignore[misc]  # every token is written, if the disk follows
    asyncio.run(Chat(Path(folder), random.Random(seed), wire.send, deletes).run(session))


class Chat:
    """A person who does whatever can be done, at random."""

    def __init__(
        self,
        folder: Path,
        source: random.Random,
        tell: Callable[[tuple[str, ...]], None],
        deletes: bool,
    ) -> None:
        self.source, self._tell, self.deletes = source, tell, deletes
        self.archive = Archive(folder)
        self.engine = ScriptedEngine(window=None)

    def _open(self) -> None:
        sampling = Sampling(seed=3)
        self.talk = Conversation(self.engine, Counter(self.engine, None), sampling=sampling)
        self.keeper = Keeper(self.archive, self.talk, by=lambda: BY)

    def tell(self, *event: str) -> None:
        """Tell what was shown, if the screen did not say that it is not kept."""
        if self.keeper.trouble:
            event = ("trouble", self.keeper.trouble)
        self._tell(event)

    async def run(self, session: str | None) -> None:
        self._tell(("ready",))
        self._open()
        if session is not None:
            await self._resume(session)
        while True:
            await self._session()
            self._open()

    async def _resume(self, name: str) -> None:
        stored = await self.archive.call(sessions.load, name)
        self.keeper.resume(stored, reopen(self.talk, stored))

    async def _session(self) -> None:
        """One session, from before it is kept until it is given up."""
        for _ in range(self.source.randint(0, 2)):
            await self._say()
        if self.keeper.state == "off":
            await self._raise(self.source.choice(("kept", "training")))
        acts = [self._say, self._say, self._say, self._again, self._edit, self._choose]
        acts += [self._mark, self._correct, self._lower]
        for _ in range(self.source.randint(1, 4) if self.deletes else 10**6):
            await self.source.choice(acts)()
        name = self.keeper.id
        self.tell("going", name)
        await self.keeper.set_state("off")
        self.tell("gone", name)

    async def _raise(self, state: State) -> None:
        before = self.talk.nodes
        await self.keeper.set_state(state)
        self.tell("began", self.keeper.id, state)
        for node in before:
            kind = ("said",) if node.role == "user" else ("replied",)
            status = () if node.role == "user" else (node.status,)
            self.tell(*kind, self.keeper.id, node.content, _before(node), *status)

    async def _say(self) -> None:
        await self._follow(lambda text: self.talk.send(text))

    async def _again(self) -> None:
        if replies := self._replies():
            reply = self.source.choice(replies)
            await self._follow(lambda _: self.talk.regenerate(reply))

    async def _edit(self) -> None:
        if asked := [node for node in self.talk.nodes if node.role == "user"]:
            node = self.source.choice(asked)
            await self._follow(lambda text: self.talk.edit(node, text))

    async def _follow(self, act: Callable[[str], object]) -> None:
        self.engine.replies.append(self._script())
        stop = self.source.randint(1, 5) if self.source.random() < 0.15 else 0
        reply: Node | None = None
        kept = self.keeper.keeping
        async for step in self.keeper.follow(act(word(self.source))):  # type: ignore[arg-type]
            if isinstance(step, Started):
                reply = step.reply
                if step.user is not None and kept:
                    self.tell("said", self.keeper.id, step.user.content, _before(step.user))
            elif isinstance(step, Token):
                stop -= 1
                if stop == 0:
                    await self.talk.stop()
        if kept and reply is not None:
            self.tell("replied", self.keeper.id, reply.content, _before(reply), reply.status)

    def _script(self) -> Reply:
        chunks = [f"{word(self.source)} " for _ in range(self.source.randint(1, 12))]
        pace = self.source.choice((0.0, 0.001))
        kind = self.source.random()
        if kind < 0.1:
            return Reply(chunks, error=EngineDied("killed"), fail_after=len(chunks) - 1, pace=pace)
        if kind < 0.2:
            return Reply(chunks, reason="length", pace=pace)
        return Reply([*chunks, END], pace=pace)

    def _replies(self) -> list[Node]:
        return [node for node in self.talk.nodes if node.role == "assistant"]

    async def _choose(self) -> None:
        branched = [node for node in self.talk.nodes if len(node.siblings) > 1]
        if branched:
            node = self.source.choice(self.source.choice(branched).siblings)
            node.choose()
            await self.keeper.chose(node)

    async def _mark(self) -> None:
        if replies := self._replies():
            reply = self.source.choice(replies)
            kind = self.source.choice(("liked", "disliked"))
            try:
                await self.keeper.mark(reply, kind, "because")
            except StoreError:
                # Refused, as it must be: a reply that broke off is no example.
                assert reply.status != "complete"
            else:
                self.tell("marked", self.keeper.id, reply.content, kind)

    async def _correct(self) -> None:
        replies = [one for one in self._replies() if one.status == "complete" and one.facts]
        if replies:
            reply = self.source.choice(replies)
            assert reply.facts is not None
            right = word(self.source)
            wrong = reply.content.split()[0]
            one = Correction(
                context=list(reply.facts.messages), reply=reply, wrong=wrong, right=right, said=""
            )
            await self.keeper.correct(one)
            self.tell("corrected", self.keeper.id, reply.content, one.chosen)

    async def _lower(self) -> None:
        state: State = "kept" if self.keeper.state == "training" else "training"
        self.tell("changing", self.keeper.id, state)
        await self.keeper.set_state(state)
        self.tell("state", self.keeper.id, state)


def _before(node: Node) -> str:
    return node.parent.content if node.parent is not None else ""
