"""Looking through the stored sessions, page by page: all of them, or those in which words stand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from chatapp.archive import sessions
from chatapp.archive.records import SessionInfo
from chatapp.archive.search import Hit, search
from chatapp.archive.sessions import Place
from chatapp.keeping.archive import Archive

__all__ = ["PAGE", "Browser", "Found"]

PAGE: Final = 50


@dataclass(frozen=True, slots=True)
class Found:
    """A line of the list: a session and, if words were searched for, where they stand in it."""

    session: SessionInfo
    hit: Hit | None = None

    @property
    def key(self) -> str:
        """What tells this line from the others."""
        return f"{self.session.id}:{self.hit.message if self.hit else ''}"


class Browser:
    """Reads no more than what is shown. ``text`` empty: all sessions, the last changed first.

    Its methods raise :class:`~chatapp.errors.StoreError`. A store that nobody has begun is empty,
    and is not made by looking.
    """

    def __init__(self, archive: Archive) -> None:
        self.archive = archive
        self.text = ""
        self.found: list[Found] = []
        self.more = False
        """Whether another page may follow."""

    async def look(self, text: str = "") -> None:
        """The first page of what holds these words; of a search that was overtaken, nothing."""
        self.text = text
        page = await self._page(text, None)
        if text == self.text:
            self.found, self.more = page, len(page) == PAGE

    async def next_page(self) -> list[Found]:
        """What follows; empty if nothing does."""
        if not self.more or not self.found:
            return []
        text, last = self.text, self.found[-1]
        page = await self._page(text, last)
        if text != self.text or self.found[-1] is not last:
            return []
        self.found += page
        self.more = len(page) == PAGE
        return page

    async def _page(self, text: str, last: Found | None) -> list[Found]:
        if not self.archive.begun:
            return []
        if text.strip():
            before = last.hit.message if last and last.hit else None
            hits = await self.archive.call(search, text, limit=PAGE, before=before)
            return [Found(hit.session, hit) for hit in hits]
        after = Place(last.session.changed, last.session.id) if last else None
        infos = await self.archive.call(sessions.listed, limit=PAGE, after=after)
        return [Found(info) for info in infos]

    # ── changes, seen at once ───────────────────────────────────────────────────────────────────

    async def rename(self, session: str, title: str) -> None:
        """Give a session another name."""
        await self.archive.call(sessions.rename, session, title)
        await self._again(session)

    async def tag(self, session: str, tags: str) -> None:
        """Give a session these tags, divided by commas, and no others."""
        await self.archive.call(sessions.tag, session, tags.split(","))
        await self._again(session)

    def gone(self, session: str) -> None:
        """A session was deleted."""
        self.found = [one for one in self.found if one.session.id != session]

    async def _again(self, session: str) -> None:
        info = await self.archive.call(sessions.find, session)
        self.found = [
            Found(info, one.hit) if one.session.id == session else one for one in self.found
        ]
