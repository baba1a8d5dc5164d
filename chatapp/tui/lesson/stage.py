"""A lesson's stage on the screen: what the player asks for is done in sight, with real sessions."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from textual.worker import WorkerError

from chatapp.context.parts import Part
from chatapp.conversation import Conversation, Node
from chatapp.conversation.corrections import Correction
from chatapp.engine.client import EngineOptions, LocalEngine
from chatapp.engine.counter import Counter
from chatapp.engine.protocol import Generate, Sampling
from chatapp.errors import ChatappError
from chatapp.lessons.outcome import Outcome
from chatapp.lessons.sessions import Standing, apply, started, together
from chatapp.lessons.steps import Settings
from chatapp.proofs.asking import Answer, ask, user
from chatapp.proofs.evidence import Evidence
from chatapp.proofs.experiment import perform
from chatapp.proofs.lab import Lab
from chatapp.proofs.running import chosen
from chatapp.tui import words
from chatapp.tui.correcting import Told
from chatapp.tui.session import Session
from chatapp.tui.widgets.composer import Draft

if TYPE_CHECKING:
    from chatapp.tui.screens.lesson_actions import LessonActions

__all__ = ["ScreenStage"]

_TYPING: Final = 0.8
"""Seconds that a message takes to stand in the input, as if somebody typed it."""
_STROKES: Final = 16
_BUSY: Final = "the lesson asks the model"


@dataclass(frozen=True, slots=True)
class _Snapshot:
    sessions: dict[str, tuple[Session, Standing]]
    front: str
    given: dict[str, Any]
    attached: tuple[Part, ...]
    noted: tuple[str, ...]


class ScreenStage:
    """Acts on sessions of its own beside the person's. ``told`` hears what is under way; ``title``
    says what a view is called.
    """

    def __init__(
        self,
        screen: LessonActions,
        lab: Lab,
        told: Callable[[str], None],
        title: Callable[[str], str],
    ) -> None:
        self._screen = screen
        self._lab = lab
        self._told, self._title = told, title
        self._sessions: dict[str, Session] = {}
        self._front = "first"
        self._given: dict[str, Any] = {}
        self._attached: tuple[Part, ...] = ()
        self._noted: tuple[str, ...] = ()
        self._begun_with: dict[str, tuple[str, ...]] = {}
        self._engines: dict[int, tuple[LocalEngine, Counter]] = {}
        self.opened = ""
        """The view that a step has opened."""

    @property
    def lab(self) -> Lab:
        return self._lab

    @property
    def session(self) -> Session:
        """The session of the lesson that is in front."""
        return self._sessions[self._front]

    @property
    def conversation(self) -> Conversation:
        conversation = self.session.conversation
        assert conversation is not None
        return conversation

    # ── sessions ────────────────────────────────────────────────────────────────────────────────

    async def begin(self, settings: Settings) -> None:
        for session in self._sessions.values():
            await self._screen.remove_session(session)
        self._sessions, self._given = {}, started(settings)
        self._attached, self._noted, self._begun_with = (), (), {}
        await self.open_session("first", person=False)

    async def open_session(self, name: str, *, person: bool) -> None:
        self.close_views()
        engine, counter = await self._engine()
        session = await self._screen.add_session()
        talk = session.conversation
        assert talk is not None
        # Not the person's settings: a lesson plays the same for everybody.
        talk.engine, talk.counter, talk.sampling = engine, counter, Sampling()
        self._begun_with[name] = self._noted
        apply(talk, self._given, self._noted)
        self._screen.show_notes(session)
        if person:
            session.pane.left_behind("Another person's session, on the same model: an empty one.")
        self._sessions[name], self._front = session, name
        self._screen.refresh_all()

    async def switch(self, name: str) -> None:
        if name not in self._sessions:
            raise ChatappError(f"There is no session called {name}.")
        self.close_views()
        self._front = name
        self._to_front()

    def _to_front(self) -> None:
        if self._screen.session is not self.session:
            self._screen.show_session(self._screen.sessions.index(self.session))

    async def change(self, settings: Settings) -> None:
        self._given = {**self._given, **settings.given()}
        await self._settle()

    # ── what goes with the next message, and before every one ───────────────────────────────────

    @property
    def attached(self) -> Sequence[Part]:
        return self._attached

    async def attach(self, parts: Sequence[Part]) -> None:
        self.close_views()
        self._to_front()
        self._attached = together(self._attached, parts)
        self._show_attached()

    def _show_attached(self) -> None:
        """In the input, as if the person had attached it."""
        self.session.draft = Draft("", {}, self._attached)
        self._screen.show_draft(self.session)

    async def save_notes(self, notes: Sequence[str]) -> None:
        self.close_views()
        self._noted = tuple(notes)

    # ── turns ───────────────────────────────────────────────────────────────────────────────────

    async def send(self, text: str) -> Node:
        session = self._free()
        await self._type(text)
        session.draft = Draft()
        parts, self._attached = self._attached, ()
        self._screen.turns.send(session, replace(Draft.of(text), attached=parts))
        return await self._reply(session)

    async def correct(self, correction: Correction) -> Node:
        session = self._free()
        await self._type(correction.said)
        session.draft = Draft()
        self._screen.show_draft(session)
        told = Told(correction.right, correction.wrong, correction.said)
        self._screen.turns.correct(session, correction.reply, told)
        reply = await self._reply(session)
        session.pane.notice("")  # what may be done with it is the lesson's to say
        return reply

    def _free(self) -> Session:
        """The session in front, for a message of the lesson's own: nothing that the person began
        in it may become of it."""
        session = self.session
        if session.busy:
            raise ChatappError("The model is answering something else. Esc stops it.")
        session.editing, session.aside, session.retrieving = None, Draft(), None
        self.conversation.notes = self._begun_with[self._front]
        self.conversation.tools = False
        self._screen.show_notes(session)
        return session

    async def _type(self, text: str) -> None:
        """Let everybody see what is going to be sent."""
        self.close_views()
        self._to_front()
        if self._screen.app.animation_level == "none":
            return
        self._screen.show_composer(True)
        line = words.visible(text)[:400]
        try:
            for stroke in range(1, _STROKES + 1):
                typed = line[: len(line) * stroke // _STROKES]
                self._screen.composer.draft = Draft(typed, {}, self._attached)
                await asyncio.sleep(_TYPING / _STROKES)
            await asyncio.sleep(_TYPING / 2)
        except asyncio.CancelledError:
            # Half a message is nobody's.
            self._screen.composer.draft = Draft("", {}, self._attached)
            raise

    async def _reply(self, session: Session) -> Node:
        self._screen.show_composer(False)
        before = len(self.conversation.turns)
        turn = session.turn
        if turn is None:
            raise ChatappError("The model is answering something else.")
        try:
            await turn.wait()
        except WorkerError:
            pass  # said on the screen already
        nodes = self.conversation.nodes
        if len(self.conversation.turns) == before or nodes[-1].role != "assistant":
            session.draft, session.editing = Draft(), None
            self._screen.show_draft(session)
            raise ChatappError("The message could not be sent.")
        return nodes[-1]

    async def raw(self, text: str) -> Answer:
        self.close_views()
        talk = self.conversation
        request = Generate(messages=[user(text)], sampling=talk.sampling, hashes=True, plain=True)
        async with self._screen.turns.alone(_BUSY, lambda: None):
            return await ask(talk.engine, request)

    # ── views and experiments ───────────────────────────────────────────────────────────────────

    async def show(self, view: str, outcome: Outcome) -> None:
        self.close_views()
        self._to_front()
        self.opened = view
        self._screen.open_view(view, self._title(view), outcome)

    def close_views(self) -> None:
        """What a step has opened goes when the next one acts."""
        view, self.opened = self.opened, ""
        if view:
            self._screen.close_view(view)

    async def prove(self, name: str, facts: tuple[str, ...]) -> Evidence:
        self.close_views()
        [experiment] = chosen([name])

        def progress(done: float, says: str) -> None:
            self._told(f"{done:.0%}  {words.one_line(experiment.title)}: {words.one_line(says)}")

        own = self._lab.on(self._lab.facts.only(facts))
        async with self._screen.turns.alone("an experiment is running", lambda: None):
            try:
                evidence = await perform(experiment, own, progress)
            finally:
                await asyncio.shield(own.close())
        self.opened = "evidence"
        self._screen.open_evidence(evidence)
        return evidence

    # ── back, and away ──────────────────────────────────────────────────────────────────────────

    def snapshot(self) -> object:
        standing = {
            name: (session, Standing.of(session.conversation))
            for name, session in self._sessions.items()
            if session.conversation is not None
        }
        return _Snapshot(standing, self._front, dict(self._given), self._attached, self._noted)

    async def restore(self, snapshot: object) -> None:
        assert isinstance(snapshot, _Snapshot)
        self.close_views()
        for name in [name for name in self._sessions if name not in snapshot.sessions]:
            await self._screen.remove_session(self._sessions.pop(name))
        self._given, self._front = dict(snapshot.given), snapshot.front
        self._attached, self._noted = snapshot.attached, snapshot.noted
        await self._settle()
        for session, standing in snapshot.sessions.values():
            assert session.conversation is not None
            if session.conversation.nodes != list(standing.nodes):
                standing.put_back(session.conversation)
                await self._put_back(session, standing)
        self._to_front()
        if self._attached or self._screen.composer.attached:
            self._show_attached()
        self._screen.refresh_all()

    async def _put_back(self, session: Session, standing: Standing) -> None:
        replies = [node for node in standing.nodes if node.facts is not None]
        session.arrived = replies[-1].facts if replies else None
        session.kept = [one for one in session.kept if one.correction.reply in replies[:-1]]
        session.editing, session.offer = None, None
        session.pane.notice("")
        await session.pane.sync()

    async def _settle(self) -> None:
        """Give every session of the lesson the settings as they are."""
        engine, counter = await self._engine()
        for name, session in self._sessions.items():
            talk = session.conversation
            assert talk is not None
            talk.engine, talk.counter = engine, counter
            apply(talk, self._given, self._begun_with[name])

    async def _engine(self) -> tuple[LocalEngine, Counter]:
        """The engine with the window that is set: another window is another process."""
        window = self._given.get("window", 0)
        if window not in self._engines:
            if window:
                self._told("Another process is started, with another window…")

                def narrow(options: EngineOptions) -> EngineOptions:
                    return replace(options, window=window)

                engine = self._lab.another(change=narrow)
                await engine.start()
                self._engines[window] = engine, await self._lab.counter(engine)
            else:
                await self._lab.engine.start()
                assert self._screen.model is not None
                self._engines[0] = self._lab.engine, self._screen.model.counter
        return self._engines[window]

    async def leave(self) -> None:
        """The lesson is over: its sessions stay, with the engine of the chat."""
        self.close_views()
        for session in self._sessions.values():
            if session in self._screen.sessions:
                self._screen.attach(session)
        await self._lab.close()
