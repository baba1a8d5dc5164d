"""What holds for every text."""

from __future__ import annotations

import re

from hypothesis import example, given, settings
from hypothesis import strategies as st

from chatapp.archive.redaction import find, find_all, redact
from chatapp.archive.redaction.scanning import Plain
from tests.archive.redaction_samples import IN_CONTEXT, VALUES

PIECES = [value for _, value in VALUES] + [around.format(value) for _, around, value in IN_CONTEXT]
GLUE = [" ", "\n", ", ", ". ", "", "-", ":", "@", "(", '"', "'", "/", "=", "1", "x", "é", "\u200b"]
words = st.text(st.characters(exclude_categories=()), max_size=12)
texts = st.lists(st.one_of(st.sampled_from(PIECES), st.sampled_from(GLUE), words), max_size=14).map(
    "".join
)


@given(texts)
@settings(max_examples=300, deadline=None)
def test_offsets_are_exact_and_nothing_overlaps(text: str) -> None:
    at = 0
    for finding in find(text):
        assert at <= finding.start < finding.end
        assert text[finding.start : finding.end] == finding.text
        at = finding.end


@given(texts)
@settings(max_examples=300, deadline=None)
@example("bob@example.com and bob@example.com")
def test_no_found_value_stays_as_a_word(text: str) -> None:
    findings = find(text)
    after = Plain(redact(text, findings)).text  # as the rules see it
    for finding in findings:
        value = Plain(finding.text).text
        if len(value) > 3:
            assert not re.search(rf"(?<!\w){re.escape(value)}(?!\w)", after)


@given(texts)
@settings(max_examples=300, deadline=None)
def test_redacting_again_changes_nothing(text: str) -> None:
    once = redact(text, find(text))
    assert redact(once, find(once)) == once


@given(texts)
@settings(max_examples=200, deadline=None)
def test_what_is_not_found_stays_as_it_is(text: str) -> None:
    findings = find(text)
    kept, at = [], 0
    for finding in findings:
        kept.append(text[at : finding.start])
        at = finding.end
    kept.append(text[at:])
    after = redact(text, findings)
    for part in kept:
        assert part in after
        after = after[after.index(part) + len(part) :]


@given(st.lists(texts, max_size=4))
@settings(max_examples=100, deadline=None)
def test_several_texts_find_at_least_what_each_finds(several: list[str]) -> None:
    for alone, together in zip(map(find, several), find_all(several), strict=True):
        covered = {at for finding in together for at in range(finding.start, finding.end)}
        assert all(covered.issuperset(range(one.start, one.end)) for one in alone)


@given(st.sampled_from(VALUES), st.integers(0, 1500), st.integers(0, 1500))
@settings(max_examples=150, deadline=None)
def test_a_value_is_found_anywhere_in_a_long_line(
    value: tuple[str, str], before: int, behind: int
) -> None:
    text = ("word " * 300)[:before] + " " + value[1] + " " + ("word " * 300)[:behind]
    (finding,) = find(text)
    assert (finding.kind, finding.text) == value
