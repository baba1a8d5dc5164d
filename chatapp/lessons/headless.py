"""A stage without a screen: conversations and an engine, nothing else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from chatapp.context.parts import Part, write
from chatapp.conversation import Conversation, Failed, Node, Step
from chatapp.conversation.corrections import Correction
from chatapp.engine.client import EngineOptions, LocalEngine
from chatapp.engine.counter import Counter
from chatapp.engine.protocol import Generate
from chatapp.errors import ChatappError
from chatapp.lessons.outcome import Outcome
from chatapp.lessons.sessions import Standing, apply, started, together
from chatapp.lessons.steps import Settings
from chatapp.proofs.asking import Answer, ask, user
from chatapp.proofs.evidence import Evidence
from chatapp.proofs.experiment import perform
from chatapp.proofs.lab import Lab
from chatapp.proofs.running import chosen


@dataclass(frozen=True, slots=True)
class _Snapshot:
    sessions: dict[str, Standing]
    front: str
    given: dict[str, Any]
    attached: tuple[Part, ...]
    noted: tuple[str, ...]


@dataclass(slots=True)
class HeadlessStage:
    """``lab`` holds the engine. ``told`` is called with each step of a turn, as it happens."""

    lab: Lab
    told: Callable[[Step], None] = lambda step: None
    _sessions: dict[str, Conversation] = field(default_factory=dict)
    _front: str = "first"
    _given: dict[str, Any] = field(default_factory=dict)
    _attached: tuple[Part, ...] = ()
    _noted: tuple[str, ...] = ()
    _begun_with: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _engines: dict[int, tuple[LocalEngine, Counter]] = field(default_factory=dict)

    @property
    def conversation(self) -> Conversation:
        return self._sessions[self._front]

    async def begin(self, settings: Settings) -> None:
        self._sessions, self._given = {}, started(settings)
        self._attached, self._noted, self._begun_with = (), (), {}
        await self.open_session("first", person=False)

    @property
    def attached(self) -> Sequence[Part]:
        return self._attached

    async def attach(self, parts: Sequence[Part]) -> None:
        self._attached = together(self._attached, parts)

    async def save_notes(self, notes: Sequence[str]) -> None:
        self._noted = tuple(notes)

    async def send(self, text: str) -> Node:
        parts, self._attached = self._attached, ()
        async for step in self.conversation.send(write(parts, text)):
            self.told(step)
            if isinstance(step, Failed):
                break
        return self.conversation.nodes[-1]

    async def correct(self, correction: Correction) -> Node:
        return await self.send(correction.said)

    async def open_session(self, name: str, *, person: bool) -> None:
        engine, counter = await self._engine()
        conversation = Conversation(engine, counter, number=len(self._sessions) + 1)
        self._begun_with[name] = self._noted
        apply(conversation, self._given, self._noted)
        self._sessions[name] = conversation
        self._front = name

    async def switch(self, name: str) -> None:
        if name not in self._sessions:
            raise ChatappError(f"There is no session called {name}.")
        self._front = name

    async def change(self, settings: Settings) -> None:
        self._given = {**self._given, **settings.given()}
        await self._settle()

    async def raw(self, text: str) -> Answer:
        talk = self.conversation
        request = Generate(messages=[user(text)], sampling=talk.sampling, hashes=True, plain=True)
        return await ask(talk.engine, request)

    async def show(self, view: str, outcome: Outcome) -> None:
        """There is no screen: the player has noted the numbers."""

    async def prove(self, name: str, facts: tuple[str, ...]) -> Evidence:
        [experiment] = chosen([name])
        async with self.lab.on(self.lab.facts.only(facts)) as own:  # its processes end with it
            return await perform(experiment, own)

    def snapshot(self) -> object:
        standing = {name: Standing.of(talk) for name, talk in self._sessions.items()}
        return _Snapshot(standing, self._front, dict(self._given), self._attached, self._noted)

    async def restore(self, snapshot: object) -> None:
        assert isinstance(snapshot, _Snapshot)
        self._given, self._front = dict(snapshot.given), snapshot.front
        self._attached, self._noted = snapshot.attached, snapshot.noted
        self._sessions = {name: self._sessions[name] for name in snapshot.sessions}
        await self._settle()
        for name, standing in snapshot.sessions.items():
            standing.put_back(self._sessions[name])

    async def _settle(self) -> None:
        """Give every session the settings as they are."""
        engine, counter = await self._engine()
        for name, talk in self._sessions.items():
            talk.engine, talk.counter = engine, counter
            apply(talk, self._given, self._begun_with[name])

    async def _engine(self) -> tuple[LocalEngine, Counter]:
        """The engine with the window that is set: another window is another process."""
        window = self._given.get("window", 0)
        if window not in self._engines:
            engine = self.lab.engine
            if window:

                def narrow(options: EngineOptions) -> EngineOptions:
                    return replace(options, window=window)

                engine = self.lab.another(change=narrow)
            await engine.start()
            self._engines[window] = engine, await self.lab.counter(engine)
        return self._engines[window]
