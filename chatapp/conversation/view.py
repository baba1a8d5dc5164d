"""The model's view: which part of the transcript the next request holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chatapp.context.budget import Budget, measure
from chatapp.context.messages import Message
from chatapp.context.overflow import SUMMARY_HEADING, first_kept
from chatapp.context.prompt import Prompt
from chatapp.conversation.tree import Node
from chatapp.engine.counter import Counter
from chatapp.errors import WindowError


class Overflow(WindowError):
    """The transcript no longer fits. Nothing was sent or dropped.

    ``first`` is the message at which the view would have to begin for the rest to fit, or ``None``
    when even the new message alone does not.
    """

    def __init__(self, message: str, *, needed: int, available: int, first: Node | None) -> None:
        super().__init__(message, needed=needed, available=available)
        self.first = first


@dataclass(slots=True)
class View:
    """Where the model's view begins, and the summary that stands for what came before."""

    first: Node | None = None
    summary: str = ""

    def visible(self, nodes: Sequence[Node]) -> list[Node]:
        """The nodes that are sent. A view that begins on another branch hides nothing here."""
        if self.first is not None:
            # From the end: what is sent is a window's worth, what was said may be any length.
            for at in range(len(nodes) - 1, -1, -1):
                if nodes[at] is self.first:
                    return list(nodes[at:])
        return list(nodes)

    def messages(
        self, system: str, nodes: Sequence[Node], *, tools: str = "", summarised: bool = False
    ) -> list[Message]:
        """What would be sent: system prompt, summary, tools, and the visible messages.

        ``tools`` is the declaration of those that the model may ask for; empty: none.
        The summary goes along where it stands for something: a part of ``nodes`` that is not
        visible, or, if ``summarised``, what came before them.
        """
        visible = self.visible(nodes)
        head = [Message("system", system)] if system else []
        if self.summary and (summarised or len(visible) < len(nodes)):
            note = SUMMARY_HEADING + self.summary
            head = [Message("system", f"{system}\n\n{note}" if system else note)]
        if tools:
            head.append(Message("tools", tools))
        # A reply that broke off before its first word has nothing to send.
        return head + [node.message for node in visible if node.content or node.role == "user"]


def countable(messages: list[Message]) -> list[Message]:
    """A request to count where nothing was said yet: with an empty message, if it needs one.

    Some templates write a system prompt of their own into every conversation, and some that offer
    tools want somebody to offer them to.
    """
    roles = {message.role for message in messages}
    if not messages or ("tools" in roles and "user" not in roles):
        return [*messages, Message("user", "")]
    return messages


async def budget_of(
    counter: Counter, messages: Sequence[Message], *, window: int | None, reserve: int
) -> Budget | None:
    """The budget of a request, or ``None`` where tokens or window are not revealed."""
    if window is None or not messages:
        return None
    prompt = await counter.prompt(messages)
    return None if prompt is None else budget_for(prompt, messages, window=window, reserve=reserve)


def budget_for(prompt: Prompt, messages: Sequence[Message], *, window: int, reserve: int) -> Budget:
    """The budget of a prompt that was built already."""
    # In a short window the reserve leaves at least half to the prompt.
    return measure(prompt, messages, window=window, reserve=min(reserve, window // 2))


async def fit(
    counter: Counter,
    view: View,
    system: str,
    nodes: Sequence[Node],
    *,
    window: int | None,
    reserve: int,
    tools: str = "",
    more: int = 0,
) -> Overflow | None:
    """Whether the transcript fits as the view stands; if not, how much would have to leave it.

    ``more`` tokens are kept free besides the reserve.

    An unknown count never blocks: what a server does not reveal is the server's to judge.
    """
    messages = view.messages(system, nodes, tools=tools)
    whole = await budget_of(counter, messages, window=window, reserve=reserve)
    if whole is None or whole.free >= more:
        return None
    visible = view.visible(nodes)

    async def fits(start: int) -> bool:
        part = View(visible[start], view.summary).messages(system, nodes, tools=tools)
        budget = await budget_of(counter, part, window=window, reserve=reserve)
        return budget is None or budget.free >= more

    start = await first_kept([node.message for node in visible], fits)
    available = whole.window - whole.reserve
    if start is None:
        sentence = (
            f"This message does not fit: {whole.sent:,} tokens would be sent, and the window "
            f"holds {available:,} beside the reply reserve. Nothing was sent."
        )
    else:
        sentence = (
            f"The transcript no longer fits: {whole.sent:,} tokens would be sent, and the window "
            f"holds {available:,} beside the reply reserve. Nothing was sent."
        )
    first = None if start is None else visible[start]
    return Overflow(sentence, needed=whole.sent, available=available, first=first)
