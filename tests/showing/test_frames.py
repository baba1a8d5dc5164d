"""Pictures are made while somebody waits for one, when something changed, and not too often."""

from __future__ import annotations

import asyncio

from chatapp.showing.frames import Frames, Seen


class Screen:
    """A screen whose text can be set; it counts how often it was looked at and drawn."""

    def __init__(self) -> None:
        self.version, self.text, self.looked, self.drawn = 0, "first", 0, 0

    def write(self, text: str) -> None:
        self.text, self.version = text, self.version + 1

    def look(self) -> Seen:
        self.looked += 1
        text = self.text

        def draw() -> str:
            self.drawn += 1
            return f"<svg>{text}</svg>"

        return Seen(text, draw)

    def frames(self, pause: float = 0.01) -> Frames:
        return Frames(lambda: self.version, self.look, pause=pause)


async def test_nothing_is_looked_at_before_somebody_waits():
    screen = Screen()
    frames = screen.frames()
    for _ in range(20):
        screen.write("again")
        await asyncio.sleep(0)
    assert (screen.looked, frames.watched) == (0, False)


async def test_a_viewer_gets_what_there_is_and_then_what_changes():
    screen = Screen()
    frames = screen.frames()
    first = await frames.after(0, 5)
    assert first is not None
    assert first.svg == "<svg>first</svg>"
    waiting = asyncio.create_task(frames.after(first.number, 5))
    await asyncio.sleep(0.1)
    assert not waiting.done()
    assert frames.viewers == 1
    screen.write("second")
    second = await waiting
    assert second is not None
    assert (second.number, second.svg) == (first.number + 1, "<svg>second</svg>")
    assert frames.viewers == 0
    await frames.close()


async def test_what_was_drawn_but_looks_the_same_is_not_sent_again():
    screen = Screen()
    frames = screen.frames()
    first = await frames.after(0, 5)
    assert first is not None
    screen.write("first")
    assert await frames.after(first.number, 0.15) is None
    assert (screen.looked, screen.drawn) == (2, 1)
    await frames.close()


async def test_many_viewers_cost_one_picture_and_changes_in_between_none():
    screen = Screen()
    frames = screen.frames(pause=0.05)
    got = await asyncio.gather(*(frames.after(0, 5) for _ in range(20)))
    assert {one.number for one in got if one} == {1}
    assert screen.drawn == 1
    waiting = [asyncio.create_task(frames.after(1, 5)) for _ in range(20)]
    await asyncio.sleep(0)
    for n in range(200):  # a reply that streams
        screen.write(f"word {n}")
        await asyncio.sleep(0)
    [last] = {one.number for one in await asyncio.gather(*waiting) if one}
    assert last <= 3
    assert screen.drawn <= 3
    await frames.close()


async def test_an_old_picture_is_not_shown_to_one_who_comes_late():
    screen = Screen()
    frames = screen.frames()
    await frames.after(0, 5)
    await frames.close()  # as when nobody looked any more
    screen.write("later")
    late = await frames.after(0, 5)
    assert late is not None
    assert late.svg == "<svg>later</svg>"
    await frames.close()


async def test_a_screen_that_never_rests_is_shown_all_the_same():
    screen = Screen()
    frames = screen.frames()
    ended = False

    async def never_rest() -> None:
        while not ended:
            screen.write(f"at {screen.version}")
            await asyncio.sleep(0)

    busy = asyncio.create_task(never_rest())
    number = 0
    for _ in range(3):
        frame = await frames.after(number, 5)
        assert frame is not None
        number = frame.number
    ended = True
    await busy
    await frames.close()
