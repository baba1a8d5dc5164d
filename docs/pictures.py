"""Takes the README's pictures: the real screen, the real model (``make pictures``)."""

from __future__ import annotations

import argparse
import asyncio
import re
import tempfile
from pathlib import Path

from chatapp.cli.chat import Wiring
from chatapp.home.paths import find_home
from chatapp.home.settings import AppSettings
from chatapp.tui.app import ChatApp

HERE = Path(__file__).parent
ROOT = HERE.parent
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


async def picture(name: str, size: tuple[int, int], theme: str, *, new_session: bool) -> None:
    """Hold the conversation and keep what stands on the screen."""
    with tempfile.TemporaryDirectory() as folder:
        home = find_home(folder, {}, Path(folder))
        home.ensure()
        weights = next((ROOT / "models").glob("SmolLM2-135M-Instruct*.gguf"))
        given = Wiring(home, AppSettings(theme=theme)).given(str(weights))
        app = ChatApp(given)
        async with app.run_test(size=size) as pilot:
            chat = app.chat
            await chat.opened.wait()
            while chat.model is None or chat.model.engine.state != "ready":
                await asyncio.sleep(0.05)
            for text in TALK:
                chat.composer.insert_text(text)
                await pilot.press("enter")
                while chat.session.turn is None:
                    await asyncio.sleep(0.02)
                while chat.session.busy:
                    await asyncio.sleep(0.05)
                await asyncio.sleep(1.0)
            if new_session:
                await pilot.press("ctrl+n")
                await asyncio.sleep(0.5)
                chat.composer.insert_text(TALK[0])
                await pilot.press("enter")
                await asyncio.sleep(0.3)
                while chat.session.busy:
                    await asyncio.sleep(0.05)
            await asyncio.sleep(1.5)
            await pilot.pause()
            (HERE / name).write_text(clean(app.export_screenshot(title="chatapp")))


def main() -> None:
    """Take them all, or those named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*")
    names = parser.parse_args().names
    pictures = {
        "screen.svg": ((120, 36), "textual-dark", False),
        "screen-light.svg": ((120, 36), "textual-light", False),
        "new-session.svg": ((80, 24), "textual-dark", True),
    }
    for name, (size, theme, new_session) in pictures.items():
        if not names or name in names:
            asyncio.run(picture(name, size, theme, new_session=new_session))
            print(name)


if __name__ == "__main__":
    main()
