"""Real strings of each kind are found, whole, and ordinary text is left alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from chatapp.archive.redaction import find, redact
from tests.archive.redaction_samples import IN_CONTEXT, LETTERS, VALUES

ORDINARY = (Path(__file__).parent / "ordinary.txt").read_text("utf-8").splitlines()


@pytest.mark.parametrize(("kind", "value"), VALUES)
@pytest.mark.parametrize("around", ["{}", "It is {}.", "see ({}), then", "x: {}\n", '"{}"'])
def test_a_value_is_found_whole(kind: str, value: str, around: str) -> None:
    text = around.format(value)
    (finding,) = find(text)
    assert (finding.kind, finding.text) == (kind, value)
    assert redact(text, [finding]) == around.format(f"[{kind} 1]")


@pytest.mark.parametrize(("kind", "around", "value"), IN_CONTEXT)
def test_a_value_is_found_by_what_stands_around_it(kind: str, around: str, value: str) -> None:
    text = around.format(value)
    assert [(finding.kind, finding.text) for finding in find(text)] == [(kind, value)]


@pytest.mark.parametrize("line", ORDINARY)
def test_ordinary_text_is_left_alone(line: str) -> None:
    assert find(line) == ()


def test_ordinary_text_is_left_alone_as_one_text() -> None:
    assert find("\n".join(ORDINARY)) == ()
    assert find(" ".join(ORDINARY)) == ()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("mail=bob@example.com", "bob@example.com"),
        ("https://example.com/?to=bob@example.com", "bob@example.com"),
        ("<bob@example.com>", "bob@example.com"),
        ("请联系bob@example.com谢谢", "bob@example.com"),
        ("\x1b[31m bob@example.com\x1b[0m", "bob@example.com"),
        ("bob@exam\u200bple.com", "bob@exam\u200bple.com"),
        ("５５５-１２３-４５６７", "５５５-１２３-４５６７"),
        ("\uff42\uff4f\uff42\uff20example.com", "\uff42\uff4f\uff42\uff20example.com"),
        ("555\u2011123\u20114567", "555\u2011123\u20114567"),
        ("555\u00a0123\u00a04567", "555\u00a0123\u00a04567"),
        ("\U0001f600 bob@example.com \ud800", "bob@example.com"),
        ("a\r93.184.216.34\u2028b", "93.184.216.34"),
        ("pay DE89 3704 0044 0532 0130 00 to me", "DE89 3704 0044 0532 0130 00"),
        ("ssh 5.9.10.11", "5.9.10.11"),
        ("http://93.184.216.34/2024/", "93.184.216.34"),
        ("Call 415 555 0132 2 times.", "415 555 0132"),
        ("1-800-555-0199", "1-800-555-0199"),
    ],
)
def test_odd_characters_do_not_hide_a_value(text: str, found: str) -> None:
    (finding,) = find(text)
    assert finding.text == found == text[finding.start : finding.end]


def test_a_word_in_a_url_is_a_password_not_half_an_address() -> None:
    text = "https://bob:hunter2@example.com/ or bob@example.com"
    assert redact(text, find(text)) == "https://bob:[PASSWORD 1]@example.com/ or [EMAIL 1]"


def test_a_key_without_its_end_goes_as_far_as_its_lines() -> None:
    begin = "-----BEGIN RSA PRIVATE " + "KEY-----"
    text = f"{begin}\n{LETTERS[:64]}\n{LETTERS[:64]}\nThat was it."
    assert redact(text, find(text)) == "[PRIVATE_KEY 1]\nThat was it."


def test_a_key_in_json_is_found() -> None:
    begin, end = "-----BEGIN PRIVATE " + "KEY-----", "-----END PRIVATE " + "KEY-----"
    text = '{"private_key": "' + begin + "\\n" + LETTERS[:64] + "\\n" + end + '\\n"}'
    assert redact(text, find(text)) == '{"private_key": "[PRIVATE_KEY 1]\\n"}'


def test_a_password_is_found_again_where_it_stands_alone() -> None:
    text = 'password = "hunter2"\nI typed hunter2, not hunter22.'
    after = 'password = "[PASSWORD 1]"\nI typed [PASSWORD 1], not hunter22.'
    assert redact(text, find(text)) == after


def test_the_rule_is_named() -> None:
    rules = {finding.text: finding.rule for finding in find("bob@example.com hf_" + LETTERS[:34])}
    assert rules == {
        "bob@example.com": "datafog/EMAIL",
        "hf_" + LETTERS[:34]: "chatapp/hugging-face",
    }
    (finding,) = find("https://bob:hunter2@example.com/")
    assert finding.rule == "detect-secrets/BasicAuthDetector"


def test_numbers_tell_values_apart() -> None:
    text = "a@x.org, b@x.org, A@x.org; 555-123-4567 is (555) 123 4567"
    after = "[EMAIL 1], [EMAIL 2], [EMAIL 1]; [PHONE 1] is [PHONE 1]"
    assert redact(text, find(text)) == after


def test_a_marker_that_stands_there_keeps_its_number() -> None:
    text = "[EMAIL 3] wrote to a@x.org"
    assert redact(text, find(text)) == "[EMAIL 3] wrote to [EMAIL 4]"


def test_findings_of_another_text_are_refused() -> None:
    with pytest.raises(ValueError, match="another text"):
        redact("another text altogether", find("a@x.org"))
