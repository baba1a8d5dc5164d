"""A review counts for exactly what was seen, and nothing leaves by another way."""

from __future__ import annotations

import json
from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest

from chatapp.archive import review
from chatapp.archive.records import Example
from chatapp.archive.review import Review, apply, check, decide, findings_in, look, stale
from chatapp.archive.review_text import ANSWER_HIT, lines
from chatapp.context.messages import Message
from chatapp.errors import ArchiveError

EXAMPLE = Example(
    id="e1",
    kind="correction",
    session="s1",
    turn=2,
    created="2026-01-01T00:00:00.000Z",
    prompt=(Message("user", "I am bob@example.com. What is the capital of Turkey?"),),
    chosen="The capital of Turkey is Ankara.",
    rejected="The capital of Turkey is Istanbul.",
    wrong="Istanbul",
    right="Ankara",
)


def edited(**changes: Any) -> dict[str, Any]:
    return {**deepcopy(EXAMPLE.content()), **changes}


def test_an_approved_example_leaves_redacted() -> None:
    content = apply(EXAMPLE, decide(EXAMPLE, "approved"))
    assert content == look(EXAMPLE).after
    assert content["prompt"][0]["content"] == "I am [EMAIL 1]. What is the capital of Turkey?"


def test_a_skipped_example_does_not_leave() -> None:
    assert apply(EXAMPLE, decide(EXAMPLE, "skipped")) is None


def test_an_edited_example_leaves_as_it_was_written() -> None:
    """A person may keep what the rules would take: it is shown to them, not forbidden."""
    new = edited(chosen="It is Ankara; ask ada@example.org.")
    seen = findings_in(new)
    assert [one.text for one in seen["chosen"]] == ["ada@example.org"]
    assert seen["chosen"][0].rule == "datafog/EMAIL"
    content = apply(EXAMPLE, decide(EXAMPLE, "edited", new))
    assert content == new
    assert content is not new
    new["prompt"][0]["content"] = "changed afterwards"
    assert content["prompt"][0]["content"] != "changed afterwards"


def test_a_review_names_what_was_seen() -> None:
    made = decide(EXAMPLE, "approved")
    assert (made.example, made.sha256, made.redactor) == ("e1", EXAMPLE.sha256, review.VERSION)
    assert made.at.endswith("Z")


@pytest.mark.parametrize(
    "changed",
    [
        replace(EXAMPLE, chosen="It is Ankara."),
        replace(EXAMPLE, reason="because"),
        replace(EXAMPLE, prompt=(Message("user", "Turkey's capital?"),)),
        replace(EXAMPLE, kind="liked"),
    ],
)
@pytest.mark.parametrize("decision", ["approved", "skipped", "edited"])
def test_a_changed_example_is_reviewed_again(changed: Example, decision: Any) -> None:
    made = decide(EXAMPLE, decision, edited() if decision == "edited" else None)
    assert not stale(EXAMPLE, made)
    assert "changed" in stale(changed, made)
    with pytest.raises(ArchiveError, match="review it again"):
        apply(changed, made)


def test_another_redactor_means_another_review(monkeypatch: pytest.MonkeyPatch) -> None:
    made = decide(EXAMPLE, "approved")
    monkeypatch.setattr(review, "VERSION", "chatapp-redaction 2")
    assert "another redactor" in stale(EXAMPLE, made)
    with pytest.raises(ArchiveError, match="review it again"):
        apply(EXAMPLE, made)


def test_where_the_example_came_from_does_not_matter() -> None:
    made = decide(EXAMPLE, "approved")
    assert not stale(replace(EXAMPLE, turn=9, created="2027-01-01T00:00:00.000Z"), made)


def test_a_review_of_another_example_is_refused() -> None:
    with pytest.raises(ArchiveError, match="not of e2"):
        apply(replace(EXAMPLE, id="e2"), decide(EXAMPLE, "approved"))


