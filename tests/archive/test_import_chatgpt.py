"""A ChatGPT export: the tree is kept, the branch in sight is chosen, what is hidden is counted."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatapp.archive.importing import chatgpt, read
from chatapp.archive.importing.skipped import Tally
from chatapp.archive.records import ImportedSession
from chatapp.errors import ImportFileError

from .chatgpt_export import conversation, node, two_branches, write
from .trees import branch, check


def imported(path: Path, *conversations: Any) -> tuple[list[ImportedSession], dict[str, int]]:
    reading = read(write(path, *conversations), "chatgpt")
    sessions = list(reading)
    for session in sessions:
        check(session)
    return sessions, {one.reason: one.count for one in reading.skipped}


def test_the_branch_in_sight_is_chosen_and_the_other_is_kept(tmp_path: Path) -> None:
    (session,), counts = imported(tmp_path / "conversations.json", two_branches())
    assert branch(session) == [
        ("user", "What is the capital of Turkey?"),
        ("assistant", "Istanbul."),
        ("user", "Look it up."),
        ("assistant", "Ankara."),
    ]
    left = [message for message in session.messages if not message.chosen]
    assert [(one.content, one.parent, one.weights.model) for one in left] == [
        ("It is Ankara.", 0, "gpt-4o")
    ]
    assert session.title == "Capital of Turkey"
    assert session.source == "ChatGPT export, conversations.json"
    assert session.created == "2023-11-14T22:13:20.500Z"
    assert session.messages[0].created == "2023-11-14T22:13:22.500Z"
    assert session.messages[1].weights.model == "gpt-4o-mini"
    assert session.system == ""
    assert counts == {"tool": 2, "reasoning": 1, "hidden": 1}


def test_the_other_branch_is_in_sight_if_the_file_says_so(tmp_path: Path) -> None:
    (session,), _ = imported(tmp_path / "a", two_branches() | {"current_node": "a1b"})
    assert branch(session)[1:] == [("assistant", "It is Ankara.")]
    # What lies beyond the branch out of sight keeps its order.
    assert len(session.messages) == 5


def test_without_a_current_node_the_newest_branch_is_chosen(tmp_path: Path) -> None:
    one = two_branches()
    del one["current_node"]
    (session,), _ = imported(tmp_path / "a", one)
    assert branch(session)[1:] == [("assistant", "It is Ankara.")]


def test_siblings_are_in_the_order_of_the_site_whatever_the_order_of_the_file(
    tmp_path: Path,
) -> None:
    one = two_branches()
    one["mapping"] = dict(reversed(one["mapping"].items()))
    assert imported(tmp_path / "a", one) == imported(tmp_path / "a", two_branches())


def test_a_system_message_that_is_shown_is_the_system_prompt(tmp_path: Path) -> None:
    (session,), counts = imported(
        tmp_path / "a",
        conversation(
            node("s", None, ("u",), "system", ["Talk like a pirate."]),
            node("u", "s", (), "user", ["Hi"]),
            current="u",
        ),
    )
    assert session.system == "Talk like a pirate."
    assert branch(session) == [("user", "Hi")]
    assert counts == {}


def test_pictures_files_and_voices(tmp_path: Path) -> None:
    picture = {"content_type": "image_asset_pointer", "asset_pointer": "file-service://x"}
    voice = {"content_type": "audio_transcription", "text": "Hello there", "direction": "in"}
    (session,), counts = imported(
        tmp_path / "a",
        conversation(
            node(
                "u",
                None,
                ("v",),
                "user",
                [picture, "What is this?"],
                content={"content_type": "multimodal_text"},
                metadata={"attachments": [{"name": "cat.png"}, {"name": "notes.pdf"}]},
            ),
            node("v", "u", ("w",), "user", [voice, {"content_type": "audio_asset_pointer"}]),
            node("w", "v", (), "user", [picture]),
            current="w",
        ),
    )
    assert branch(session) == [("user", "What is this?"), ("user", "Hello there")]
    assert counts == {"attachment": 4}


def test_keys_are_the_conversations_own(tmp_path: Path) -> None:
    first, second = two_branches(), two_branches() | {"conversation_id": "other"}
    (one, two), _ = imported(tmp_path / "a", first, second)
    assert one.key != two.key
    # A conversation that went on is the same one.
    grown = first | {"title": "Renamed"}
    assert imported(tmp_path / "b", grown)[0][0].key == one.key
    for nameless in (first, second):
        del nameless["id"], nameless["conversation_id"]
    (three, four), _ = imported(tmp_path / "c", first, second)
    assert three.key == four.key != one.key


def test_nodes_that_disagree_are_put_in_order(tmp_path: Path) -> None:
    (session,), counts = imported(
        tmp_path / "a",
        conversation(
            node("u", "gone", ("a",), "user", ["Hi"]),
            node("a", None, (), "assistant", ["Listed by its parent only."]),
            node("x", "y", ("y",), "user", ["in a ring"]),
            node("y", "x", ("x",), "user", ["in a ring"]),
            node("z", "z", ("z",), "user", ["its own parent"]),
            {"id": "n", "parent": "a"},
            current="nowhere",
        ),
    )
    assert branch(session) == [("user", "Hi"), ("assistant", "Listed by its parent only.")]
    assert counts == {"detached": 3}


def test_a_long_chain_is_read(tmp_path: Path) -> None:
    count = 20_000
    nodes = [
        node(str(n), str(n - 1) if n else None, (str(n + 1),), "user", [f"m{n}"])
        for n in range(count)
    ]
    (session,), _ = imported(tmp_path / "a", conversation(*nodes, current=str(count - 1)))
    assert len(session.messages) == count
    assert all(message.chosen for message in session.messages)


def test_what_is_no_conversation_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "a", None, two_branches(), {"mapping": []}, conversation(current="x"))
    reading = read(path)
    assert len(list(reading)) == 1
    words = " ".join(one.sentence for one in reading.skipped)
    assert "2 conversations could not be read: conversation 1 (it has no mapping" in words
    assert "conversation 3 (" in words
    assert "1 conversation holds no message" in words


@pytest.mark.parametrize(
    ("end", "why"),
    [
        ("", "the file ends"),
        (", ", "the file ends"),
        (' , {"mapping": {"a": "cut', "the file ends"),
        (" " + "{}]", "a comma is missing"),
        (', {"mapping" oops}' + " " * 100 + "]", "Expecting"),
        (", " + "[" * 100_000, "a number or the nesting is too large"),
        ("] trailing", "there is more"),
    ],
)
def test_a_file_that_breaks_off_gives_what_stands_before(
    tmp_path: Path, end: str, why: str
) -> None:
    path = tmp_path / "conversations.json"
    path.write_text("[" + json.dumps(two_branches()) + end, encoding="utf-8")
    found = iter(read(path))
    assert next(found).title == "Capital of Turkey"
    with pytest.raises(ImportFileError, match=f"after conversation 1: {why}"):
        next(found)


def test_an_export_without_conversations_is_one(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"\xef\xbb\xbf \n[ ]\n")
    assert read(path).kind == "chatgpt"
    assert list(read(path)) == []


def test_odd_bytes_and_surrogates_are_replaced(tmp_path: Path) -> None:
    one = json.dumps(two_branches()).encode()
    path = tmp_path / "a"
    path.write_bytes(
        b"[" + one.replace(b"Istanbul.", b"I\xffst\\ud800\\u0007 \xf0\x9f\x98\x80") + b"]"
    )
    (session,) = read(path)
    check(session)
    assert branch(session)[1] == ("assistant", "I\ufffdst\ufffd\x07 \U0001f600")


def test_one_conversation_is_held_at_a_time(tmp_path: Path) -> None:
    long = two_branches()
    long["mapping"]["a1"]["message"]["content"]["parts"] = ["é" * 100_000]
    path = write(tmp_path / "a", *[long] * 200)
    assert path.stat().st_size > 100_000_000
    tracemalloc.start()
    assert sum(1 for _ in read(path)) == 200
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 12_000_000


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["role", "parts", "text", "content_type", "attachments", "model_slug"]),
            inner | st.sampled_from(["user", "assistant", "system", "tool", "thoughts"]),
            max_size=4,
        )
    ),
    max_leaves=8,
)
idents = st.sampled_from("abcde")
odd_nodes = values | st.fixed_dictionaries(
    {
        "parent": idents | st.none() | values,
        "children": st.lists(idents | values, max_size=4) | values,
        "message": values
        | st.fixed_dictionaries(
            {
                "author": st.fixed_dictionaries({"role": st.sampled_from(["user", "assistant"])})
                | values,
                "content": st.fixed_dictionaries({"parts": st.lists(st.text(max_size=3))}) | values,
            },
            optional={"metadata": values, "create_time": values, "recipient": values},
        ),
    }
)
odd_conversations = values | st.fixed_dictionaries(
    {"mapping": st.dictionaries(idents, odd_nodes) | values},
    optional={
        "current_node": idents | values,
        "title": values,
        "id": values,
        "create_time": values,
        "default_model_slug": values,
    },
)


@settings(deadline=None)
@given(st.lists(odd_conversations, max_size=3))
def test_any_tree_is_read_and_all_of_it_is_accounted_for(
    tmp_path_factory: pytest.TempPathFactory, conversations: list[Any]
) -> None:
    path = write(tmp_path_factory.mktemp("fuzz") / "a", *conversations)
    tally = Tally("conversation")
    sessions = list(chatgpt.sessions(path, tally))
    for session in sessions:
        check(session)
    counts = {one.reason: one.count for one in tally.skipped()}
    lost = counts.get("broken", 0) + counts.get("nothing", 0)
    assert len(sessions) + lost == len(conversations)
