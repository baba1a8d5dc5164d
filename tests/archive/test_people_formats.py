"""Each format, read back by a reader of its own."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from chatapp.archive.reading import render
from chatapp.archive.reading.markdown import fenced, inline
from chatapp.archive.records import (
    Consent,
    Example,
    SessionInfo,
    StoredMessage,
    StoredSession,
    StoredTurn,
    Weights,
    sha256_of,
)
from chatapp.context.messages import Message

from .stored import one_reply, with_branches

ATTACKS = [
    "<script>alert(1)</script>",
    "</pre></article><script src=//evil.example></script>",
    "```\n# out\n```",
    "````\n```\n~~~\n``````\nout",
    "~~~\nout",
    "    indented\n\n# heading\n- item\n> quote",
    "\n\n  begins with lines and ends with them \n\n",
    "![x](https://evil.example/x.png) [y](javascript:alert(1)) <img src=x onerror=alert(1)>",
    "&lt;b&gt; &amp; \" ' `code` $x$ \\",
    "---\ntitle: front matter\n---",
    "<!-- a comment --> ]]> <![CDATA[",
    "# `" + "`" * 500,
    "\rx\r```\r# out",
]


def together(session: StoredSession, format: Any, all_branches: bool = True) -> str:
    return "".join(render(session, format, all_branches=all_branches))


# Markdown


def fences(text: str) -> list[str]:
    """What stands in fences, as an independent parser reads the document; nothing else is code."""
    tokens = MarkdownIt("gfm-like", {"linkify": False}).parse(text)
    for token in tokens:
        assert token.type in ("fence", "inline") or token.type.endswith(("_open", "_close"))
        assert "html" not in token.type
        for child in token.children or ():
            assert child.type in ("text", "text_special", "em_open", "em_close")
    return [token.content.removesuffix("\n") for token in tokens if token.type == "fence"]


@pytest.mark.parametrize("attack", ATTACKS)
def test_markdown_gives_every_text_back_and_is_nothing_else(attack: str) -> None:
    session = one_reply(attack, question=attack, title=attack)
    shown = attack.replace("\r", "[CR]")
    assert fences(together(session, "markdown")) == [shown, shown]


@settings(deadline=None)
@given(st.text(st.sampled_from("`~ \n#<>a-*[]()\\\t&;!"), min_size=1, max_size=60))
def test_no_text_breaks_out_of_its_fence_or_its_line(text: str) -> None:
    # A tab in a fence is a tab.
    assert fences(f"{fenced(text)}\nend\n") == [text]
    tokens = MarkdownIt("commonmark").parse(f"# {inline(text)} x\n")
    assert [token.type for token in tokens] == ["heading_open", "inline", "heading_close"]
    children = tokens[1].children or []
    assert "".join(child.content for child in children) == " ".join([*text.split(), "x"])


# JSON


def test_json_gives_the_whole_session_back() -> None:
    session = with_branches()
    document = json.loads(together(session, "json", all_branches=False))
    assert document["format"] == "chatapp transcript"
    assert document["version"] == 1
    assert "changed no weights" in document["note"]
    assert document["branch"] == [1, 3, 6, 7]
    assert made_again(document) == session


@settings(deadline=None)
@given(st.text(), st.text())
def test_json_keeps_every_character(content: str, title: str) -> None:
    session = one_reply(content, title=title)
    text = together(session, "json")
    assert made_again(json.loads(text.encode())) == session


def made_again(document: dict[str, Any]) -> StoredSession:
    """The records from the keys of the document, and only those."""

    def weights(of: dict[str, Any]) -> dict[str, Any]:
        return of | {"weights": Weights(**of["weights"])}

    def maybe(make: Callable[..., Any], of: dict[str, Any] | None) -> Any:
        return make(**of) if of is not None else None

    messages = tuple(
        StoredMessage(**one | {"turn": maybe(StoredTurn, one["turn"] and weights(one["turn"]))})
        for one in document["messages"]
    )
    examples = tuple(
        Example(
            **weights(one)
            | {
                "prompt": tuple(Message(**message) for message in one["prompt"]),
                "consent": maybe(Consent, one["consent"]),
            }
        )
        for one in document["examples"]
    )
    head = document["session"] | {"tags": tuple(document["session"]["tags"])}
    return StoredSession(
        info=SessionInfo(**head),
        system=document["system"],
        messages=messages,
        examples=examples,
    )


def test_json_is_the_same_for_the_same_session() -> None:
    assert sha256_of(together(with_branches(), "json")) == sha256_of(
        together(with_branches(), "json", all_branches=False)
    )


# HTML


class Page(HTMLParser):
    """Collects what stands in <pre>, all elements, and all attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.elements: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self.attributes += attrs
        if tag not in ("meta", "br"):
            self.open.append(tag)
        if tag == "pre":
            self.texts.append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "pre" in self.open:
            self.texts[-1] += data


@pytest.mark.parametrize("attack", ATTACKS)
def test_html_gives_every_text_back_and_runs_and_loads_nothing(attack: str) -> None:
    page = Page(together(one_reply(attack, question=attack, title=attack), "html"))
    shown = attack.replace("\r", "[CR]")
    # A parser leaves out the one line end right after <pre>.
    assert [text.removeprefix("\n") for text in page.texts] == [shown, shown]
    assert set(page.elements) <= set(
        "html head meta title style body header h1 h2 h3 p dl div dt dd main section article pre"
        " span".split()
    )
    names = {name for name, _ in page.attributes}
    assert names <= {"lang", "charset", "http-equiv", "content", "name", "dir", "class", "id"}
    assert not page.open


def test_html_forbids_what_it_does_not_hold_and_has_both_colours() -> None:
    text = together(one_reply("Hello"), "html")
    assert "default-src 'none'; style-src 'unsafe-inline'" in text
    assert "prefers-color-scheme: dark" in text
    assert "@media print" in text
    assert not re.search(r"https?:|//|@import|url\(", text.replace("<!DOCTYPE", ""))


def test_html_has_an_article_for_each_message() -> None:
    assert Page(together(with_branches(), "html")).elements.count("article") == 7
    assert (
        Page(together(with_branches(), "html", all_branches=False)).elements.count("article") == 4
    )
