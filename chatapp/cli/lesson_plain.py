"""A lesson as plain text in the terminal: questions on stdin, answers as they come."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from contextlib import suppress
from threading import Thread

from chatapp.cli.lesson_text import last_page, wrapped
from chatapp.cli.text import clean
from chatapp.conversation import Step as Event
from chatapp.engine.protocol import Token
from chatapp.errors import ChatappError
from chatapp.lessons.handout import change
from chatapp.lessons.headless import HeadlessStage
from chatapp.lessons.play import Play, Played
from chatapp.lessons.player import Player
from chatapp.lessons.steps import AnotherPerson, Expect, Lesson, NewSession, Settings, SwitchTo
from chatapp.lessons.words import Words
from chatapp.proofs.evidence import Paragraph, Plot, Table
from chatapp.proofs.lab import Lab
from chatapp.proofs.report.text import number

__all__ = ["play_plain"]

Read = Callable[[str], str]


class _Left(Exception):
    """The person ended it."""


async def play_plain(lesson: Lesson, lab: Lab, read: Read | None = None) -> Play:
    """Play with a person. ``read`` asks for a line; the end of its input ends the play."""
    player = Player(lesson, HeadlessStage(lab, told=_stream))
    await player.begin()
    teller = _Teller(player, read or input)
    try:
        while player.phase != "ended":
            await teller.step()
    except _Left:
        pass
    finally:
        await lab.close(but=lab.engine)
    _say("")
    _say(last_page(player.play, player.words))
    return player.play


class _Teller:
    """Shows the step that the player is at, and does what the person wants."""

    def __init__(self, player: Player, read: Read) -> None:
        self.player = player
        self.words: Words = player.words
        self._read = read

    async def step(self) -> None:
        player, step = self.player, self.player.step
        if player.phase == "ready":
            self._before()
            if player.asking and isinstance(step, Expect):
                await self._guess(step)
                return
        elif isinstance(step, (NewSession, AnotherPerson, SwitchTo, Settings)):
            await player.next()  # there is nothing to look at: on to what follows
            return
        before, said = player.phase, player.play.says(step)
        await self._wait()
        done = before == "ready" and player.phase == "done" and player.step is step
        if done and player.played is not None:
            self._after(player.played, said)

    def _before(self) -> None:
        player, step = self.player, self.player.step
        _say(f"\n── {step.number}/{len(self.player.lesson.steps)} ──")
        if said := player.play.says(step):
            _say("\n".join(wrapped(said, "")))
        if (
            typed := getattr(step, "ask", "")
            or getattr(step, "raw", "")
            or getattr(step, "send", "")
        ):
            _say("\n" + "\n".join(wrapped(f"> {typed.strip()}", "  ")))
        elif step.kind not in ("say", "expect", "summary"):
            _say("\n".join(wrapped(f"[{change(step, self.words)}]", "  ")))

    async def _guess(self, step: Expect) -> None:
        for place, option in enumerate(step.options, 1):
            _say("\n".join(wrapped(f"{place}  {option.text}", "  ")))
        while self.player.asking:
            line = await self._line(self.words("ask-guess", count=len(step.options)))
            if line.isdecimal() and 1 <= int(line) <= len(step.options):
                self.player.guess(step.options[int(line) - 1].id)
                await self.player.next()
            elif not line:
                await self.player.next()
            elif not await self._command(line):
                continue
            else:
                return

    async def _wait(self) -> None:
        """Wait for the person to go on; a step that fails may be tried again."""
        line = await self._line(self.words("ask-next"))
        try:
            if not line:
                await self.player.next()
            else:
                await self._command(line)
        except ChatappError as error:
            _say(str(error))

    async def _command(self, line: str) -> bool:
        """Do what a letter asks for; whether there is such a letter."""
        if line == "q":
            raise _Left
        if line == "b":
            await self.player.back()
        elif line == "t":
            await self._take_over()
        else:
            _say(self.words("keys"))
            return False
        return True

    async def _take_over(self) -> None:
        await self.player.take_over()
        _say(self.words("yours"))
        while line := await self._line("> "):
            reply = await self.player.stage.send(line)
            _say(f"\n{reply.note}" if reply.note else "")
        await self.player.resume()
        _say(self.words("resumed"))

    def _after(self, played: Played, said: str) -> None:
        outcome = played.outcome
        if outcome is None:
            return
        words = self.words
        if outcome.prompt:
            _say("")
            names = ("tokens_sent", "tokens_again", "p_right", "p_wrong")
            known = [(name, outcome.values.get(name)) for name in names]
            line = " · ".join(
                f"{words.name(name)}: {words.number(value)}"
                for name, value in known
                if isinstance(value, (int, float))
            )
            _say("\n".join(wrapped(line, "    ")))
        for block in outcome.blocks:
            _say(_block(block))
        if outcome.evidence is not None:
            for check in outcome.evidence.checks:
                _say("\n".join(wrapped(f"{'✓' if check.held else '✗'} {check.says}", "    ")))
        for guess in played.decides:
            _say("")
            if guess.guessed is not None:
                _say(words("you-guessed", option=guess.guessed.text))
            after = guess.happened.after or guess.happened.text if guess.happened else ""
            _say("\n".join(wrapped(f"→ {self.player.play.filled(after) or words('none')}", "    ")))
        now = self.player.play.says(played.step)
        if now != said:
            _say("\n".join(wrapped(now, "")))

    async def _line(self, prompt: str) -> str:
        try:
            return (await _in_background(self._read, prompt)).strip()
        except EOFError:
            raise _Left from None


async def _in_background(read: Read, prompt: str) -> str:
    """Wait for a line on a thread that nothing waits for: Ctrl+C ends the program at once."""
    loop = asyncio.get_running_loop()
    line: asyncio.Future[str] = loop.create_future()

    def tell(found: str | None, error: BaseException | None) -> None:
        if not line.done():
            line.set_exception(error) if error else line.set_result(found or "")

    def run() -> None:
        try:
            found = read(prompt)
        except BaseException as error:
            told: tuple[str | None, BaseException | None] = None, error
        else:
            told = found, None
        with suppress(RuntimeError):  # the program has ended meanwhile
            loop.call_soon_threadsafe(tell, *told)

    Thread(target=run, daemon=True, name="line").start()
    return await line


def _block(block: object) -> str:
    if isinstance(block, Table):
        lines = ["  " + " | ".join(_cell(cell) for cell in row) for row in block.rows]
        return "\n".join(["  " + " | ".join(block.columns), *lines])
    if isinstance(block, Plot):
        rows = []
        for name, values in block.series.items():
            rows.append(f"  {name}")
            rows += [
                f"  {label!r:<14} {number(value) if value is not None else '?'}"
                for label, value in zip(block.labels, values, strict=True)
            ]
        return "\n".join(rows)
    return "\n".join(wrapped(block.text, "  ")) if isinstance(block, Paragraph) else ""


def _cell(value: object) -> str:
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "-"}[value]
    if isinstance(value, (int, float)):
        return number(value)
    text = " ".join(str(value).split())
    return text if len(text) <= 66 else text[:65] + "…"


def _stream(event: Event) -> None:
    if isinstance(event, Token):
        sys.stdout.write(clean(event.text))
        sys.stdout.flush()


def _say(text: str) -> None:
    print(clean(text), flush=True)
