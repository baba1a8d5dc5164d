"""Taking turns: from Enter to the request on its way, and back if nothing could be sent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from chatapp.tui import words
from chatapp.tui.session import Offer, Session
from chatapp.tui.turn import TurnOnScreen
from chatapp.tui.widgets.composer import Draft

if TYPE_CHECKING:
    from chatapp.conversation import Conversation, Node, Overflow, Step
    from chatapp.tui.correcting import Kept, Told
    from chatapp.tui.screens.base import ChatBase

    Steps = Callable[[Conversation], AsyncGenerator[Step, None]]
    Measure = Callable[[Conversation], Awaitable[Kept]]

__all__ = ["BUSY", "TurnTaker"]

_ANOTHER = "another session is being answered"
BUSY = "The model is still answering. Esc stops it; what you wrote stays here."


class TurnTaker:
    """Runs the turns of all sessions, one at a time, as workers of the screen."""

    def __init__(self, screen: ChatBase) -> None:
        self._screen = screen
        self._one_at_a_time = asyncio.Lock()
        self._taken_by = _ANOTHER

    # ── what a person asks for ──────────────────────────────────────────────────────────────────

    def send(self, session: Session, draft: Draft) -> None:
        """Send ``draft``, as a new message or in place of the one that is edited."""
        if session.busy:
            self._screen.say(BUSY)
            return
        text, editing = draft.full, session.editing

        def steps(conversation: Conversation) -> AsyncGenerator[Step, None]:
            return conversation.edit(editing, text) if editing else conversation.send(text)

        offer = self._offer(session, text, editing)
        session.editing = None
        session.draft, session.aside = session.aside, Draft()
        self._screen.show_draft(session)
        self._take(session, steps, draft, editing, offer=offer)

    @staticmethod
    def _offer(session: Session, text: str, editing: Node | None) -> Offer | None:
        if session.conversation is None or session.conversation.engine.kind != "local":
            return None
        from chatapp.tui.correcting import after_reply

        reply = after_reply(session.conversation, text, editing)
        return Offer(reply, text) if reply is not None else None

    def correct(self, session: Session, reply: Node, told: Told) -> None:
        """Send a correction: before it, what the question alone gives is measured."""
        from chatapp.tui.correcting import keep

        if session.busy:
            self._screen.say(BUSY)
            return
        mark = self._screen.weights.first

        def measure(conversation: Conversation) -> Awaitable[Kept]:
            return keep(conversation, reply, told, since=session.since, mark=mark, late=False)

        draft = Draft.of(told.message)
        self._take(session, lambda talk: talk.send(told.message), draft, None, measure=measure)

    def regenerate(self, session: Session, reply: Node) -> None:
        """Answer again in place of ``reply``."""
        if session.busy:
            self._screen.say(BUSY)
        elif session.conversation is not None:
            if hint := words.same_again(session.conversation.sampling.temperature):
                self._screen.say(hint)
            self._take(session, lambda talk: talk.regenerate(reply), Draft(), None)

    async def stop(self, session: Session) -> None:
        """End the turn of this session: a reply keeps what was said, a message comes back."""
        if session.turn is None:
            return
        if session.begun and session.conversation is not None:
            await session.conversation.stop()
        else:
            session.turn.cancel()

    # ── one turn ────────────────────────────────────────────────────────────────────────────────

    def _take(
        self,
        session: Session,
        steps: Steps,
        draft: Draft,
        editing: Node | None,
        *,
        offer: Offer | None = None,
        measure: Measure | None = None,
    ) -> None:
        session.begun, session.offer = False, offer
        session.turn = self._screen.run_worker(
            self._run(session, steps, draft, editing, measure),
            name="turn",
            group=f"turn-{session.number}",
            exclusive=True,
            exit_on_error=False,
        )
        self._screen.refresh_all()

    @asynccontextmanager
    async def alone(self, what: str, waiting: Callable[[], None]) -> AsyncIterator[None]:
        """The model for something else than a turn: turns wait for ``what``, as this waits for
        them (``waiting`` is called if it has to).
        """
        if self._one_at_a_time.locked():
            waiting()
        async with self._one_at_a_time:
            self._taken_by = what
            try:
                yield
            finally:
                self._taken_by = _ANOTHER

    async def _run(
        self,
        session: Session,
        steps: Steps,
        draft: Draft,
        editing: Node | None,
        measure: Measure | None,
    ) -> None:
        from chatapp.conversation import Overflow
        from chatapp.errors import ChatappError

        kept: Kept | None = None
        try:
            await session.pane.show_pending(draft.full, "waiting for the model to load")
            conversation = await self._conversation(session)
            if self._one_at_a_time.locked():
                session.pane.wait_for(f"waiting: {self._taken_by}")
            async with self._one_at_a_time:
                if measure is not None:
                    session.pane.wait_for("measuring what the question alone gives, to compare")
                    kept = await measure(conversation)
                    session.kept.append(kept)
                session.pane.wait_for(self._waiting(session, conversation))
                await self._screen.know_weights(session)
                try:
                    await self._follow(session, steps(conversation))
                except Overflow as over:
                    await self._make_room(session, conversation, steps, over)
        except ChatappError as error:
            where = " Your message is in the input." if draft else ""
            session.pane.notice(f"✗ {words.one_line(str(error))}{where}")
        finally:
            if kept is not None and not session.begun:
                session.kept.remove(kept)
            elif kept is not None:
                local = session.conversation is None or session.conversation.engine.kind == "local"
                await self._keep(session, kept, local)
            await self._after(session, draft, editing)

    @staticmethod
    async def _keep(session: Session, kept: Kept, local: bool) -> None:
        """A correction was sent: say what it is good for, and store it if the session is kept."""
        if session.keeper is not None:
            await session.keeper.correct(kept.correction)
        keeping = session.keeper is not None and session.keeper.keeping
        from chatapp.archive.marks import TOOLS_HELD
        from chatapp.keeping.turns import held_tools

        tools = keeping and held_tools(kept.correction.reply)
        text = words.kept(local, keeping=keeping and not tools)
        session.pane.notice(f"{text} {TOOLS_HELD}" if tools else text)

    async def _conversation(self, session: Session) -> Conversation:
        await self._screen.opened.wait()
        if session.conversation is None:
            from chatapp.errors import ChatappError

            raise ChatappError("No model could be opened: F3 chooses another.")
        return session.conversation

    @staticmethod
    def _waiting(session: Session, conversation: Conversation) -> str:
        if conversation.engine.state != "ready":
            return "waiting for the model to load"
        if conversation.policy == "summary":
            return "counting; if it does not fit, the model first writes a summary"
        if session.keeper is not None and session.keeper.keeping:
            return "counting, then storing your message, then sending"
        return "counting, then sending"

    async def _follow(self, session: Session, steps: AsyncGenerator[Step, None]) -> None:
        session.pane.notice("")
        if session.keeper is not None:
            steps = session.keeper.follow(steps)
        await TurnOnScreen(session, self._screen.refresh_all).follow(steps)

    async def _make_room(
        self, session: Session, conversation: Conversation, steps: Steps, over: Overflow
    ) -> None:
        """Ask what to do with a transcript that does not fit; without an answer nothing is sent."""
        from chatapp.tui.dialogs.overflow import OverflowDialog

        nodes = conversation.nodes
        view = conversation.view.visible(nodes)
        # If only the new message fits, it is not among them yet: all of them would leave.
        out = view.index(over.first) if over.first in view else len(view)
        choice = await self._screen.app.push_screen_wait(OverflowDialog(over, out))
        if choice is None:
            raise over
        kept, conversation.policy = conversation.policy, choice
        try:
            session.pane.wait_for(self._waiting(session, conversation))
            await self._follow(session, steps(conversation))
        finally:
            conversation.policy = kept

    async def _after(self, session: Session, draft: Draft, editing: Node | None) -> None:
        if not self._screen.is_mounted or not session.pane.is_running:
            return
        await session.pane.clear_pending()
        if not session.begun:
            session.offer = None
        if draft and not session.begun:
            self._screen.keep_draft(session)
            session.give_back(draft, editing)
            self._screen.show_draft(session)
        await session.pane.sync()
        session.turn, session.begun = None, False
        self._screen.refresh_all()
        self._screen.look_at_weights()
        self._screen.call_after_refresh(self._screen.rest)
