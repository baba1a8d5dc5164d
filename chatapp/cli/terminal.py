"""Whether there is a terminal for the screen."""

from __future__ import annotations

import sys

from chatapp.errors import ChatappError

__all__ = ["need_terminal"]


def need_terminal(instead: str) -> None:
    """Raise :class:`ChatappError` where no screen can be shown; ``instead`` names what works there.

    Textual reads keys from standard input and paints on standard error. From a file or a pipe it
    would read the end over and over and never stop. Standard output may go anywhere.
    """
    for stream, name in ((sys.__stdin__, "input"), (sys.__stderr__, "error output")):
        if stream is None or stream.closed or not stream.isatty():
            raise ChatappError(
                f"The screen needs a terminal, and this program's {name} is none. {instead}"
            )
