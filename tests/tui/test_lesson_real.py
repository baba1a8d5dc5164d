"""Lessons with the real model: on the screen as headless, recorded, and in the docs as of now."""

from __future__ import annotations

import asyncio
import re
import sys
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import pytest

from chatapp.cli.chat import Wiring
from chatapp.cli.main import main
from chatapp.engine.client import LocalEngine
from chatapp.home.paths import find_home
from chatapp.home.settings import AppSettings
from chatapp.lessons.library import Lessons
from chatapp.lessons.play import Play
from chatapp.lessons.playing import play
from chatapp.lessons.steps import Say, Show
from chatapp.proofs.lab import Lab
from chatapp.proofs.report.text import exact
from chatapp.showing.cast import read
from chatapp.sources.notes import Notes, save_notes
from chatapp.tui.app import ChatApp
from chatapp.tui.screens.costs import CostsScreen
from chatapp.tui.screens.lesson_end import LessonEnd
from docs.pictures import CAST, HERE, LESSON

_CONTROL = re.compile(r"\x1b(?:\[[0-9;?<>=$]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")


@pytest.fixture(scope="module")
async def headless(engine: LocalEngine, default_model: Path) -> Play:
    """The lesson of the docs, played now."""
    lab = Lab(default_model, engine.options, engine=engine)
    return await play(Lessons(None).lesson(LESSON), lab)


def letters(text: str) -> str:
    """What is left when a terminal's control sequences, its frames and its lines' ends are gone."""
    return re.sub(r"[\W_]", "", _CONTROL.sub("", text))


def drawn(svg: str) -> str:
    root = ET.fromstring(svg)
    return "".join(text.text or "" for text in root.iter("{http://www.w3.org/2000/svg}text"))


@pytest.mark.parametrize("name", [LESSON, "costs", "inputs"])
async def test_on_the_screen_every_bit_is_as_it_is_headless(
    name: str, engine: LocalEngine, default_model: Path, tmp_path: Path
):
    lab = Lab(default_model, engine.options, engine=engine)
    headless = await play(Lessons(None).lesson(name), lab)
    home = find_home(str(tmp_path), {}, tmp_path)
    home.ensure()
    # A person's saved notes are in the person's sessions, and in none of the lesson's.
    save_notes(home.notes_file, Notes(on=True, texts=("My dog is called Biscuit.",)))
    given = Wiring(home, AppSettings(system="Be brief.", window=2048)).given(str(default_model))
    path = tmp_path / "page.html"
    given = replace(given, play=headless.lesson, handout_path=path)
    app = ChatApp(given)
    async with app.run_test(size=(80, 24)) as pilot, asyncio.timeout(120):
        while (lesson := app.chat.lesson) is None or lesson.player.phase == "new":
            await pilot.pause(0.05)
        opened: set[type] = set()
        while lesson.player.phase != "ended":
            if lesson.player.asking:
                await lesson.guess(2)
            await lesson.next()
            assert not lesson.error
            opened.add(type(app.screen))
            await pilot.pause()
        while not isinstance(app.screen, LessonEnd):
            await pilot.pause(0.05)
        assert lesson.player.play.bits == headless.bits
        views = {step.show for step in headless.lesson.steps if isinstance(step, Show)}
        assert (CostsScreen in opened) == bool(views - {"context", "meter"})
        assert headless.held
        # The person's own session is where it was, with the person's settings.
        own = app.chat.sessions[0].conversation
        assert own is not None
        assert (own.nodes, own.system) == ([], "Be brief.")
    page = path.read_text("utf-8")
    assert all(exact(one.outcome.text.strip()) in page for one in headless.steps if one.outcome)


def test_a_recording_shows_the_lesson_as_it_is_played(
    default_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, headless: Play
):
    cast, still = tmp_path / "a.cast", tmp_path / "a.svg"
    words = ["lesson", LESSON, "--lang", "en", "--home", str(tmp_path), "-m", str(default_model)]
    words += [f"--record={cast}", "--still", str(still), "--pace", "0", "--size", "90x28"]
    monkeypatch.setattr(sys, "argv", ["chatapp", *words])
    assert main(words) == 0
    recorded = read(cast.read_text("utf-8"))
    assert (recorded.columns, recorded.lines) == (90, 28)
    assert recorded.title == headless.lesson.title
    shown = letters(recorded.text)
    for played in headless.steps:
        if played.outcome is not None:
            assert letters(played.outcome.text) in shown
    assert letters(headless.guesses[-1].step.expect) in letters(drawn(still.read_text("utf-8")))


def test_the_recording_in_the_docs_is_of_this_lesson_and_these_answers(headless: Play):
    """Out of date? ``make pictures`` takes it again."""
    path = HERE / CAST
    assert path.stat().st_size < 1_000_000
    recorded = read(path.read_text("utf-8"))
    assert recorded.title == headless.lesson.title
    shown = letters(recorded.text)
    for played in headless.steps:
        if played.outcome is not None:
            assert letters(played.outcome.text) in shown
        if isinstance(played.step, Say):
            assert letters(played.step.say) in shown
        for guess in played.decides:
            assert guess.happened is not None
            assert letters(guess.happened.text) in shown
            assert letters(guess.happened.after) in shown


def test_the_picture_in_the_docs_is_of_these_answers(headless: Play):
    path = HERE / "lesson.svg"
    assert path.stat().st_size < 300_000
    shown = letters(drawn(path.read_text("utf-8")))
    [new] = [played for played in headless.steps if played.step.id == "new"]
    assert new.outcome is not None
    assert letters(new.outcome.text) in shown
    assert letters(headless.lesson.title) in shown
    [guess] = new.decides
    assert guess.happened is not None
    assert letters(guess.happened.after) in shown
