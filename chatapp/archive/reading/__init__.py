"""A stored session for people to read elsewhere: Markdown, JSON, or one HTML page.

What people and models said is text in all of them: it is never markup, and never steers a screen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, Literal, get_args

from chatapp.archive.reading.as_json import as_json
from chatapp.archive.reading.markdown import as_markdown
from chatapp.archive.reading.page import as_page
from chatapp.archive.records import StoredSession

__all__ = ["FORMATS", "SUFFIXES", "Format", "render"]

Format = Literal["markdown", "json", "html"]
FORMATS: Final[tuple[Format, ...]] = get_args(Format)
SUFFIXES: Final[dict[Format, str]] = {"markdown": ".md", "json": ".json", "html": ".html"}
"""How a file of each format is named."""

_WRITERS: Final[dict[Format, Callable[[StoredSession, bool], Iterator[str]]]] = {
    "markdown": as_markdown,
    "json": lambda session, _: as_json(session),
    "html": as_page,
}


def render(session: StoredSession, format: Format, *, all_branches: bool = False) -> Iterator[str]:
    """The session in pieces that make up one file, to be written as UTF-8.

    The branch in sight, or with ``all_branches`` the other ones after it. JSON always holds all.
    """
    return _WRITERS[format](session, all_branches)
