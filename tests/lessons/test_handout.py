"""The hand-out: all that happened on one page, escaped, and nothing that is loaded."""

from __future__ import annotations

import re
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import pytest

from chatapp.errors import ChatappError
from chatapp.lessons.handout import as_handout, write_handout
from chatapp.lessons.headless import HeadlessStage
from chatapp.lessons.play import Play
from chatapp.lessons.player import Player
from chatapp.proofs.lab import Lab
from tests.lessons.samples import small

EVIL = '<script>alert(1)</script>"&<img src="http://x.test/a.png">'


async def played(lab: Lab) -> Play:
    lesson = small(('say = "Welcome."', f"say = '{EVIL}'"), ('text = "Ankara"', f"text = '{EVIL}'"))
    player = Player(lesson, HeadlessStage(lab))
    await player.begin()
    while player.phase != "ended":
        if player.asking:
            player.guess("other")
        await player.next()
    await player.back()
    await player.next()
    return player.play


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))


async def test_the_page_holds_questions_guesses_prompts_answers_and_checks(lab: Lab) -> None:
    play = await played(lab)
    page = as_handout([play], made="today")
    text = unescape(re.sub("<[^>]+>", "", page))
    for wanted in (
        *("A test", "And corrected?", "Something else", "That was it.", "today"),
        play.outcomes["first"].prompt,
        play.outcomes["first"].text,
        "“Istanbul” stands in the answer.",
        "chatapp lesson small",
        "— a new session —",
        play.setting.sha256 if play.setting else "",
    ):
        assert wanted in text, wanted
    assert "Please remember" in text


async def test_text_is_escaped_and_nothing_is_loaded(lab: Lab) -> None:
    page = as_handout([await played(lab)], made=EVIL)
    tags = Tags()
    tags.feed(page)
    names = {name for name, _ in tags.seen}
    assert not names & {"script", "img", "iframe", "link", "object", "embed"}
    assert not [attrs for _, attrs in tags.seen if attrs.keys() & {"src", "onload", "onclick"}]
    assert "default-src 'none'" in page
    assert EVIL not in page
    assert "alert(1)" in page


async def test_it_is_written_whole_or_not_at_all(lab: Lab, tmp_path: Path) -> None:
    play = await played(lab)
    write_handout(tmp_path / "page.html", [play], made="today")
    assert (tmp_path / "page.html").read_text("utf-8").endswith("</html>\n")
    with pytest.raises(ChatappError, match="no folder"):
        write_handout(tmp_path / "none" / "page.html", [play], made="today")
