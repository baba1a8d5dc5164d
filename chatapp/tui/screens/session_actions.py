"""Sessions: a new one with a clean context, and the way between those that are open."""

from __future__ import annotations

import asyncio
from typing import Final

from chatapp.context.parts import parts_of
from chatapp.tui import source_words, words
from chatapp.tui.live import transcript_tokens
from chatapp.tui.retrieving import OFF_HERE
from chatapp.tui.screens.base import ChatBase
from chatapp.tui.session import Session
from chatapp.tui.widgets.conversation import ConversationPane

__all__ = ["ALTERNATIVES", "SessionActions"]

ALTERNATIVES: Final = 10
"""Of each token of a reply, so many that could have stood there are asked for and kept."""


class SessionActions(ChatBase):
    """Every session keeps its own transcript and draft; nothing passes from one to another."""

    def attach(self, session: Session) -> None:
        """Give a session the model at hand: a conversation if it has none yet."""
        from chatapp.conversation import Conversation
        from chatapp.keeping.keeper import Keeper

        if self.model is None or self.values is None:
            return
        if session.conversation is None:
            session.conversation = Conversation(
                self.model.engine,
                self.model.counter,
                number=session.number,
                system=self.values.system,
                sampling=self.values.sampling,
                policy=self.values.policy,
                alternatives=ALTERNATIVES,
                reuse=self.reuse,
            )
            session.pane.conversation = session.conversation
            session.keeper = Keeper(
                self.archive,
                session.conversation,
                by=self.answers,
                changed=lambda: self.keeping_changed(session),
            )
        else:
            session.since = len(session.conversation.turns)
            session.conversation.engine = self.model.engine
            session.conversation.counter = self.model.counter

    async def action_new_session(self) -> None:
        """Begin with an empty transcript. The old session stays open beside it."""
        left = self.session
        session = await self.add_session()
        self.run_worker(
            self._tell_what_stayed(left, session), name="left behind", exit_on_error=False
        )

    async def add_session(self) -> Session:
        """Another session, empty, in sight; nothing of it is kept."""
        self.keep_draft(self.session)
        number = max(session.number for session in self.sessions) + 1
        session = Session(number, ConversationPane(number))
        self.attach(session)
        self.sessions.append(session)
        session.pane.display = False
        await self.query_one("#sessions").mount(session.pane)
        self.show_session(len(self.sessions) - 1)
        return session

    def show_notes(self, session: Session) -> None:
        """What a session was begun with; what shows it comes on top."""

    def keeping_changed(self, session: Session) -> None:
        """The state of a session's log has changed; what shows it comes on top."""

    async def _tell_what_stayed(self, left: Session, session: Session) -> None:
        conversation = left.conversation
        messages = len(conversation.nodes) if conversation else 0
        tokens = await transcript_tokens(conversation) if conversation else 0
        parts = (
            sum(len(parts_of(node.role, node.content)) for node in conversation.nodes)
            if conversation
            else 0
        )
        off = OFF_HERE if left.retrieving is not None else ""
        gone = source_words.gone(parts) + off
        session.pane.left_behind(words.left_behind(messages, tokens) + gone)

    def show_session(self, index: int) -> None:
        """Bring a session into sight, with its own draft."""
        self.keep_draft(self.session)
        self.current = index
        for session in self.sessions:
            session.pane.display = session is self.session
        self.set_class(False, "-show-context")
        self.show_draft(self.session)
        self.composer.focus()
        self.forget_preview()
        self.refresh_all()

    def action_next_session(self) -> None:
        """Go to the session after this one."""
        self._step_session(1)

    def action_previous_session(self) -> None:
        """Go to the session before this one."""
        self._step_session(-1)

    def _step_session(self, step: int) -> None:
        if len(self.sessions) > 1:
            self.show_session((self.current + step) % len(self.sessions))
        else:
            self.say("This is the only session. Ctrl+N begins another.")

    def action_sessions(self) -> None:
        """Choose among the open sessions."""
        self.run_worker(
            self._choose_session(), name="sessions", group="dialog", exit_on_error=False
        )

    def action_stored(self) -> None:
        """Look through the stored sessions; what does it comes on top."""

    async def _choose_session(self) -> None:
        from chatapp.tui.dialogs.sessions import SessionRow, SessionsDialog

        talks = [session.conversation for session in self.sessions]
        tokens = await asyncio.gather(
            *(transcript_tokens(talk) if talk else _none() for talk in talks)
        )
        rows = [
            SessionRow(
                number,
                words.one_line(talk.title) if talk else "",
                len(talk.nodes) if talk else 0,
                count,
            )
            for number, (talk, count) in enumerate(zip(talks, tokens, strict=True), 1)
        ]
        chosen = await self.app.push_screen_wait(SessionsDialog(rows, self.current + 1))
        if chosen:
            self.show_session(chosen - 1)
        elif chosen is not None:
            self.action_stored()


async def _none() -> None:
    return None
