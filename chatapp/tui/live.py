"""The next request, counted while it is being written."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from chatapp.tui import words
from chatapp.tui.request import Request

if TYPE_CHECKING:
    from chatapp.context.budget import Budget
    from chatapp.context.messages import Message
    from chatapp.context.prompt import Prompt
    from chatapp.conversation import Conversation, Node

__all__ = ["LiveCount", "Preview", "preview", "transcript_tokens"]

_PAUSE: Final = 0.05
"""Seconds from a key to its count, so that a burst of keys is counted once."""
_SLOW: Final = 0.15
"""Seconds after which "counting…" stands where the count would be."""


_LONG: Final = 20_000
"""Characters of a message from which its parts are counted on a thread."""


@dataclass(frozen=True, slots=True)
class Preview:
    """What the next request would be. ``note`` says why there is no budget.

    ``parts`` are the tokens of what is attached to the draft, in order.
    """

    request: Request | None = None
    budget: Budget | None = None
    note: str = ""
    parts: tuple[int, ...] = ()


async def preview(
    conversation: Conversation, draft: str, instead_of: Node | None = None
) -> Preview:
    """Count the next request with ``draft`` as the new message (or in place of another)."""
    from chatapp.context.parts import sections
    from chatapp.conversation.view import budget_for, countable
    from chatapp.engine.protocol import Generate
    from chatapp.errors import ChatappError

    messages = conversation.messages(draft, instead_of)
    new = conversation.unsent(draft, instead_of)
    if (asked := countable(messages)) is not messages:
        messages, new = asked, new | {len(messages)}
    request = Generate(
        messages=messages,
        sampling=conversation.sampling,
        alternatives=conversation.alternatives,
        reuse=conversation.reuse,
    )
    pipe = conversation.engine.kind == "local"
    try:
        prompt = await conversation.counter.prompt(messages)
    except ChatappError as error:
        return Preview(Request(request, new, None, 0, pipe), note=words.one_line(str(error)))
    shown = Request(request, new, prompt, 0, pipe)
    if prompt is None:
        return Preview(shown, note=f"tokens: {words.UNKNOWN} by this server")
    if sum(len(message.content) for message in messages) > _LONG:
        # Cut off the event loop; the prompt keeps the sections for what counts them below.
        await asyncio.to_thread(sections, prompt, messages)
    parts = _parts(prompt, messages) if draft else ()
    window = conversation.window
    if window is None:
        ready = conversation.engine.state == "ready"
        why = (
            f"window: {words.UNKNOWN}" if ready else "the window is known when the model is loaded"
        )
        return Preview(shown, note=f"{words.many(len(prompt), 'token')} · {why}", parts=parts)
    reserve = conversation.sampling.max_tokens
    budget = budget_for(prompt, messages, window=window, reserve=reserve)
    if not draft:
        # A message that is being answered is no draft any more.
        budget = replace(budget, earlier=budget.earlier + budget.draft, draft=0)
    return Preview(shown, budget, parts=parts)


def _parts(prompt: Prompt, messages: Sequence[Message]) -> tuple[int, ...]:
    """The tokens of each part of the last message."""
    from chatapp.context.parts import parts_of, tokens_of_parts

    last = len(messages) - 1
    if not parts_of(messages[last].role, messages[last].content):
        return ()
    return tuple(tokens_of_parts(prompt, messages, last))


async def transcript_tokens(conversation: Conversation) -> int | None:
    """Tokens of what was said, without template and system prompt; ``None`` if not revealed."""
    from chatapp.errors import ChatappError

    messages = conversation.messages()
    if not messages:
        return 0
    try:
        prompt = await conversation.counter.prompt(messages)
    except ChatappError:
        return None
    if prompt is None:
        return None
    said = {n for n, message in enumerate(messages) if message.role not in ("system", "tools")}
    return sum(span.tokens for span in prompt.spans if span.owner in said)


class LiveCount:
    """Counts after each change, one count at a time, and tells when a count takes long.

    ``source`` gives what to count; ``show`` takes the result, or ``None`` while it is not known.
    """

    def __init__(
        self,
        source: Callable[[], tuple[Conversation, str, Node | None] | None],
        show: Callable[[Preview | None], None],
    ) -> None:
        self._source = source
        self._show = show
        self.fresh = False
        """Whether the last result is that of how things stand now."""
        self._changed = False
        self._task: asyncio.Task[None] | None = None

    def changed(self) -> None:
        """Something that counts has changed."""
        self._changed, self.fresh = True, False
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())

    def close(self) -> None:
        """Count no more."""
        if self._task is not None:
            self._task.cancel()

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        slow = loop.call_later(_SLOW, self._show, None)
        try:
            while self._changed:
                await asyncio.sleep(_PAUSE)
                self._changed = False
                given = self._source()
                if given is None:
                    continue
                result = await preview(*given)
                # A count of what has changed meanwhile would be a wrong number.
                if not self._changed:
                    slow.cancel()
                    self.fresh = True
                    self._show(result)
        finally:
            slow.cancel()
