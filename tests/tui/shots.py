"""Pictures of the screen, by hand: ``python -m tests.tui.shots FOLDER``.

Writes SVG files of a short scripted talk at several sizes and themes.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from chatapp.engine.counter import Counter
from chatapp.engine.protocol import Sampling
from chatapp.tui.app import ChatApp
from chatapp.tui.given import Given, Model, Values
from chatapp.tui.widgets.composer import Draft
from tests.scripted import Reply, ScriptedEngine

SIZES = [(40, 20), (80, 24), (120, 40)]
THEMES = ["textual-dark", "textual-light"]
TALK = {
    "What is the capital of Turkey?": "The capital of Turkey is **Istanbul**.",
    "No, actually the capital of Turkey is Ankara.": "You are right: it is Ankara.",
    "What is the capital of Turkey?\nAnd why?": "- Ankara\n- because `1923`",
}


async def shot(size: tuple[int, int], theme: str, *keys: str) -> str:
    """The screen after the talk and these keys, as SVG."""
    engine = ScriptedEngine([Reply(tuple(answer)) for answer in TALK.values()])

    async def open_model(name: str, window: int | None) -> Model:
        return Model(engine, Counter(engine, None), "SmolLM2-135M-Instruct")

    given = Given(open_model, "", lambda: Values("", Sampling(), "stop", None), theme=theme)
    app = ChatApp(given)
    async with app.run_test(size=size) as pilot:
        for text in TALK:
            app.chat.composer.draft = Draft(text)
            await pilot.press("enter")
            while app.chat.session.busy:
                await asyncio.sleep(0.05)
        app.chat.composer.draft = Draft("And of France?")
        await pilot.press(*keys)
        await asyncio.sleep(1)
        return app.export_screenshot(title="chatapp")


async def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for size in SIZES:
        for theme in THEMES:
            for name, keys in {"talk": [], "sent": ["f2"], "new": ["ctrl+n"]}.items():
                svg = await shot(size, theme, *keys)
                (folder / f"{name}-{size[0]}x{size[1]}-{theme}.svg").write_text(svg, "utf-8")


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
