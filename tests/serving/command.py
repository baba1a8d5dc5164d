"""``chatapp serve`` as a process of its own, on the real model."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent


@dataclass
class Command:
    """The running command: what it printed, and its links."""

    process: asyncio.subprocess.Process
    home: Path
    printed: list[str] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def links(self) -> list[str]:
        return re.findall(r"http://\S+/join/\S+", "\n".join(self.printed))

    async def listen(self) -> None:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            self.printed.append(line.decode().rstrip())
            self.changed.set()

    async def until(self, text: str, seconds: float = 30) -> None:
        async with asyncio.timeout(seconds):
            while not any(text in line for line in self.printed):
                self.changed.clear()
                await self.changed.wait()

    def children(self) -> list[int]:
        """All that it started, by parent and by their own groups' leader."""
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdecimal():
                try:
                    fields = (entry / "stat").read_text().rpartition(")")[2].split()
                except OSError:
                    continue
                if int(fields[1]) == self.process.pid and fields[0] != "Z":
                    found.append(int(entry.name))
        return found

    async def stop(self) -> int:
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGINT)
        try:
            return await asyncio.wait_for(self.process.wait(), 20)
        finally:
            if self.process.returncode is None:
                self.process.kill()


@asynccontextmanager
async def serving(model: Path, home: Path, *options: str) -> AsyncIterator[Command]:
    """Run it until the block ends."""
    for name in ("models", "transcripts"):
        (home / name).mkdir(parents=True, exist_ok=True)
    link = home / "models" / model.name
    if not link.exists():
        link.symlink_to(model)
    arguments = ("-u", "-m", "chatapp.cli.main", "serve", "--home", str(home), "--port", "0")
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *arguments,
        *options,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        cwd=home,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    command = Command(process, home)
    listening = asyncio.create_task(command.listen())
    try:
        await command.until("/join/")
        yield command
    finally:
        await command.stop()
        await listening
