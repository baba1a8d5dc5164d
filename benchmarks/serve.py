"""A class of 20 at once on ``chatapp serve``: real screens, the real model, one of them flooding.

Each visitor writes a word that nobody else has; it must never appear on another's screen. Times are
those that the visitors' own screens tell. Everyone presses Enter at the same moment, which is the
worst case: the last one waits for an answer of every other.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from benchmarks.plan import ROOT, Plan
from benchmarks.result import Aim, Figure, Result, percentile

VISITORS = 20
REPLY_SECONDS = 30
_SETTLE = 5.0
"""Seconds after which a screen that was looked at has its input focused, on a busy machine too."""
_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
_FIRST = re.compile(r"first token ([\d.]+) s")
_TOPICS = ("rivers", "bread", "the moon", "bees", "glass", "rain", "trains", "salt", "music", "ice")


@dataclass
class Visitor:
    """One page: what was painted on it, without colours."""

    number: int
    channel: aiohttp.ClientWebSocketResponse
    painted: str = ""
    raw: bytes = b""
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def word(self) -> str:
        return f"zq{self.number:02}{self.number * 7919 % 9973:04}kx"

    async def watch(self) -> None:
        async for message in self.channel:
            if message.type is aiohttp.WSMsgType.BINARY:
                self.raw += message.data
                text = _ANSI.sub(" ", message.data.decode("utf-8", "replace"))
                self.painted += text
                self.changed.set()

    async def sees(self, text: str, since: int = 0, seconds: float = 900) -> None:
        async with asyncio.timeout(seconds):
            while text not in self.painted[since:]:
                self.changed.clear()
                await self.changed.wait()

    async def type(self, text: str) -> None:
        await self.channel.send_str(json.dumps(["stdin", text]))

    async def ask(self, turn: int) -> float:
        """Send a message; the seconds to the first token, as the screen tells them."""
        since = len(self.painted)
        topic = _TOPICS[(self.number + turn) % len(_TOPICS)]
        await self.type(f"\x1b[200~My word is {self.word}. Tell me about {topic}.\x1b[201~")
        await self.sees(self.word, since)
        await self.type("\r")
        await self.sees(f"turn {turn}:", since)
        while not (told := _FIRST.findall(self.painted, self.painted.find(f"turn {turn}:", since))):
            self.changed.clear()
            await self.changed.wait()
        return float(told[0])


def memory(root: int) -> float:
    """MiB of a process and all that it started; what they share is counted once (PSS)."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                parents[int(entry.name)] = int(
                    (entry / "stat").read_text().rpartition(")")[2].split()[1]
                )
            except OSError:
                continue
    total = 0
    for process in [root, *(child for child, parent in parents.items() if parent == root)]:
        try:
            found = re.search(r"Pss: +(\d+)", Path(f"/proc/{process}/smaps_rollup").read_text())
        except OSError:
            continue
        total += int(found[1]) if found else 0
    return total / 1024


async def _flood(one: Visitor) -> int:
    """Paste and press Enter as fast as the socket takes it; how many messages it took."""
    count = 0
    while True:
        text = f"{one.word} " * 40
        await one.type(f"\x1b[200~{text}\x1b[201~\r\x12")
        count += 1
        await asyncio.sleep(0)


async def soak(weights: Path, visitors: int, rounds: int, say: Callable[[str], None]) -> Result:
    """The class; raises ``AssertionError`` if a text crosses or somebody is left out."""
    async with AsyncExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        for name in ("models", "transcripts"):
            (home / name).mkdir()
        (home / "models" / weights.name).symlink_to(weights)
        options = ["--port", "0", "--visitors", str(visitors + 1), "--home", str(home)]
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-u", "-m", "chatapp.cli.main", "serve"),
            *options,
            *("--reply-seconds", str(REPLY_SECONDS), "--policy", "drop-oldest"),
            stdout=asyncio.subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        try:
            return await _class(process, stack, visitors, rounds, say)
        finally:
            if process.returncode is None:
                process.send_signal(signal.SIGINT)
            await asyncio.wait_for(process.wait(), 60)


