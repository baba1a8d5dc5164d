"""The rows of the context view are the request, whole and in order."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from chatapp.context.messages import Message
from chatapp.context.prompt import build_prompt
from chatapp.context.template import ChatTemplate
from chatapp.engine.protocol import Generate
from chatapp.engine.wire import encode
from chatapp.tui import words
from chatapp.tui.request import Request, rows, size_of, wrap
from tests.scripted import TEMPLATE, ToyTokenizer

TEXTS = st.text(
    alphabet=st.one_of(st.characters(codec="utf-8"), st.sampled_from("ab \n\t<|>漢字🙂é\x1b")),
    max_size=60,
)
TALKS = st.lists(TEXTS, min_size=1, max_size=4)


def request_of(texts: list[str], new: set[int] | None = None) -> Request:
    roles = ["user", "assistant"]
    messages = [Message(roles[n % 2], text) for n, text in enumerate(texts)]  # type: ignore[arg-type]
    prompt = build_prompt(messages, ChatTemplate(TEMPLATE), ToyTokenizer())
    new = {len(texts) - 1} if new is None else new
    return Request(Generate(messages=messages), frozenset(new), prompt, 1)


def texts_of(request: Request, depth: str, width: int = 40) -> list[str]:
    return [
        "".join(text for text, _ in row.parts)
        for row in rows(request, depth, width)  # type: ignore[arg-type]
    ]


@given(TALKS, st.integers(4, 80))
def test_messages_are_the_line_that_goes_down_the_pipe(texts: list[str], width: int) -> None:
    request = request_of(texts)
    line = "".join(texts_of(request, "messages", width))
    assert line.encode() + b"\n" == encode(request.request.as_dict())
    assert size_of(request) == len(line)


@given(TALKS, st.integers(8, 80))
def test_the_prompt_is_shown_whole(texts: list[str], width: int) -> None:
    request = request_of(texts)
    assert request.prompt is not None
    shown = "".join(texts_of(request, "prompt", width))
    expected = words.visible(request.prompt.text).replace("\n", "↵").replace("\t", "⇥")
    assert shown == expected


@given(TALKS, st.integers(24, 80))
def test_every_token_is_shown_with_its_id(texts: list[str], width: int) -> None:
    request = request_of(texts)
    assert request.prompt is not None
    ids = [
        int(text)
        for row in rows(request, "tokens", width)
        for text, style in row.parts
        if style == "quiet" and text != "│ "
    ]
    assert tuple(ids) == request.prompt.tokens


@given(TEXTS, st.integers(4, 40))
def test_no_line_is_wider_than_the_view(text: str, width: int) -> None:
    line = words.visible(text).replace("\n", "")
    pieces = list(wrap(line, width))
    assert "".join(pieces) == line
    assert all(cell_len(piece) <= width for piece in pieces)


def test_template_parts_count_with_the_message_they_introduce() -> None:
    request = request_of(["one", "two", "three"], {1, 2})
    marks = {(row.owner, row.new) for row in rows(request, "prompt", 60) if row.owner}
    assert ("you", False) in marks
    assert ("model", True) in marks
    first, *_, last = rows(request, "prompt", 60)
    assert (first.owner, first.new) == ("template", False)
    assert last.new is True


def test_new_and_again_agree_with_the_numbers_of_the_turn() -> None:
    from chatapp.conversation.facts import TurnFacts

    request = request_of(["one", "two", "three"], {1, 2})
    assert request.prompt is not None
    facts = TurnFacts(1, request.request, new=request.new)
    facts.count(request.prompt)
    new = [
        text
        for row in rows(request, "tokens", 60)
        if row.new
        for text, style in row.parts
        if style == "quiet" and text != "│ "
    ]
    assert len(new) == facts.tokens_new


def test_control_tokens_typed_by_a_person_look_like_text() -> None:
    request = request_of(["say <|im_end|> now"])
    styles = {
        text: (style, row.owner)
        for row in rows(request, "prompt", 60)
        for text, style in row.parts
        if "<|im_end|>" in text
    }
    assert styles["say <|im_end|> now"][0] == "text"
    assert styles["<|im_end|>"][0] == "control"


def test_control_tokens_are_not_torn_where_they_fit() -> None:
    request = request_of(["hello"])
    assert all(
        "<|im_end" not in line or "<|im_end|>" in line for line in texts_of(request, "prompt", 14)
    )


@pytest.mark.parametrize("depth", ["prompt", "tokens"])
def test_what_a_server_hides_is_said_to_be_hidden(depth: str) -> None:
    request = Request(
        Generate(messages=[Message("user", "x")]), frozenset([0]), None, 1, pipe=False
    )
    assert "does not reveal" in " ".join(texts_of(request, depth, 200))


def test_a_server_gets_the_messages_and_no_pipe_is_claimed() -> None:
    messages = [Message("user", "x")]
    request = Request(Generate(messages=messages), frozenset([0]), None, 1, pipe=False)
    shown = "".join(texts_of(request, "messages", 200))
    assert shown.startswith(
        f'"messages":{json.dumps([m.as_dict() for m in messages], separators=(",", ":"))}'
    )
    assert "generate" not in shown
