"""The clipboard of this machine, through whichever small program it has for that.

The terminal is asked as well (OSC 52, which works over SSH), but it never answers; a program does.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from collections.abc import Iterator, Mapping

_WAIT = 2.0


def _programs(environment: Mapping[str, str], platform: str) -> Iterator[list[str]]:
    """The programs that could take the text, most fitting first."""
    if platform == "darwin":
        yield ["pbcopy"]
    if platform == "win32":
        yield ["clip.exe"]
    if environment.get("WAYLAND_DISPLAY"):
        yield ["wl-copy"]
    if environment.get("DISPLAY"):
        yield ["xclip", "-selection", "clipboard", "-in"]
        yield ["xsel", "--clipboard", "--input"]
    if environment.get("WSL_DISTRO_NAME"):
        yield ["clip.exe"]


async def copy(text: str) -> bool:
    """Hand ``text`` to the local clipboard. False if there is no program that takes it."""
    for command in _programs(os.environ, sys.platform):
        path = shutil.which(command[0])
        # Windows' program reads anything but UTF-16 as an old code page.
        coding = "utf-16" if command[0] == "clip.exe" else "utf-8"
        if path and await _fed([path, *command[1:]], text.encode(coding, "replace")):
            return True
    return False


async def _fed(command: list[str], data: bytes) -> bool:
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            # A program that stays to serve the clipboard must not hold this terminal.
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError:
        return False
    try:
        async with asyncio.timeout(_WAIT):
            await process.communicate(data)
    except TimeoutError:
        # It has the text but does not end: some programs do that.
        return process.returncode is None
    except OSError:
        return False
    return process.returncode == 0
