"""What happens when the transcript no longer fits: nothing is ever dropped in silence.

Three policies: ``stop`` (ask the person), ``drop-oldest`` (whole turns leave the model's view, the
oldest first), ``summary`` (the model writes a summary, which stands in for the oldest turns and is
shown as what it is: more text).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Literal, get_args

from chatapp.context.messages import Message

Policy = Literal["stop", "drop-oldest", "summary"]
POLICIES: Final[tuple[str, ...]] = get_args(Policy)

SUMMARY_REQUEST: Final = (
    "Summarise the conversation so far in a few sentences. Keep names, numbers and decisions."
)
SUMMARY_HEADING: Final = "Summary of the earlier conversation (written by the model):\n"


def turn_starts(messages: Sequence[Message]) -> list[int]:
    """Where each turn begins: the indices of the messages that people wrote."""
    return [index for index, message in enumerate(messages) if message.role == "user"]


async def first_kept(
    messages: Sequence[Message], fits: Callable[[int], Awaitable[bool]]
) -> int | None:
    """The smallest turn start from which the rest of ``messages`` fits.

    ``messages`` holds no system prompt; ``fits(start)`` says whether ``messages[start:]`` fits the
    window with everything else that will be sent. The search halves its range, as each test costs
    a count. ``None`` means that even the last turn alone does not fit.
    """
    starts = turn_starts(messages)
    low, high = 0, len(starts) - 1
    if high < 0 or not await fits(starts[high]):
        return None
    while low < high:
        middle = (low + high) // 2
        if await fits(starts[middle]):
            high = middle
        else:
            low = middle + 1
    return starts[high]
