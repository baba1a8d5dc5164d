"""A session as one HTML page: nothing is loaded from anywhere, and nothing in it is a program."""

from __future__ import annotations

import html
from collections.abc import Iterator
from importlib import resources
from typing import Final

from chatapp.archive.reading.hidden import marked, one_line
from chatapp.archive.reading.words import (
    IS_A_TRANSCRIPT,
    NO_TEXT,
    Branch,
    Entry,
    branches,
    circumstances,
    ending,
    facts,
    weights_of,
)
from chatapp.archive.records import StoredSession

# Even if something that was said became markup, it could load nothing and run nothing.
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'"


def as_page(session: StoredSession, all_branches: bool) -> Iterator[str]:
    """The page in pieces: a head, then each message."""
    style = resources.files("chatapp.archive.reading").joinpath("style.css").read_text("utf-8")
    title = inline(session.info.title)
    yield (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        '<meta name="referrer" content="no-referrer">\n'
        f"<title>{title}</title>\n<style>\n{style}</style>\n</head>\n<body>\n"
        f'<header>\n<h1 dir="auto">{title}</h1>\n<p>{IS_A_TRANSCRIPT}</p>\n<dl>\n'
    )
    for name, value in facts(session):
        yield f'<div><dt>{name}</dt><dd dir="auto">{inline(value)}</dd></div>\n'
    yield "</dl>\n</header>\n<main>\n"
    if session.system:
        yield f"<section>\n<h2>System prompt</h2>\n{_text(session.system)}</section>\n"
    several = len(weights_of(session)) > 1
    for branch in branches(session, all_branches):
        yield from _branch(session, branch, several)
    yield "</main>\n</body>\n</html>\n"


def _branch(session: StoredSession, branch: Branch, several: bool) -> Iterator[str]:
    kind = ' class="left"' if branch.words else ""
    yield f"<section{kind}>\n<h2>{branch.words or 'Conversation'}</h2>\n"
    for entry in branch.entries:
        yield from _message(session, entry, several)
    yield "</section>\n"


def _message(session: StoredSession, entry: Entry, several: bool) -> Iterator[str]:
    message = entry.message
    yield (
        f'<article class="{message.role}" id="m{entry.number}">\n'
        f"<h3>{inline(entry.head(with_model=several))}</h3>\n"
    )
    for sentence, text in circumstances(session, message):
        yield f'<p class="quiet">{sentence}</p>\n{_text(text) if text else ""}'
    yield _text(message.content)
    if says := ending(message):
        yield f'<p class="broken">{inline(says)}</p>\n'
    yield "</article>\n"


def inline(text: str) -> str:
    """Words as HTML text, on one line."""
    return html.escape(one_line(text))


def _text(text: str) -> str:
    """What was said, as it is: line ends and spaces count, hidden characters are marked."""
    pieces = html.escape(marked(text)) if text else f'<span class="quiet">{NO_TEXT}</span>'
    # The line end that follows <pre> is not part of the text; one that begins the text is.
    return f'<pre dir="auto">\n{pieces}</pre>\n'
