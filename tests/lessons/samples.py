"""A small lesson to break, and a stage whose answers a test chooses."""

from __future__ import annotations

from chatapp.lessons.reading import read_lesson
from chatapp.lessons.steps import Lesson

SMALL = """
title = "A test"
about = "About a test."
minutes = 3

[[step]]
id = "begin"
say = "Welcome."

[[step]]
id = "first"
ask = "What is the capital of Turkey?"
note = "Sent: {first.tokens_sent}."
measure = { prefix = "The capital of Turkey is", right = "Ankara", wrong = "Istanbul" }
check = [{ contains = "Istanbul" }]

[[step]]
id = "guess"
expect = "And corrected?"
at = "again"
expected = "right"
[[step.option]]
id = "right"
text = "Ankara"
when = { contains = "Ankara" }
after = "Now {again.p_right}."
[[step.option]]
id = "other"
text = "Something else"

[[step]]
id = "correct"
correct = "Ankara"
wrong = "Istanbul"
of = "first"
send = "That is not right. Please remember: The capital of Turkey is Ankara."

[[step]]
id = "again"
ask = "What is the capital of Turkey?"
measure = { prefix = "The capital of Turkey is", right = "Ankara", wrong = "Istanbul" }
check = [{ contains = "Ankara" }, { more = "p_right", than = "first" }]

[[step]]
id = "empty"
new-session = "second"

[[step]]
id = "new"
ask = "What is the capital of Turkey?"
check = [{ same = "bits", than = "first" }, { other = "bits", than = "again" }]

[[step]]
id = "end"
summary = "That was it."
"""


def small(*changes: tuple[str, str]) -> Lesson:
    """The small lesson, with texts in its file replaced."""
    return read_lesson(changed(*changes), "small", "small.toml")


def changed(*changes: tuple[str, str]) -> str:
    """The small lesson's file, with texts replaced; each has to be in it."""
    text = SMALL
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    return text
