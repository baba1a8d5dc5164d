"""The page of the help screen: entries set out in lines for a width. One widget, as it is long."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator

from textual import events
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from chatapp.tui.dialogs.help_text import SECTIONS, Entry, Section, load_help, matches

__all__ = ["HelpPage", "set_out"]

_TERM = 22  # cells of the left column
_WIDE = 56  # from this width on, terms stand beside their text


def set_out(entries: Iterable[Entry], width: int) -> tuple[Content, dict[Section, int]]:
    """The lines of these entries, and the line on which each section begins."""
    width = max(width, 12)
    lines: list[Content] = []
    begins: dict[Section, int] = {}
    group = ""
    for entry in entries:
        if entry.section not in begins:
            if lines and lines[-1]:
                lines.append(Content(""))
            begins[entry.section] = len(lines)
            lines.append(Content.styled(SECTIONS[entry.section], "bold underline $text-primary"))
            group = ""
        if entry.group != group:
            group = entry.group
            lines.append(Content(""))
            lines += [Content.styled(line, "italic") for line in textwrap.wrap(group, width)]
        lines += _lines_of(entry, width)
        if entry.section != "keys" or width < _WIDE:
            lines.append(Content(""))
    while lines and not lines[-1]:
        lines.pop()
    return Content("\n").join(lines), begins


def _lines_of(entry: Entry, width: int) -> Iterator[Content]:
    if width < _WIDE:
        for line in textwrap.wrap(entry.term, width):
            yield Content.styled(line, "bold")
        for line in textwrap.wrap(entry.text, width - 2):
            yield Content("  " + line)
        return
    terms = textwrap.wrap(entry.term, _TERM)
    texts = textwrap.wrap(entry.text, width - _TERM - 2)
    for n in range(max(len(terms), len(texts))):
        left = terms[n] if n < len(terms) else ""
        right = texts[n] if n < len(texts) else ""
        yield Content.assemble((left, "bold"), " " * (_TERM + 2 - len(left)), right)


class HelpPage(Static):
    """The entries that hold the words of ``query``."""

    class Laid(Message):
        """The lines stand anew."""

    def __init__(self) -> None:
        super().__init__("", markup=False, id="page")
        self.query_text = ""
        self.begins: dict[Section, int] = {}

    def on_resize(self, event: events.Resize) -> None:
        self.lay_out()

    def search(self, query: str) -> None:
        """Show what matches."""
        self.query_text = query
        self.lay_out()

    def lay_out(self) -> None:
        """Set the lines out for the present width."""
        found = [entry for entry in load_help() if matches(entry, self.query_text)]
        text, self.begins = set_out(found, self.size.width)
        if not found:
            text = Content(f"Nothing here speaks of “{self.query_text.strip()}”.")
        self.update(text)
        self.post_message(self.Laid())
