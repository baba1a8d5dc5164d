"""One turn on the screen: each step that the conversation tells, shown as it comes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import TYPE_CHECKING, Final

from chatapp.tui import words

if TYPE_CHECKING:
    from chatapp.conversation import Node, Step
    from chatapp.conversation.events import Started
    from chatapp.tui.session import Session
    from chatapp.tui.widgets.message import MessageView

__all__ = ["TurnOnScreen"]

_BETWEEN: Final = 0.1
"""Seconds between two writes to the screen while a reply streams: more cannot be read."""


class TurnOnScreen:
    """Follows the steps of one turn. ``changed`` is called when numbers have changed."""

    def __init__(self, session: Session, changed: Callable[[], None]) -> None:
        self._session = session
        self._pane = session.pane
        self._changed = changed
        self._reply: Node | None = None
        self._view: MessageView | None = None
        self._buffer = ""
        self._due: asyncio.TimerHandle | None = None
        self._written = 0.0

    async def follow(self, steps: AsyncGenerator[Step, None]) -> None:
        """Show all steps. What the conversation raises before anything is sent is passed on."""
        from chatapp.engine.protocol import Token

        try:
            async with aclosing(steps):
                async for step in steps:
                    if isinstance(step, Token):
                        self._token(step.text)
                    else:
                        await self._show(step)
        finally:
            await self._end()

    async def _end(self) -> None:
        """A reply has ended: show it whole."""
        if self._view is not None:
            self._view.progress = []
            await self._flush()
            await self._view.finish()
            self._changed()

    async def _show(self, step: Step) -> None:
        from chatapp.conversation import Called, Started, Summarised, ViewMoved
        from chatapp.engine.protocol import Prefill, Sent

        if isinstance(step, Prefill):
            self._progress(step)
        elif isinstance(step, Sent):
            self._progress(None)
            self._session.arrived = self._reply.facts if self._reply else None
            self._pane.sweep(self._went())
            self._changed()
        elif isinstance(step, Started):
            await self._started(step)
        elif isinstance(step, Called):
            await self._pane.sync()
            await self._end()
        elif isinstance(step, (Summarised, ViewMoved)):
            self._pane.wait_for("room was made; the request is on its way")

    async def _started(self, step: Started) -> None:
        self._session.begun = True
        if self._session.offer is not None:
            self._pane.notice(words.OFFER)
        self._reply = step.reply
        await self._pane.clear_pending()
        await self._pane.sync()
        self._pane.anchor()
        self._view = self._pane.view_of(step.reply)
        if self._view is not None:
            self._view.progress = ["on its way to the model…"]
            self._view.refresh_node()
        self._changed()

    def _went(self) -> list[Node]:
        """The messages that are in the request, in order."""
        conversation = self._session.conversation
        if conversation is None:
            return []
        return [node for node in conversation.view.visible(conversation.nodes) if node.sent]

    def _progress(self, prefill: object) -> None:
        from chatapp.engine.protocol import Prefill

        if self._view is None or self._reply is None or self._reply.facts is None:
            return
        facts = self._reply.facts
        told = prefill if isinstance(prefill, Prefill) else None
        self._view.progress = words.reading(len(facts.messages), facts.tokens_sent, told)
        self._view.refresh_node()

    def _token(self, text: str) -> None:
        if self._view is None:
            return
        if self._view.progress:
            self._view.progress = []
            self._view.refresh_node()
        self._buffer += text
        if self._due is None:
            # At once, but for all tokens that came together.
            loop = asyncio.get_running_loop()
            at = max(self._written + _BETWEEN, loop.time())
            self._due = loop.call_at(at, self._view.call_later, self._flush)

    async def _flush(self) -> None:
        if self._due is not None:
            self._due.cancel()
            self._due = None
        self._written = asyncio.get_running_loop().time()
        text, self._buffer = self._buffer, ""
        if text and self._view is not None:
            await self._view.write(text)
