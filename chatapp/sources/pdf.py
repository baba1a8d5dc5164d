"""The text of a PDF, read in a process of its own: a PDF is a program from a stranger.

Run as ``python -m chatapp.sources.pdf FILE`` it prints JSON: ``pages``, or ``error`` with a kind.
A file that takes too long or too much memory ends that process and nothing else.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Final

from chatapp.errors import SourceError

__all__ = ["TooSlow", "pages_of"]

SECONDS: Final = 60
_MEMORY: Final = 2 << 30
_MOST_TEXT: Final = 16 << 20

_SAYS: Final = {
    "encrypted": "is encrypted, and cannot be read without its password",
    "cipher": "is encrypted in a way that is not read here",
    "broken": "is not a readable PDF",
}


class TooSlow(SourceError):
    """It took too long: with less going on here it may be read."""


def pages_of(path: Path, name: str) -> list[str]:
    """The text of each page. ``name`` stands in the sentence of a :class:`SourceError`."""
    try:
        done = subprocess.run(
            # -P: a file of that name in the current folder is no part of this program.
            [sys.executable, "-P", "-m", __name__, str(path)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise TooSlow(f"{name} takes longer than {SECONDS} s to read as a PDF.") from None
    try:
        answer = json.loads(done.stdout)
    except ValueError:
        answer = {"error": "broken"}
    if "error" in answer:
        raise SourceError(f"{name} {_SAYS.get(answer['error'], _SAYS['broken'])}.")
    return [str(page) for page in answer["pages"]]


def _read(path: str) -> dict[str, object]:
    import logging

    from pypdf import PasswordType, PdfReader
    from pypdf.errors import DependencyError

    logging.disable()
    try:
        reader = PdfReader(path)
        if reader.is_encrypted and reader.decrypt("") is PasswordType.NOT_DECRYPTED:
            return {"error": "encrypted"}
        pages, left = [], _MOST_TEXT
        for page in reader.pages:
            text = page.extract_text()
            left -= len(text)
            if left < 0:
                return {"error": "broken"}
            pages.append(text)
    except DependencyError:  # a cipher that needs one more library
        return {"error": "cipher"}
    except Exception:  # whatever a stranger's file provokes
        return {"error": "broken"}
    return {"pages": pages}


def _limit() -> None:
    try:
        import resource
    except ImportError:  # not on Windows
        return
    for kind, most in ((resource.RLIMIT_AS, _MEMORY), (resource.RLIMIT_CPU, SECONDS)):
        with contextlib.suppress(OSError, ValueError):  # not every system has every limit
            hard = resource.getrlimit(kind)[1]
            resource.setrlimit(
                kind, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard)
            )


if __name__ == "__main__":
    _limit()
    sys.stdout.write(json.dumps(_read(sys.argv[1])))
