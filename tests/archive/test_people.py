"""A session for people: what every format says, and that nothing said is ever interpreted."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatapp.archive.reading import FORMATS, SUFFIXES, Format, render
from chatapp.archive.reading.hidden import marked
from chatapp.archive.reading.words import branches
from chatapp.archive.records import StoredSession

from .stored import info, one_reply, said, with_branches

READABLE: tuple[Format, ...] = ("markdown", "html")


def rendered(session: StoredSession, format: Format, all_branches: bool = False) -> str:
    return "".join(render(session, format, all_branches=all_branches))


def words(session: StoredSession, format: Format, all_branches: bool = False) -> str:
    """The document without the escapes of Markdown."""
    text = rendered(session, format, all_branches)
    return re.sub(r"\\([^\w\s])", r"\1", text) if format == "markdown" else text


@pytest.mark.parametrize("format", READABLE)
def test_the_head_says_what_it_is_and_which_weights_answered(format: Format) -> None:
    text = words(with_branches(), format)
    assert "This is a transcript" in text
    assert "changed no weights" in text
    for said_in_head in ("SmolLM2-135M", "b179" * 16, "feed" * 16, "ankara.gguf, scale 0.5"):
        assert said_in_head in text
    assert "2026-11-25 02:19:56 UTC" in text
    assert "kept, and may be exported for training" in text
    assert "geo, demo" in text
    assert "Be brief." in text


@pytest.mark.parametrize("format", READABLE)
def test_what_is_not_known_is_not_revealed(format: Format) -> None:
    session = StoredSession(
        info=info(source="ChatGPT export, conversations.json"),
        system="",
        messages=(said(1, None, "user", "Hi"),),
    )
    text = words(session, format)
    assert text.count("not revealed") == 2
    assert "ChatGPT export, conversations.json" in text


@pytest.mark.parametrize("format", READABLE)
def test_who_said_it_how_often_it_was_sent_and_how_it_ended(format: Format) -> None:
    text = words(with_branches(), format)
    assert "1 · you · 2026-11-25 02:19:56 UTC · sent ×3" in text
    assert "2 · model · SmolLM2-135M" in text
    assert "not complete: the engine broke off. The engine ended." in text
    assert "stopped by a person" not in text  # that reply is not on the branch in sight
    assert "another system prompt" in text
    assert "Rhyme." in text
    assert "They spoke of Turkey." in text


@pytest.mark.parametrize("format", READABLE)
@pytest.mark.parametrize(
    ("status", "says"),
    [
        ("streaming", "never finished: the program ended"),
        ("stopped", "stopped by a person"),
        ("length", "reply length that was set"),
        ("window", "the context window was full"),
        ("failed", "the engine broke off"),
        ("of a later version", "Its status is: of a later version."),
    ],
)
def test_each_status_is_said_in_words(format: Format, status: str, says: str) -> None:
    session = StoredSession(
        info=info(), system="", messages=(said(1, None, "assistant", "Hm", status=status),)
    )
    assert says in words(session, format)


@pytest.mark.parametrize("format", READABLE)
def test_other_branches_are_shown_as_such_when_asked_for(format: Format) -> None:
    sight = words(with_branches(), format)
    for content in ("It is Anka<", "It is Anka\n", "Ankara it is.", "Another branch"):
        assert content not in sight
    every = words(with_branches(), format, all_branches=True)
    assert "after message 1, instead of message 2" in every
    assert "after message 2, instead of message 3" in every
    assert "stopped by a person" in every
    assert every.index("No, it is Ankara.") < every.index("Another branch")
    assert every.index("It is Anka") < every.index("Ankara it is.")


def test_an_imported_reply_says_nothing_of_what_is_not_known() -> None:
    session = with_branches()
    imported = StoredSession(
        info=info(source="llm, logs.db"), system="Other", messages=session.messages
    )
    assert "system prompt:" not in rendered(imported, "html")


trees = st.lists(st.tuples(st.integers(0, 10**6), st.booleans()), max_size=25)


@given(trees)
def test_all_branches_are_all_messages_and_the_first_is_the_one_in_sight(
    shape: list[tuple[int, bool]],
) -> None:
    messages = tuple(
        said(10 + place, None if not (up := at % (place + 1)) else 9 + up, "user", "x", chosen=on)
        for place, (at, on) in enumerate(shape)
    )
    session = StoredSession(info=info(), system="", messages=messages)
    found = list(branches(session, all_branches=True))
    assert [one.message for one in found[0].entries] == list(session.branch())
    entries = [entry for branch in found for entry in branch.entries]
    assert sorted(entry.message.id for entry in entries) == [one.id for one in messages]
    assert [entry.number for entry in entries] == list(range(1, len(messages) + 1))
    assert list(branches(session, all_branches=False)) == found[:1]


HOSTILE = "a\x1b[31m\x00\x9b2J\u202egnp.exe\u2066\ufeff\u2028\U000e0041\rb\r\nc"


@pytest.mark.parametrize("format", FORMATS)
def test_nothing_hidden_reaches_a_screen(format: Format) -> None:
    session = one_reply(HOSTILE, question=HOSTILE, title=HOSTILE, source=HOSTILE)
    text = rendered(session, format, all_branches=True)
    assert not set(text) & set("\x1b\x00\x9b\u202e\u2066\ufeff\u2028\U000e0041\r")
    if format != "json":
        shown = "a[ESC][31m[NUL][U+009B]2J[U+202E]gnp.exe[U+2066][U+FEFF][U+2028][U+E0041][CR]b\nc"
        assert shown in text


@pytest.mark.parametrize("format", FORMATS)
def test_scripts_and_emoji_that_need_joiners_stay_whole(format: Format) -> None:
    text = "نمی\u200cدانم 👩\u200d🏫 \u200fשלום e\u0301"
    assert text in rendered(one_reply(text), format)


@pytest.mark.parametrize("format", FORMATS)
def test_a_long_message_is_whole_and_lone_surrogates_do_no_harm(format: Format) -> None:
    long = "word " * 200_000
    text = rendered(one_reply(long), format)
    assert long.strip() in text
    rendered(one_reply("\ud800", title="\udc00"), format).encode()


@pytest.mark.parametrize("format", FORMATS)
def test_a_document_comes_in_pieces_and_ends_a_line(format: Format) -> None:
    pieces = list(render(one_reply("Hello" * 100), format))
    assert len(pieces) > 3
    assert pieces[-1].endswith("\n")
    assert SUFFIXES[format].startswith(".")


@pytest.mark.parametrize("format", READABLE)
def test_a_session_without_a_word_is_a_document(format: Format) -> None:
    empty = StoredSession(info=info(title=""), system="", messages=())
    assert "This is a transcript" in words(empty, format, all_branches=True)
    assert "(no text)" in words(one_reply(""), format)


@settings(deadline=None)
@given(st.text())
def test_marks_leave_all_else_as_it_is(text: str) -> None:
    plain = "".join(one for one in text if one.isprintable() or one == "\n")
    assert marked(plain) == plain
    assert all(one >= " " or one in "\t\n" for one in marked(text))
