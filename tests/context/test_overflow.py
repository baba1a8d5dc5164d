"""The oldest whole turns leave first, and no more of them than needed."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from chatapp.context.messages import Message
from chatapp.context.overflow import first_kept

sizes = st.lists(st.integers(1, 50), min_size=1, max_size=20)


@given(sizes, st.integers(1, 300))
async def test_first_kept_is_the_earliest_turn_that_fits(turns: list[int], room: int) -> None:
    messages = [Message(role, "x" * size) for size in turns for role in ("user", "assistant")]

    async def fits(start: int) -> bool:
        return sum(len(message.content) for message in messages[start:]) <= room

    expected = [n for n in range(0, len(messages), 2) if await fits(n)]
    assert await first_kept(messages, fits) == (expected[0] if expected else None)
