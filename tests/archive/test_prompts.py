"""An example's prompt is what was sent, however it is read: alone, in an export, or as opened."""

from __future__ import annotations

from chatapp.archive import marks, sessions
from chatapp.archive.store import Store
from chatapp.archive.writing import NewMessage, Writer
from tests.archive.conftest import Say, turn


def test_prompts_are_the_same_read_one_by_one_or_together(store: Store, say: Say) -> None:
    name, ids = say("Q1", "A1", "Q2", "A2", "Q3", "A3", system="Be brief.")
    writer = Writer(store, name)
    told = turn(4, system="Other.", view_first=ids[2])
    new = [
        NewMessage(parent=ids[3], role="user", content="Q3b"),
        NewMessage(parent=-1, role="assistant", content="", status="stopped", turn=turn(5)),
        NewMessage(parent=-2, role="user", content="Q4"),
        NewMessage(parent=-3, role="assistant", content="A4", turn=told),
    ]
    ids += writer.add(new)
    expected = {
        marks.mark(store, name, ids[9], "liked"): ["Other.", "Q2", "A2", "Q3b", "Q4"],
        marks.mark(store, name, ids[5], "liked"): ["Be brief.", "Q1", "A1", "Q2", "A2", "Q3"],
    }
    marked = marks.mark(store, name, ids[1], "disliked")
    expected[marked] = ["Be brief.", "Q1"]
    alone = {one: marks.example(store, one) for one in expected}
    texts = {one: [part.content for part in alone[one].prompt] for one in alone}
    assert texts == expected
    assert {one.id: one for one in marks.examples(store)} == alone
    assert {one.id: one for one in sessions.load(store, name).examples} == alone
