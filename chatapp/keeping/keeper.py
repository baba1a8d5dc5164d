"""Keeping one session, by consent: a person's message before the model runs, then the reply.

A store that fails never holds up a turn: what could not be written is written with the next
success, and until then :attr:`Keeper.trouble` says why.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Mapping
from contextlib import aclosing
from dataclasses import replace
from typing import Any, Final, NamedTuple

from chatapp.archive import marks
from chatapp.archive.marks import TOOLS_HELD
from chatapp.archive.records import Kind, State, StoredSession, StoredTurn
from chatapp.archive.store import Store
from chatapp.archive.writing import NewMessage, Writer, set_state
from chatapp.conversation import Called, Conversation, Node, Started, Step
from chatapp.conversation.corrections import Correction
from chatapp.engine.protocol import Token
from chatapp.errors import StoreError
from chatapp.keeping.archive import Archive
from chatapp.keeping.turns import Answered, held_tools, snapshot, turn_of

__all__ = ["Keeper", "Mark"]

_FLUSH: Final = 0.5
"""Seconds between two writes of a growing reply."""


class Mark(NamedTuple):
    """What somebody thinks of a reply. ``id`` is the example's in the store."""

    kind: Kind
    id: str
    reason: str = ""


class Keeper:
    """``by`` tells what answers now. ``changed`` is called when the state or trouble changed."""

    def __init__(
        self,
        archive: Archive,
        conversation: Conversation,
        *,
        by: Callable[[], Answered],
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self.archive = archive
        self.conversation = conversation
        self.state: State = "off"
        self.id = ""
        """The session's id in the store; empty while nothing is kept."""
        self.names: list[str] = []
        """All ids that the session ever had in the store; the ledger goes on knowing them."""
        self.marks: dict[Node, Mark] = {}
        """The replies that were marked as good or bad."""
        self.trouble = ""
        """Why something is not on the disk that should be (or is, that should not); one sentence.

        Empty if all is as the state says."""
        self._by = by
        self._changed = changed
        self._answered: dict[Node, Answered] = {}
        self._ids: dict[Node, int] = {}
        self._waiting: list[Node] = []
        """Messages of which something is not stored yet, parents first."""
        self._corrections: list[Correction] = []
        self._unwritten: list[Correction] = []
        self._paused = False
        self._growing: asyncio.Task[None] | None = None
        self._grown = 0.0
        self._saving = asyncio.Lock()

    @property
    def keeping(self) -> bool:
        """Whether what is said goes to the disk."""
        return self.state != "off" and not self._paused

    @property
    def paused(self) -> bool:
        """Whether a person asked for off, and the store could not be reached to delete."""
        return self._paused

    def answered(self, reply: Node) -> Answered:
        """What answered with ``reply``."""
        return self._answered.get(reply, Answered())

    # ── consent ─────────────────────────────────────────────────────────────────────────────────

    async def set_state(self, state: State) -> None:
        """Change the state, at once. Raises :class:`StoreError` if the store does not follow.

        Lowering to off stops all writing even if the store cannot be reached to delete.
        """
        if state == self.state and not self._paused:
            return
        async with self._saving:
            try:
                if state == "off":
                    self._paused = True
                    await self._settle()
                    await self.archive.call(set_state, self.id, "off")
                    self._forget()
                elif not self.id:
                    await self._begin(state)
                else:
                    await self.archive.call(set_state, self.id, state)
                    if self._paused:
                        self._catch_up()
            except StoreError as error:
                if error.kind == "missing" and self.id:
                    self._forget()
                    if state == "off":
                        return
                if state == "off":
                    self.trouble = (
                        f"{error} What is stored of this session is not deleted yet; nothing more "
                        "is stored."
                    )
                raise
            else:
                self.state, self._paused = state, False
                self.trouble = ""
            finally:
                self._changed()
        if self.keeping:
            await self._save()

    async def _begin(self, state: State) -> None:
        name = secrets.token_hex(8)
        talk = self.conversation
        model = self._by().weights.model
        await self.archive.call(
            lambda store: Writer(store, name).begin(
                state, title=talk.title, system=talk.whole_system, model=model
            )
        )
        self.id = name
        self.names.append(name)
        self._waiting = list(talk.root.below())
        self._unwritten = list(self._corrections)

    def _catch_up(self) -> None:
        """What was said while nothing was written waits to be written now."""
        ended = set(self._waiting)
        self._waiting = [
            node
            for node in self.conversation.root.below()
            if node in ended or node not in self._ids
        ]

    def _forget(self) -> None:
        """Nothing of this session is in the store (any more)."""
        self.state, self.id, self._paused = "off", "", False
        self.trouble = ""
        self._ids.clear()
        self.marks.clear()
        self._waiting.clear()
        self._unwritten.clear()

    def snapshot(self) -> StoredSession:
        """The whole conversation as it is now, in every state; nothing is stored."""
        session = snapshot(self.conversation, self.answered, name=self.id)
        return replace(session, info=replace(session.info, state=self.state))

    def resume(self, stored: StoredSession, ids: Mapping[Node, int]) -> None:
        """Go on with a session that was opened from the store; ``ids`` are its messages' there."""
        self.id, self.state = stored.info.id, stored.info.state
        self.names.append(self.id)
        self._ids = dict(ids)
        turns = {message.id: message.turn for message in stored.messages}
        marks = {
            example.turn: Mark(example.kind, example.id, example.reason)
            for example in stored.examples
            if example.kind != "correction"
        }
        for node, place in ids.items():
            if (turn := turns[place]) is not None:
                self._answered[node] = Answered(turn.weights, turn.window)
                if turn.number in marks:
                    self.marks[node] = marks[turn.number]
        # Broke off with the program: that is noted in the store now.
        self._waiting = [node for node in ids if node.note and node.status == "stopped"]

    # ── turns ───────────────────────────────────────────────────────────────────────────────────

    async def follow(self, steps: AsyncGenerator[Step, None]) -> AsyncGenerator[Step, None]:
        """The same steps, each passed on when what it says is stored as the state says."""
        reply: Node | None = None
        result: Node | None = None
        try:
            async with aclosing(steps):
                async for step in steps:
                    if isinstance(step, Started):
                        reply = step.reply
                        await self._started(step)
                    elif isinstance(step, Called) and reply is not None:
                        result = step.result
                        await self._called(step)
                    elif isinstance(step, Token) and reply is not None:
                        self._grow(reply)
                    yield step
        finally:
            if reply is not None:
                # The hash of the weights may have become known meanwhile.
                self._answered[reply] = self._by()
                if self.keeping and result is not None and result.note:
                    self._waiting.append(result)  # it was not sent any more, and says why
                await _to_its_end(self._save())

    async def _started(self, step: Started) -> None:
        self._answered[step.reply] = self._by()
        if self.keeping:
            self._waiting += [node for node in (step.user, step.reply) if node is not None]
            await self._save()

    async def _called(self, step: Called) -> None:
        """A reply ended with a call: it is stored, and what the tool answered, before more runs."""
        self._answered[step.reply] = self._by()
        if self.keeping:
            self._waiting.append(step.result)
            await self._save()

    def _grow(self, reply: Node) -> None:
        """Write the reply so far, now and then; nobody waits for it."""
        if not self.keeping or reply not in self._ids or time.monotonic() < self._grown + _FLUSH:
            return
        if self._growing is None or self._growing.done():
            self._grown = time.monotonic()
            place, text, name = self._ids[reply], reply.content, self.id
            self._growing = asyncio.create_task(self._written(name, place, text))

    async def _written(self, name: str, place: int, text: str) -> None:
        # A failure is told by the write at the end, which has all of the text.
        with contextlib.suppress(StoreError):
            await self.archive.call(lambda store: Writer(store, name).grow(place, text))

    async def _settle(self) -> None:
        """Wait for a write that is under way."""
        if self._growing is not None:
            await asyncio.wait([self._growing])
            self._growing = None

    async def chose(self, node: Node) -> None:
        """Another branch is in sight: ``node`` stands at its place now."""
        if self.keeping and node in self._ids:
            async with self._telling():
                await self._choose(node)

    async def _choose(self, node: Node) -> None:
        parent = self._ids.get(node.parent) if node.parent is not None else None
        place = self._ids[node]
        await self.archive.call(lambda store: self._writer(store).choose(parent, place))

    # ── examples ────────────────────────────────────────────────────────────────────────────────

    async def correct(self, correction: Correction) -> None:
        """A correction was made: it is kept with the session, if that is kept."""
        self._corrections.append(correction)
        if self.keeping:
            self._unwritten.append(correction)
            await self._save()

    def unfit(self, reply: Node) -> str:
        """Why a reply cannot be marked, in one sentence; empty if it can."""
        if not self.keeping:
            return "Only replies of a session that is kept can be marked."
        if reply.status != "complete" or not reply.content.strip():
            return (
                "Only a complete reply can be an example: nobody knows how this one would have "
                "ended."
            )
        if held_tools(reply):
            return TOOLS_HELD
        return "" if reply in self._ids else "This reply is not in the store yet."

    async def mark(self, reply: Node, kind: Kind, reason: str = "") -> None:
        """Mark a reply as good or bad. Raises :class:`StoreError` if it cannot be marked."""
        if why := self.unfit(reply):
            raise StoreError(why)
        name = await self.archive.call(marks.mark, self.id, self._ids[reply], kind, reason)
        self.marks[reply] = Mark(kind, name, reason)

    async def unmark(self, reply: Node) -> None:
        """Take a mark back. Raises :class:`StoreError` if the store does not follow."""
        if (mark := self.marks.get(reply)) is not None:
            await self.archive.call(marks.unmark, mark.id)
            del self.marks[reply]

    # ── writing what waits ──────────────────────────────────────────────────────────────────────

    def _writer(self, store: Store) -> Writer:
        return Writer(store, self.id)

    async def _save(self) -> None:
        """Write all that waits; what cannot be written waits on."""
        if not self.keeping:
            return
        async with self._saving, self._telling():
            await self._settle()
            await self._save_new()
            await self._save_ended()
            await self._save_corrections()

    async def _save_new(self) -> None:
        new = [node for node in self._waiting if node not in self._ids]
        if not new:
            return
        among = {node: -number for number, node in enumerate(new, 1)}

        def place(node: Node) -> int:
            return among.get(node) or self._ids[node]

        batch = [self._new(node, place) for node in new]
        title = self.conversation.title
        ids = await self.archive.call(lambda store: self._writer(store).add(batch, title=title))
        self._ids.update(zip(new, ids, strict=True))
        ended = {node for node, one in zip(new, batch, strict=True) if one.status != "streaming"}
        self._waiting = [node for node in self._waiting if node not in ended]
        # Each was chosen as it was added: put right where an earlier branch is in sight.
        for parent in {node.parent for node in new if node.parent is not None}:
            if parent.children[-1] is not (chosen := parent.children[parent.chosen]):
                await self._choose(chosen)

    def _new(self, node: Node, place: Callable[[Node], int]) -> NewMessage:
        parent = node.parent
        return NewMessage(
            parent=place(parent) if parent is not None and parent.parent is not None else None,
            role=node.role,
            content=node.content,
            status=node.status,
            note=node.note,
            turn=turn_of(node, self.answered(node), place),
        )

    async def _save_ended(self) -> None:
        for node in [node for node in self._waiting if node.status != "streaming"]:
            turn = turn_of(node, self.answered(node), self._ids.__getitem__)
            if turn is not None:
                end = (self._ids[node], node.content, node.status, node.note, turn)
                await self.archive.call(_end, self._writer, end)
            elif node.note:
                await self.archive.call(_note, self._writer, self._ids[node], node.note)
            self._waiting.remove(node)

    async def _save_corrections(self) -> None:
        while self._unwritten:
            one = self._unwritten[0]
            place = self._ids.get(one.reply)
            if place is not None and one.reply.status == "complete" and not held_tools(one.reply):
                await self.archive.call(
                    marks.correct,
                    self.id,
                    place,
                    chosen=one.chosen,
                    wrong=one.wrong,
                    right=one.right,
                )
            self._unwritten.pop(0)

    @contextlib.asynccontextmanager
    async def _telling(self) -> AsyncIterator[None]:
        """A failure of the store is said, and holds nothing up."""
        before = (self.state, self.trouble)
        try:
            yield
            self.trouble = ""
        except StoreError as error:
            if error.kind == "missing":
                self._forget()
            self.trouble = str(error)
        if (self.state, self.trouble) != before:
            self._changed()


async def _to_its_end(work: Coroutine[Any, Any, None]) -> None:
    """Do all of it, also if whoever waits is cancelled (once more) meanwhile."""
    task = asyncio.ensure_future(work)
    cancelled = False
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            cancelled = True
    if cancelled:
        raise asyncio.CancelledError
    task.result()


def _end(
    store: Store,
    writer: Callable[[Store], Writer],
    end: tuple[int, str, str, str, StoredTurn],
) -> None:
    writer(store).end(*end)


def _note(store: Store, writer: Callable[[Store], Writer], message: int, note: str) -> None:
    writer(store).note(message, note)
