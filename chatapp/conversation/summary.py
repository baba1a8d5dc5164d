"""The summary that stands in for the oldest turns: the model writes it, in ordinary requests."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from chatapp.context.messages import Message
from chatapp.context.overflow import SUMMARY_REQUEST
from chatapp.conversation.tree import Node
from chatapp.conversation.view import View, budget_of
from chatapp.engine.counter import Counter
from chatapp.errors import ChatappError

__all__ = ["summarise"]


async def summarise(
    view: View,
    nodes: Sequence[Node],
    ask: Callable[[list[Message]], Awaitable[str]],
    *,
    counter: Counter,
    window: int | None,
    room: int,
) -> str:
    """What the model writes of ``nodes``, which ``ask`` asks it for.

    What does not fit one request is summarised in several, each with the summary so far. ``room``
    is how many tokens a summary may take.
    """
    summary = view.summary
    rest = view.visible(nodes)
    while rest:
        messages, count = await _request(summary, rest, counter, window, room)
        summary = await ask(messages)
        rest = rest[count:]
    return summary


async def _request(
    summary: str, nodes: list[Node], counter: Counter, window: int | None, room: int
) -> tuple[list[Message], int]:
    """A request for a summary of as many whole turns of ``nodes`` as fit, and how many."""
    starts = [n for n, node in enumerate(nodes) if node.role == "user" and n]
    for end in [len(nodes), *reversed(starts)]:
        part = View(None, summary).messages("", nodes[:end], summarised=True)
        messages = [*part, Message("user", SUMMARY_REQUEST)]
        budget = await budget_of(counter, messages, window=window, reserve=room)
        if budget is None or budget.fits:
            return messages, end
    raise ChatappError(
        "The window is too small for the model to write a summary. Nothing was sent: "
        "choose a larger window, or let the oldest turns leave."
    )