async def _class(
    process: asyncio.subprocess.Process,
    stack: AsyncExitStack,
    visitors: int,
    rounds: int,
    say: Callable[[str], None],
) -> Result:
    assert process.stdout is not None
    link = ""
    while not link:
        line = (await process.stdout.readline()).decode()
        assert line, "chatapp serve ended"
        link = next(iter(re.findall(r"http://\S+/join/\S+", line)), "")
    base = link.partition("/join/")[0]
    drain = asyncio.create_task(_drain(process.stdout))

    async def enter(number: int) -> Visitor:
        session = await stack.enter_async_context(
            aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))
        )
        headers = {"Origin": base}
        async with session.post(link, headers=headers) as answer:
            assert answer.status == 200, await answer.text()
        channel = await session.ws_connect(
            f"{base}/ws?width=120&height=40", headers=headers, max_msg_size=0
        )
        found = Visitor(number, channel)
        watches.append(asyncio.create_task(found.watch()))
        await found.sees(" ready ")
        await channel.send_str('["focus"]')
        return found

    watches: list[asyncio.Task[None]] = []
    began = time.monotonic()
    everyone = list(await asyncio.gather(*(enter(n) for n in range(visitors))))
    entered = time.monotonic() - began
    await asyncio.sleep(_SETTLE)
    say(f"{visitors} screens ready in {entered:.0f} s")
    at_first = memory(process.pid)
    calm: list[float] = []
    for turn in range(1, rounds + 1):
        calm += await asyncio.gather(*(one.ask(turn) for one in everyone))
        say(f"round {turn}: last first token after {max(calm[-visitors:]):.1f} s")
    flooder = await enter(visitors)
    await asyncio.sleep(_SETTLE)
    flood = asyncio.create_task(_flood(flooder))
    flooded = list(await asyncio.gather(*(one.ask(rounds + 1) for one in everyone)))
    say(f"with a flood: last first token after {max(flooded):.1f} s")
    flood.cancel()
    at_last = memory(process.pid)

    crossed = sum(
        other.word in one.painted
        for one in [*everyone, flooder]
        for other in [*everyone, flooder]
        if one is not other
    )
    own = sum(one.word in one.painted for one in everyone)
    assert own == visitors, "a screen did not show its own visitor's word"
    last_calm = calm[-visitors:]
    for task in (*watches, drain):
        task.cancel()
    bound = (visitors - 1) * REPLY_SECONDS
    return Result(
        [
            Figure("first token, median", percentile(calm, 0.5), "s", count=len(calm)),
            Figure("first token, 95 of 100", percentile(calm, 0.95), "s", count=len(calm)),
            Figure(
                "first token, longest",
                max(calm),
                "s",
                count=len(calm),
                aim=Aim("≤", bound),
                beside="the bound is what the limits allow: 30 s for each other visitor",
            ),
            Figure(
                "longest with a flood, against without",
                max(flooded) / max(last_calm),
                aim=Aim("≤", 2.0),
                beside=f"{max(flooded):.1f} s, {max(last_calm):.1f} s",
            ),
            Figure("words on another's screen", crossed, "", aim=Aim("=", 0)),
            Figure(
                "memory, end against start",
                at_last / at_first,
                aim=Aim("≤", 2.0),
                beside=f"{at_last:,.0f} MiB, {at_first:,.0f} MiB",
            ),
            Figure("memory in all, for each visitor", at_last / (visitors + 1), "MiB"),
        ],
        [f"{visitors} screens were ready {entered:.0f} s after their links were opened."],
    )


async def _drain(stream: asyncio.StreamReader) -> None:
    while await stream.readline():
        pass


def measure(plan: Plan) -> Result:
    """What it is like when everyone presses Enter at once."""
    return asyncio.run(soak(plan.weights, plan.some(VISITORS, 4), plan.some(2, 1), plan.say))