MESSAGE = {"role": "user", "content": "Turkey?"}
BROKEN: list[tuple[Any, str]] = [
    (None, "hold exactly"),
    ([], "hold exactly"),
    ({"chosen": "Ankara"}, "hold exactly"),
    (edited(more="x"), "hold exactly"),
    (edited(kind="liked"), "kind"),
    (edited(chosen=" \n"), "'chosen' must not be empty"),
    (edited(rejected=""), "'rejected' must not be empty"),
    (edited(chosen=None), "'chosen' must be text"),
    (edited(reason=3), "'reason' must be text"),
    (edited(right="half \ud800"), "'right' holds half"),
    (edited(prompt=[]), "as many"),
    (edited(prompt="Turkey?"), "list of messages"),
    (edited(prompt=["Turkey?"]), "list of messages"),
    (edited(prompt=[{"role": "user"}]), "list of messages"),
    (edited(prompt=[{**MESSAGE, "weight": 1}]), "list of messages"),
    (edited(prompt=[MESSAGE, MESSAGE]), "as many"),
    (edited(prompt=[{**MESSAGE, "role": "system"}]), "same roles"),
    (edited(prompt=[{**MESSAGE, "content": "  "}]), "question"),
    (edited(prompt=[{**MESSAGE, "content": None}]), "must be text"),
    (edited(prompt=[{**MESSAGE, "content": "\udfff"}]), "half"),
]


@pytest.mark.parametrize(("content", "reason"), BROKEN)
def test_an_edited_content_must_be_usable(content: Any, reason: str) -> None:
    with pytest.raises(ArchiveError, match=reason):
        check(EXAMPLE, content)
    made = replace(decide(EXAMPLE, "edited", edited()), content=content)
    with pytest.raises(ArchiveError, match=reason):  # a store may have been written by hand
        apply(EXAMPLE, made)


def test_what_was_empty_stays_empty() -> None:
    liked = replace(EXAMPLE, kind="liked", rejected=None, wrong="", right="")
    check(liked, liked.content())
    with pytest.raises(ArchiveError, match="stays so"):
        check(liked, {**liked.content(), "rejected": "Istanbul"})


@pytest.mark.parametrize(("decision", "content"), [("edited", None), ("approved", edited())])
def test_only_an_edited_example_has_a_new_content(decision: Any, content: Any) -> None:
    with pytest.raises(ArchiveError, match="only an edited one"):
        decide(EXAMPLE, decision, content)


def test_an_unknown_decision_is_refused() -> None:
    made: Any = replace(decide(EXAMPLE, "approved"), decision="sold")  # type: ignore[arg-type]
    with pytest.raises(ArchiveError, match="no decision 'sold'"):
        apply(EXAMPLE, made)


def test_a_review_survives_being_stored() -> None:
    made = decide(EXAMPLE, "edited", edited(chosen="It is Ankara. 😀"))
    stored = json.loads(json.dumps({name: getattr(made, name) for name in Review.__slots__}))
    assert apply(EXAMPLE, Review(**stored)) == edited(chosen="It is Ankara. 😀")


def test_the_lines_show_before_after_and_why() -> None:
    shown = [*lines(look(EXAMPLE))]
    assert shown[:4] == [
        "prompt[0].content (user)",
        "  - I am bob@example.com. What is the capital of Turkey?",
        "  + I am [EMAIL 1]. What is the capital of Turkey?",
        "    [EMAIL 1] datafog/EMAIL: bob@example.com",
    ]
    assert "    The capital of Turkey is Ankara." in shown
    assert "reason" not in shown
    assert ANSWER_HIT not in shown[-1]


def test_the_lines_ask_about_the_answer() -> None:
    mail = replace(EXAMPLE, chosen="Write to a@example.org.", right="a@example.org")
    assert [*lines(look(mail))][-1] == f"! {ANSWER_HIT}"


def test_no_line_steers_a_terminal() -> None:
    hostile = replace(
        EXAMPLE,
        reason="\x1b[2J\x07\x9b31m\u202e one\r\ntwo\rthree\u2028bob@exam\u200bple.com",
    )
    shown = [*lines(look(hostile))]
    assert all(line.isprintable() for line in (line.replace("\t", "") for line in shown))
    assert "  + two\ufffdthree\ufffd[EMAIL 1]" in shown
