"""The end of a program whose terminal is gone.

The system tells it with a signal (SIGHUP), and that ends it. Where none comes, as in a container or
behind ``nohup``, Textual reads the end of its input over and over, and the model stays in memory.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import threading

__all__ = ["end_with_the_terminal"]


def end_with_the_terminal() -> None:
    """From now on this process ends when the terminal it reads from hangs up.

    Not on Windows, which has no such thing, and not where the input is no terminal.
    """
    if sys.__stdin__ is None or not sys.__stdin__.isatty() or not hasattr(select, "poll"):
        return
    watch = threading.Thread(
        target=_watch, args=(sys.__stdin__.fileno(),), name="hangup", daemon=True
    )
    watch.start()


def _watch(terminal: int) -> None:
    poll = select.poll()
    poll.register(terminal, 0)  # a hangup is told in any case, and nothing else is asked for
    if not any(what & select.POLLHUP for _, what in poll.poll()):
        return  # it was closed here
    # What is kept was written when it happened. No word could be shown any more, and the event loop
    # may wait for the terminal to take what it wrote. The model's process ends with its input.
    os._exit(128 + signal.SIGHUP)
