"""Takes the README's pictures and its recording: the real screen, the real model.

``make pictures`` takes all of them; a test says when they are out of date.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import sys
import tempfile
from pathlib import Path

from textual.pilot import Pilot

from chatapp.cli.chat import Wiring
from chatapp.home.paths import find_home
from chatapp.home.settings import AppSettings
from chatapp.lessons.library import Lessons
from chatapp.showing.recorder import record
from chatapp.tui.app import ChatApp
from chatapp.tui.screens.chat import ChatScreen

HERE = Path(__file__).parent
ROOT = HERE.parent
MODEL = "SmolLM2-135M-Instruct*.gguf"
LESSON = "correction"
CAST = "lesson.cast"
TALK = [
    "What is the capital of Turkey?",
    "That is not right. The capital of Turkey is Ankara. "
    "Repeat after me: The capital of Turkey is Ankara.",
    "What is the capital of Turkey?",
]


def clean(svg: str) -> str:
    """The picture without fonts from elsewhere, and with its spaces kept by every viewer."""
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)
    svg = re.sub(r"font-family: [^;]*;", "font-family: 'Fira Code', Menlo, monospace;", svg)
    return svg.replace("<text ", '<text xml:space="preserve" ')


async def answered(chat: ChatScreen, turns: int) -> None:
    """Wait until so many turns have ended and their numbers stand on the screen."""

    def taken() -> int:
        conversation = chat.session.conversation
        return len(conversation.turns) if conversation else 0

    while taken() < turns or chat.session.busy:
        await asyncio.sleep(0.05)
    await asyncio.sleep(1.0)


async def talk(chat: ChatScreen, pilot: Pilot[None]) -> None:
    """Ask, correct, and ask again."""
    for turns, text in enumerate(TALK, 1):
        chat.composer.insert_text(text)
        await pilot.press("enter")
        await answered(chat, turns)


async def proof(chat: ChatScreen, pilot: Pilot[None]) -> None:
    """Ask, correct, and begin a new session: it opens on the proof."""
    chat.composer.insert_text(TALK[0])
    await pilot.press("enter")
    await answered(chat, 1)
    await pilot.press("ctrl+k")
    await asyncio.sleep(1.0)
    await pilot.press(*"Ankara", "ctrl+s")
    await answered(chat, 2)
    await pilot.press("ctrl+n")
    await asyncio.sleep(8.0)


async def lesson(chat: ChatScreen, pilot: Pilot[None]) -> None:
    """The lesson about corrections, where a guess is contradicted."""
    await chat.play_lesson(Lessons(None).lesson(LESSON))
    while chat.lesson is not None:
        playing = chat.lesson
        if playing.player.asking:
            await playing.guess(2)
        await playing.next()
        played = playing.player.played
        if played is not None and played.step.id == "new":
            return


def recording() -> None:
    """The same lesson to its end, playing by itself in a terminal of its own."""
    command = [sys.executable, "-m", "chatapp.cli.main", "lesson", LESSON, "--lang", "en"]
    with tempfile.TemporaryDirectory() as folder:
        model = next((ROOT / "models").glob(MODEL))
        command += ["--autoplay", "--presenter", "--home", folder, "--model", str(model)]
        title = Lessons(None).lesson(LESSON).title
        if record(command, HERE / CAST, size=(80, 24), title=title) != 0:
            raise SystemExit("The lesson did not reach its end.")


PICTURES = {
    "screen.svg": ((120, 36), "textual-dark", talk),
    "screen-light.svg": ((120, 36), "textual-light", talk),
    "proof.svg": ((110, 40), "textual-dark", proof),
    "lesson.svg": ((90, 30), "textual-dark", lesson),
}


async def picture(name: str) -> None:
    """Do what the picture shows, with the real model, and keep what stands on the screen."""
    size, theme, do = PICTURES[name]
    with tempfile.TemporaryDirectory() as folder:
        home = find_home(folder, {}, Path(folder))
        home.ensure()
        weights = next((ROOT / "models").glob(MODEL))
        given = Wiring(home, AppSettings(theme=theme)).given(str(weights))
        app = ChatApp(given)
        async with app.run_test(size=size) as pilot:
            chat = app.chat
            await chat.opened.wait()
            while chat.model is None or chat.model.engine.state != "ready":
                await asyncio.sleep(0.05)
            await do(chat, pilot)
            await asyncio.sleep(1.5)
            await pilot.pause()
            (HERE / name).write_text(clean(app.export_screenshot(title="chatapp")))


def main() -> None:
    """Take them all, or those named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*")
    for name in parser.parse_args().names or [*PICTURES, CAST]:
        if name == CAST:
            recording()
        else:
            asyncio.run(picture(name))
        print(name)


if __name__ == "__main__":
    main()
