"""A whole example: consistent numbers, and a question where the answer itself would go."""

from __future__ import annotations

from dataclasses import replace
from importlib.metadata import version

from hypothesis import given, settings
from hypothesis import strategies as st

from chatapp.archive.records import Example
from chatapp.archive.redaction import VERSION, redact_content, redact_example
from chatapp.context.messages import Message

CAPITAL = Example(
    id="e1",
    kind="correction",
    session="s1",
    turn=2,
    created="2026-01-01T00:00:00.000Z",
    prompt=(
        Message("system", "You are helpful."),
        Message("user", "I am bob@example.com. What is the capital of Turkey?"),
    ),
    chosen="The capital of Turkey is Ankara.",
    rejected="Dear bob@example.com, the capital of Turkey is Istanbul.",
    reason="asked ada@example.org",
    wrong="Istanbul",
    right="Ankara",
)
OFFICE = replace(
    CAPITAL,
    prompt=(Message("user", "What is the number of the office?"),),
    chosen="The number is 5550109999.",
    rejected="The number is 5550101234.",
    reason="",
    wrong="5550101234",
    right="5550109999",
)


def test_a_value_has_one_number_in_all_fields() -> None:
    redacted = redact_example(CAPITAL)
    assert redacted.before == CAPITAL.content()
    assert redacted.after == {
        "kind": "correction",
        "prompt": [
            {"role": "system", "content": "You are helpful."},
            {"role": "user", "content": "I am [EMAIL 1]. What is the capital of Turkey?"},
        ],
        "chosen": "The capital of Turkey is Ankara.",
        "rejected": "Dear [EMAIL 1], the capital of Turkey is Istanbul.",
        "reason": "asked [EMAIL 2]",
        "wrong": "Istanbul",
        "right": "Ankara",
    }
    assert list(redacted.findings) == ["prompt[1].content", "rejected", "reason"]
    assert not redacted.answer_hit


def test_the_fields_come_in_the_order_in_which_they_are_read() -> None:
    fields = redact_example(CAPITAL).fields
    assert [field.name for field in fields] == [
        *("prompt[0].content", "prompt[1].content", "chosen", "rejected"),
        *("reason", "wrong", "right"),
    ]
    user = fields[1]
    assert [finding.text for finding in user.findings] == ["bob@example.com"]
    assert user.markers == ("[EMAIL 1]",)


def test_what_is_known_in_one_field_is_redacted_in_all() -> None:
    """Ten digits alone are a number; called a telephone number once, they are one everywhere."""
    assert not redact_example(OFFICE).findings
    asked = replace(OFFICE, reason="I was told: call me at 5550109999")
    redacted = redact_example(asked)
    assert redacted.after["chosen"] == "The number is [PHONE 1]."
    assert redacted.after["right"] == "[PHONE 1]"
    assert redacted.after["rejected"] == "The number is 5550101234."
    assert redacted.answer_hit


def test_an_answer_that_is_an_address_is_asked_about() -> None:
    mail = replace(CAPITAL, chosen="Write to help@example.org.", right="help@example.org")
    assert redact_example(mail).answer_hit


def test_the_answer_is_hit_where_its_words_stand_in_the_reply() -> None:
    part = replace(CAPITAL, chosen="It is 93.184.216.34, at Ankara.", right="184")
    assert redact_example(part).answer_hit
    beside = replace(CAPITAL, chosen="Ask bob@example.com: it is Ankara.")
    assert redact_example(beside).findings["chosen"]
    assert not redact_example(beside).answer_hit


def test_without_its_words_the_answer_is_what_the_wrong_reply_lacks() -> None:
    typed = replace(CAPITAL, wrong="", right="", rejected="Write to a@example.org, please.")
    assert redact_example(replace(typed, chosen="Write to b@example.org, please.")).answer_hit
    same = "bob@example.com says it is "
    beside = replace(typed, chosen=same + "Ankara.", rejected=same + "Istanbul.")
    assert not redact_example(beside).answer_hit


def test_a_reply_that_was_only_marked_has_no_answer_to_hit() -> None:
    liked = replace(
        CAPITAL, kind="liked", chosen="Write to a@example.org.", rejected=None, wrong="", right=""
    )
    redacted = redact_example(liked)
    assert redacted.after["chosen"] == "Write to [EMAIL 2]."
    assert redacted.after["rejected"] is None
    assert not redacted.answer_hit


def test_redacted_content_is_left_as_it_is() -> None:
    once = redact_example(CAPITAL).after
    again = redact_content(once)
    assert again.after == once
    assert not again.findings
    more = redact_content({**once, "wrong": "asked eve@example.org"})
    assert more.after["wrong"] == "asked [EMAIL 3]"


def test_the_version_names_the_libraries() -> None:
    assert version("datafog") in VERSION
    assert version("detect-secrets") in VERSION


@given(st.lists(st.text(max_size=40), min_size=7, max_size=7))
@settings(max_examples=100, deadline=None)
def test_the_form_of_the_content_stays(texts: list[str]) -> None:
    example = replace(
        CAPITAL,
        prompt=(Message("user", texts[0]), Message("assistant", texts[1])),
        chosen=texts[2],
        rejected=texts[3],
        reason=texts[4],
        wrong=texts[5],
        right=texts[6],
    )
    redacted = redact_example(example)
    assert redacted.before == example.content()
    assert redacted.after.keys() == redacted.before.keys()
    if not redacted.findings:
        assert redacted.after == redacted.before
