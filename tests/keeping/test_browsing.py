"""Looking through the store: pages, searches that overtake each other, and nothing made by it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chatapp.archive.search import CLOSE, OPEN, parts
from chatapp.archive.store import NAME, Store
from chatapp.archive.writing import NewMessage, Writer
from chatapp.errors import StoreError
from chatapp.keeping.archive import Archive
from chatapp.keeping.browsing import PAGE, Browser


@pytest.fixture
async def archive(tmp_path: Path) -> AsyncIterator[Archive]:
    archive = Archive(tmp_path)
    yield archive
    await archive.close()


def store_sessions(folder: Path, count: int) -> None:
    with Store(folder / NAME) as store:
        for number in range(count):
            writer = Writer(store, f"{number:016x}")
            writer.begin("kept", title=f"session {number}", system="", model=None)
            writer.add([NewMessage(role="user", content=f"about rivers and {number}")])


async def test_looking_makes_no_store(tmp_path: Path, archive: Archive) -> None:
    browser = Browser(archive)
    await browser.look()
    await browser.look("anything")
    assert browser.found == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ["", "rivers"])
async def test_pages_come_one_after_the_other_the_newest_first(
    tmp_path: Path, archive: Archive, text: str
) -> None:
    store_sessions(tmp_path, PAGE + 7)
    browser = Browser(archive)
    await browser.look(text)
    assert len(browser.found) == PAGE
    assert browser.more
    assert len(await browser.next_page()) == 7
    assert not browser.more
    assert await browser.next_page() == []
    titles = [one.session.title for one in browser.found]
    assert titles == [f"session {n}" for n in reversed(range(PAGE + 7))]
    assert len({one.key for one in browser.found}) == PAGE + 7


async def test_a_search_that_was_overtaken_changes_nothing(
    tmp_path: Path, archive: Archive
) -> None:
    store_sessions(tmp_path, 3)
    browser = Browser(archive)
    await asyncio.gather(browser.look("rivers"), browser.look("2"))
    assert [one.session.title for one in browser.found] == ["session 2"]


async def test_changes_are_seen_in_the_list(tmp_path: Path, archive: Archive) -> None:
    store_sessions(tmp_path, 2)
    browser = Browser(archive)
    await browser.look("rivers")
    name = browser.found[0].session.id
    await browser.rename(name, "About  water")
    await browser.tag(name, "Rivers, school,, rivers")
    assert browser.found[0].session.title == "About water"
    assert browser.found[0].session.tags == ("rivers", "school")
    assert browser.found[0].hit is not None
    with pytest.raises(StoreError):
        await browser.rename(name, "  ")
    browser.gone(name)
    assert len(browser.found) == 1


def test_found_words_are_told_from_the_rest() -> None:
    assert parts(f"the {OPEN}capital{CLOSE} of {OPEN}Turkey{CLOSE}") == [
        ("the ", False),
        ("capital", True),
        (" of ", False),
        ("Turkey", True),
    ]
    # Marks that a person typed themselves break nothing, and no text is lost.
    for odd in (f"{CLOSE}a{OPEN}b", f"{OPEN}{OPEN}a{CLOSE}{CLOSE}", OPEN, CLOSE, ""):
        text = "".join(piece for piece, _ in parts(odd))
        assert text.replace(CLOSE, "") == odd.replace(OPEN, "").replace(CLOSE, "")
