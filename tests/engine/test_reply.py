"""Bytes to text: torn characters and stop texts."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from chatapp.engine.reply import ReplyText


@given(st.text(), st.integers(1, 4))
def test_text_streamed_a_few_bytes_at_a_time_arrives_whole(text: str, size: int) -> None:
    data = text.encode()
    reply = ReplyText()
    shown = [reply.add(data[at : at + size]) for at in range(0, len(data), size)]
    shown.append(reply.end())
    assert "".join(shown) == reply.text == text
    assert "\ufffd" in text or all("\ufffd" not in part for part in shown)


@given(st.text("abc", max_size=30), st.integers(1, 3))
def test_a_stop_text_is_never_shown_not_even_its_beginning(text: str, size: int) -> None:
    reply = ReplyText(["abc", "cc"])
    shown = ""
    for at in range(0, len(text), size):
        shown += reply.add(text[at : at + size].encode())
        if reply.stopped:
            break
    shown += reply.end()
    places = [place for stop in ("abc", "cc") if (place := text.find(stop)) >= 0]
    assert shown == (text[: min(places)] if places else text)


def test_a_torn_character_at_the_end_is_marked() -> None:
    reply = ReplyText()
    assert reply.add("é".encode()[:1]) == ""
    assert reply.end() == "\ufffd"
