"""Sessions in the store: listed in pages, found, opened whole, renamed, tagged, searched."""

from __future__ import annotations

import pytest

from chatapp.archive import sessions
from chatapp.archive.search import CLOSE, OPEN, search
from chatapp.archive.sessions import Place
from chatapp.archive.store import Store
from chatapp.archive.writing import NewMessage, Writer
from chatapp.errors import StoreError
from tests.archive.conftest import WEIGHTS, Say, turn


def test_the_list_comes_in_pages_the_last_changed_first(store: Store, say: Say) -> None:
    names = [say(f"Question {n}", "Answer.")[0] for n in range(7)]
    seen: list[str] = []
    after = None
    while page := sessions.listed(store, limit=3, after=after):
        seen += [info.id for info in page]
        after = Place(page[-1].changed, page[-1].id)
    assert seen == names[::-1]
    info = sessions.listed(store, limit=1)[0]
    assert (info.title, info.messages, info.model, info.state) == (
        "Question 6",
        2,
        "small",
        "training",
    )


def test_an_id_may_be_shortened_while_it_is_the_only_one(store: Store, say: Say) -> None:
    one, two = say("One", "1")[0], say("Two", "2")[0]
    assert sessions.find(store, one).title == "One"
    assert sessions.find(store, two[:16]).title == "Two"
    with pytest.raises(StoreError, match="More than one"):
        sessions.find(store, "0000")
    for name in ("", "zz", "%"):
        with pytest.raises(StoreError, match="No stored session"):
            sessions.find(store, name)


def test_rename_and_tags(store: Store, say: Say) -> None:
    name, _ = say("One", "1")
    say("Two", "2")
    sessions.rename(store, name, "  A  better\nname ")
    sessions.tag(store, name, ["Physics", "physics ", "class 3"])
    (found,) = sessions.listed(store, tag="physics")
    assert (found.title, found.tags) == ("A better name", ("class 3", "physics"))
    sessions.tag(store, name, [])
    assert sessions.listed(store, tag="physics") == []
    with pytest.raises(StoreError):
        sessions.rename(store, name, " ")
    with pytest.raises(StoreError):
        sessions.tag(store, "nobody", ["x"])


def test_a_session_comes_back_whole_with_its_branches_and_turns(store: Store) -> None:
    writer = Writer(store, "a" * 16)
    writer.begin("kept", title="", system="Be brief.", model="small")
    (asked,) = writer.add([NewMessage(parent=None, role="user", content="Q")], title="Q")
    (first,) = writer.add([NewMessage(parent=asked, role="assistant", content="A1")])
    writer.end(first, "A1", "complete", "", turn(1, system="Be brief."))
    (second,) = writer.add([NewMessage(parent=asked, role="assistant", content="")])
    told = turn(2, system="Other.", window=2048, prompt_sha256="cd" * 32, reused=64, computed=3)
    writer.end(second, "A2", "length", "", told)
    loaded = sessions.load(store, "a" * 16)
    assert (loaded.system, loaded.info.title) == ("Be brief.", "Q")
    assert [message.content for message in loaded.branch()] == ["Q", "A2"]
    assert [message.sent for message in loaded.messages] == [2, 0, 0]
    assert loaded.messages[1].turn == turn(1, system="Be brief.")
    assert loaded.messages[2].turn == told
    assert loaded.messages[2].status == "length"
    writer.choose(asked, first)
    assert [message.content for message in sessions.load(store, "a" * 16).branch()] == ["Q", "A1"]


def test_messages_sent_are_counted_from_where_the_view_began(store: Store, say: Say) -> None:
    name, ids = say("Q1", "A1", "Q2", "A2", "Q3", "A3")
    writer = Writer(store, name)
    (asked,) = writer.add([NewMessage(parent=ids[-1], role="user", content="Q4")])
    (reply,) = writer.add([NewMessage(parent=asked, role="assistant", content="")])
    writer.end(reply, "A4", "complete", "", turn(4, view_first=ids[4]))
    counts = [message.sent for message in sessions.load(store, name).messages]
    assert counts == [3, 2, 2, 1, 2, 1, 1, 0]


def test_a_reply_that_was_being_written_when_the_program_ended_is_stopped(store: Store) -> None:
    writer = Writer(store, "b" * 16)
    writer.begin("kept", title="", system="", model=None)
    (asked,) = writer.add([NewMessage(parent=None, role="user", content="Tell me")])
    (reply,) = writer.add(
        [NewMessage(parent=asked, role="assistant", content="", status="streaming")]
    )
    writer.grow(reply, "Once upon")
    message = sessions.load(store, "b" * 16).messages[1]
    assert (message.content, message.status) == ("Once upon", "stopped")
    assert "ended while" in message.note


def test_writing_to_a_session_that_was_deleted_is_refused(store: Store, say: Say) -> None:
    name, ids = say("Q", "A")
    writer = Writer(store, name)
    sessions.delete(store, name)
    acts = (
        lambda: writer.add([NewMessage(parent=None, role="user", content="more")]),
        lambda: writer.grow(ids[1], "more"),
        lambda: writer.end(ids[1], "more", "complete", "", turn(1)),
        lambda: writer.choose(ids[0], ids[1]),
    )
    for act in acts:
        with pytest.raises(StoreError) as caught:
            act()
        assert caught.value.kind == "missing"


def test_search_finds_words_phrases_and_beginnings(store: Store, say: Say) -> None:
    name, ids = say("Where is Ankara?", "It is in Türkiye.", "And Bursa?", "Near the sea.")
    say("Nothing of the kind", "Really nothing.")
    (hit,) = search(store, "anka")
    assert (hit.session.id, hit.message, hit.role) == (name, ids[0], "user")
    assert f"{OPEN}Ankara{CLOSE}" in hit.snippet
    assert [hit.message for hit in search(store, "turkiye")] == [ids[1]]
    assert search(store, '"ankara is"') == []
    assert search(store, '"is ankara"')
    assert search(store, "near sea")
    assert search(store, "anka ") == []


@pytest.mark.parametrize("text", ["", "  ", '"', "*", "a OR", "NEAR(", "-x", "col:x", "a\0b", "^"])
def test_whatever_is_typed_is_words_and_never_an_error(store: Store, say: Say, text: str) -> None:
    say("a or b", "x")
    search(store, text)


def test_search_comes_in_pages_the_latest_first(store: Store, say: Say) -> None:
    for n in range(6):
        say(f"apple {n}", "pear")
    first = search(store, "apple", limit=4)
    rest = search(store, "apple", limit=4, before=first[-1].message)
    found = [hit.session.title for hit in first + rest]
    assert found == [f"apple {n}" for n in range(5, -1, -1)]


def test_search_follows_edits_and_deletions(store: Store, say: Say) -> None:
    name, ids = say("apple", "pear")
    writer = Writer(store, name)
    writer.end(ids[1], "plum", "complete", "", turn(1))
    assert search(store, "pear") == []
    assert [hit.message for hit in search(store, "plum")] == [ids[1]]
    sessions.delete(store, name)
    assert search(store, "plum") == search(store, "apple") == []


def test_weights_stand_in_their_own_columns(store: Store, say: Say) -> None:
    say("Q", "A")
    with store.reading() as db:
        row = db.execute("SELECT model, model_sha256, seed, temperature FROM turns").fetchone()
    assert row == (WEIGHTS.model, WEIGHTS.sha256, 7, 0.0)
