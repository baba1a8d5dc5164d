"""A conversation: turns, branches, counts, and what is sent. Everything but the screen.

The transcript lives here and nowhere else. Each turn sends it whole to an engine that keeps none
of it.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import replace
from datetime import datetime

from chatapp.context.budget import Budget
from chatapp.context.messages import Message
from chatapp.context.overflow import Policy
from chatapp.context.parts import parts_of, split, tokens_of_parts, with_notes
from chatapp.context.prompt import Prompt
from chatapp.context.tools import DECLARATION, calls_in
from chatapp.conversation import tooling
from chatapp.conversation.events import Called, Failed, Started, Step, Summarised, ViewMoved
from chatapp.conversation.facts import Answering, TurnFacts
from chatapp.conversation.failure import why
from chatapp.conversation.summary import summarise
from chatapp.conversation.tree import Node, Status
from chatapp.conversation.view import Overflow, View, budget_of, countable, fit
from chatapp.engine.counter import Counter
from chatapp.engine.interface import Engine
from chatapp.engine.protocol import MAX_SEED, Done, Generate, Sampling, Sent, Token
from chatapp.errors import ChatappError

_ENDS: dict[str, Status] = {
    "stop": "complete",
    "length": "length",
    "window": "window",
    "cancelled": "stopped",
}
_HEADS = ("system", "tools")
_SUMMARY_TOKENS = 160


class Conversation:
    """One session. ``number`` tells it from the others open in this run.

    Run one turn at a time: :meth:`send`, :meth:`regenerate` and :meth:`edit` are async generators
    of steps; :meth:`stop` ends the turn that is running and keeps what was said.
    """

    def __init__(
        self,
        engine: Engine,
        counter: Counter,
        *,
        number: int = 1,
        system: str = "",
        sampling: Sampling | None = None,
        policy: Policy = "stop",
        alternatives: int = 0,
        reuse: bool = True,
        notes: Sequence[str] = (),
        tools: bool = False,
        clock: Callable[[], datetime] = lambda: datetime.now().astimezone(),
    ) -> None:
        self.engine = engine
        self.counter = counter
        self.number = number
        self.system = system
        self.notes = tuple(notes)
        """Saved notes, pasted behind the system prompt."""
        self.sampling = sampling or Sampling()
        self.policy: Policy = policy
        self.alternatives = alternatives
        self.reuse = reuse
        self.tools = tools  # whether the model is told of them, from the next turn on
        self.clock = clock
        self.root = Node("system", "")
        self.view = View()
        self.busy = False
        self.turns: list[TurnFacts] = []
        self._system_sent: set[str] = set()
        self._total: int | None = 0
        self._running: Generate | None = None
        self._stopped = asyncio.Event()
        self._latest: TurnFacts | None = None

    # ── what there is ───────────────────────────────────────────────────────────────────────────

    @property
    def nodes(self) -> list[Node]:
        """The messages of the chosen branch, in order (the system prompt is not among them)."""
        return list(self.root.chain())

    @property
    def title(self) -> str:
        """The first words that a person typed."""
        first = next((node.content for node in self.nodes if node.role == "user"), "")
        parts, typed = split(first)
        words = " ".join((typed or parts[0].label if parts else first).split())
        return words if len(words) <= 40 else words[:39] + "…"

    @property
    def total_sent(self) -> int | None:
        """Tokens sent since the start, all turns; ``None`` if a server hid some."""
        return self._total

    def messages(self, draft: str = "", instead_of: Node | None = None) -> list[Message]:
        """What the next request would hold, with ``draft`` as the new message.

        ``instead_of``: as an edit of that message, whose branch is then left.
        """
        before = self._before(instead_of)
        found = self.view.messages(self.whole_system, before, tools=self._declared)
        return [*found, Message("user", draft)] if draft else found

    def unsent(self, draft: str = "", instead_of: Node | None = None) -> frozenset[int]:
        """Which of :meth:`messages` (of the same arguments) no request has held yet."""
        messages = self.messages(draft, instead_of)
        carried = self._carried(messages, self._before(instead_of))
        known = {n for n, part in enumerate(carried) if self._known(part)}
        return frozenset(range(len(messages))) - known

    def _before(self, node: Node | None) -> list[Node]:
        """The chosen branch, or what stands before ``node``."""
        return self._up_to(node.parent) if node is not None and node.parent else self.nodes

    def system_was_sent(self) -> bool:
        return self.whole_system in self._system_sent

    @property
    def whole_system(self) -> str:
        """The system prompt as it is sent: with the saved notes that this session began with."""
        return with_notes(self.system, self.notes)

    @property
    def _declared(self) -> str:
        return DECLARATION if self.tools else ""

    async def why_no_tools(self) -> str:
        """Why the model cannot be told of tools, in one sentence; empty if it can."""
        if self.engine.kind == "server":
            return tooling.NOT_SEEN
        return tooling.NO_PLACE if await self.counter.takes_tools() is False else ""

    @property
    def window(self) -> int | None:
        """The context window in tokens; ``None`` before the engine is ready or if not revealed."""
        return self.engine.info.window if self.engine.info else None

    async def budget(self, draft: str = "") -> Budget | None:
        """The budget with ``draft`` as the next message; ``None`` if tokens are not revealed."""
        messages = countable(self.messages(draft))
        return await budget_of(
            self.counter, messages, window=self.window, reserve=self.sampling.max_tokens
        )

    def restore(self, root: Node, turns: Sequence[TurnFacts], view: View) -> None:
        """Go on with a transcript from elsewhere. Nothing is sent by this: the next turn sends it.

        ``turns`` are those that were taken before, as far as they are known.
        """
        self.root, self.turns, self.view = root, list(turns), view
        self._system_sent = {
            message.content
            for facts in turns
            for message in facts.messages[:2]
            if facts.arrived and message.role in _HEADS
        }
        counts = [facts.tokens_sent for facts in turns if facts.arrived]
        known = [count for count in counts if count is not None]
        self._total = sum(known) if len(known) == len(counts) else None

    # ── turns ───────────────────────────────────────────────────────────────────────────────────

    def send(self, text: str) -> AsyncGenerator[Step, None]:
        """Say something. Raises :class:`Overflow` before anything is sent, if the policy asks."""
        return self._turn(self.nodes[-1] if self.nodes else self.root, text)

    def edit(self, node: Node, text: str) -> AsyncGenerator[Step, None]:
        """Send another text in place of a message of one's own; the old branch is kept."""
        return self._turn(node.parent or self.root, text)

    def regenerate(self, reply: Node) -> AsyncGenerator[Step, None]:
        """Answer again in place of ``reply``; the earlier answer is kept beside it."""
        return self._turn(reply.parent or self.root, None)

    async def stop(self) -> None:
        """End the running turn; what was said is kept and marked as stopped."""
        self._stopped.set()
        if self._running is not None:
            await self.engine.cancel(self._running)

    async def _turn(self, parent: Node, text: str | None) -> AsyncGenerator[Step, None]:
        if self.busy:
            raise ChatappError("One turn at a time: stop the reply first (Esc).")
        self.busy = True
        self._stopped.clear()
        tools = self._declared
        try:
            user = None
            before = parent.chosen
            if text is not None:
                user = parent.add("user", text)
                parent = user
            try:
                await self.engine.start()
                async for step in self._make_room(parent, tools):
                    yield step
            except BaseException:
                # Nothing was sent: the transcript stays as it was, the draft is the caller's.
                if user is not None and user.parent is not None:
                    user.parent.children.remove(user)
                    user.parent.chosen = before
                raise
            async with aclosing(self._requests(parent, user, tools)) as steps:
                async for step in steps:
                    yield step
        finally:
            self.busy = False

    async def _requests(
        self, parent: Node, user: Node | None, tools: str
    ) -> AsyncGenerator[Step, None]:
        """A request, and one more, with all of it, for as long as the replies ask for tools."""
        for left in reversed(range(tooling.ROUNDS + 1)):
            nodes = self._up_to(parent)
            reply = parent.add("assistant", "", "streaming")
            messages = self.view.messages(self.whole_system, nodes, tools=tools)
            facts = TurnFacts(len(self.turns) + 1, self._request(messages))
            reply.facts = facts
            self.turns.append(facts)
            yield Started(user, reply)
            async with aclosing(self._answer(nodes, reply, facts)) as steps:
                async for step in steps:
                    yield step
            if not tools or self._stopped.is_set() or reply.status != "complete":
                return
            if left == 0:
                reply.note = tooling.TOO_OFTEN if calls_in(reply.content) else ""
                return
            found = tooling.results(reply, self.clock())
            for result in found:
                yield Called(reply, result)
            if not found:
                return
            parent, user = found[-1], None
            try:
                async for step in self._make_room(parent, tools):
                    yield step
            except ChatappError as error:
                parent.note = str(error)
                yield Failed(parent, parent.note)
                return
            if self._stopped.is_set():
                parent.note = tooling.UNSENT
                return

    def _up_to(self, node: Node) -> list[Node]:
        """The branch that ends with ``node``."""
        chain: list[Node] = []
        at: Node | None = node
        while at is not None and at is not self.root:
            chain.append(at)
            at = at.parent
        return chain[::-1]

    async def _make_room(self, last: Node, tools: str) -> AsyncGenerator[Step, None]:
        """See that the request fits, by the policy chosen; never in silence."""
        nodes = self._up_to(last)
        over = await self._overflow(nodes, tools)
        if over is None:
            return
        # More than has to leave, leaves: else every later turn would move the beginning again, and
        # the whole prompt would be computed afresh each time. A summary will take room as well.
        roomy = await self._overflow(nodes, tools, more=self._some_room)
        latest = next((node for node in reversed(nodes) if node.role == "user"), None)
        if roomy is not None and roomy.first not in (None, latest):
            over = roomy
        if self.policy == "stop" or over.first is None:
            raise over
        gone = nodes.index(over.first)
        summary = ""
        if self.policy == "summary":
            summary = await summarise(
                self.view,
                nodes[:gone],
                self._ask_once,
                counter=self.counter,
                window=self.window,
                room=self._summary_room,
            )
            yield Summarised(summary, gone)
        self.view = View(over.first, summary)
        # A summary takes room as well: let older turns go until all fits.
        while (over := await self._overflow(nodes, tools)) is not None:
            if over.first is None or over.first is self.view.first:
                raise over
            self.view = View(over.first, summary)
        assert self.view.first is not None
        yield ViewMoved(self.view.first, nodes.index(self.view.first))

    async def _overflow(self, nodes: list[Node], tools: str, more: int = 0) -> Overflow | None:
        return await fit(
            self.counter,
            self.view,
            self.whole_system,
            nodes,
            window=self.window,
            reserve=self.sampling.max_tokens,
            tools=tools,
            more=more,
        )

    @property
    def _some_room(self) -> int:
        """Tokens that are made free at a time when the window is full."""
        return self._summary_room if self.policy == "summary" else (self.window or 0) // 4

    @property
    def _summary_room(self) -> int:
        """Tokens that a summary may take."""
        return min(_SUMMARY_TOKENS, (self.window or _SUMMARY_TOKENS * 4) // 4)

    async def _ask_once(self, messages: list[Message]) -> str:
        sampling = replace(self.sampling, temperature=0.0, max_tokens=self._summary_room)
        request = Generate(messages=messages, sampling=sampling, reuse=self.reuse)
        text = ""
        self._running = request
        try:
            async with aclosing(self.engine.generate(request)) as events:
                async for event in events:
                    if isinstance(event, Sent):
                        self._add_total(len(event.prompt) if event.prompt else None)
                    elif isinstance(event, Done):
                        text = event.text.strip()
        finally:
            self._running = None
        return text

    async def _answer(
        self, nodes: list[Node], reply: Node, facts: TurnFacts
    ) -> AsyncGenerator[Step, None]:
        carried = self._carried(list(facts.messages), nodes)
        facts.new = frozenset(n for n, node in enumerate(carried) if not self._known(node))
        asked = time.monotonic()
        self._running = facts.request
        try:
            async with aclosing(self.engine.generate(facts.request)) as events:
                async for event in events:
                    if isinstance(event, Sent):
                        await self._arrived(event, facts, carried)
                    elif isinstance(event, Token):
                        if facts.first_token_seconds is None and not event.ends:
                            facts.first_token_seconds = time.monotonic() - asked
                        facts.first_logits = facts.first_logits or event.logits
                        facts.tokens.append(event)
                        reply.content += event.text
                    elif isinstance(event, Done):
                        self._ended(event, facts, reply)
                    yield event
        except ChatappError as error:
            reply.status = "failed"
            reply.note = why(error)
            yield Failed(reply, reply.note)
        finally:
            self._running = None
            if reply.status == "streaming":
                reply.status = "stopped"

    def _request(self, messages: list[Message]) -> Generate:
        # The seed is chosen here and kept with the turn, so that any turn can be repeated.
        seed = self.sampling.seed
        if seed is None:
            seed = secrets.randbelow(min(MAX_SEED, 2**32))
        return Generate(
            messages=messages,
            sampling=replace(self.sampling, seed=seed),
            alternatives=self.alternatives,
            reuse=self.reuse,
        )

    def _carried(self, messages: list[Message], nodes: list[Node]) -> list[Node | str]:
        """What each message of a request stands for: a node, or a system text."""
        sent = [node for node in self.view.visible(nodes) if node.content or node.role == "user"]
        heads: list[Node | str] = [m.content for m in messages if m.role in _HEADS]
        return heads + list(sent)

    def _known(self, part: Node | str) -> bool:
        return part in self._system_sent if isinstance(part, str) else part.sent > 0

    async def _arrived(self, event: Sent, facts: TurnFacts, carried: list[Node | str]) -> None:
        for part in carried:
            if isinstance(part, Node):
                part.sent += 1
            else:
                self._system_sent.add(part)
        facts.arrived = True
        facts.seed = event.seed if event.seed is not None else facts.sampling.seed
        facts.reused, facts.computed = event.reused, event.evaluate
        facts.engine_start = self.engine.starts
        info = self.engine.info
        facts.vocabulary = info.vocabulary if info else None
        facts.weights = Answering.of(info) if info else None
        if event.prompt is not None:
            facts.count(event.prompt)
            _count_parts(event.prompt, facts.messages, carried)
            await self.counter.check(facts.messages, event.prompt)
        self._add_total(facts.tokens_sent)
        facts.total_sent = self._total
        if self._latest is not None:
            self._latest.prompt = None
        self._latest = facts

    def _ended(self, event: Done, facts: TurnFacts, reply: Node) -> None:
        reply.content = event.text
        reply.status = _ENDS[event.reason]
        facts.reply_tokens = event.reply_tokens
        facts.prefill_seconds = event.prefill_seconds
        facts.decode_seconds = event.decode_seconds
        if facts.reused is None:
            # A server may tell at the end what it took from its cache.
            facts.reused, facts.computed = event.reused, event.evaluated
        if facts.tokens_sent is None and event.prompt_tokens is not None:
            # A server may count what it received, though it does not show it.
            facts.tokens_sent = event.prompt_tokens
            counts = [turn.tokens_sent for turn in self.turns]
            known = [count for count in counts if count is not None]
            self._total = sum(known) if len(known) == len(counts) else None
            facts.total_sent = self._total

    def _add_total(self, tokens: int | None) -> None:
        self._total = None if tokens is None or self._total is None else self._total + tokens


def _count_parts(
    prompt: Prompt, messages: Sequence[Message], carried: Sequence[Node | str]
) -> None:
    """What the parts of each message cost, by the tokenizer of the model that is sent them."""
    for n, node in enumerate(carried):
        if isinstance(node, Node) and node.part_tokens != ():  # where there are none, none come
            found = parts_of(node.role, node.content)
            node.part_tokens = tuple(tokens_of_parts(prompt, messages, n)) if found else ()
