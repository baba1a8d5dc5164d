"""Saving a conversation to a file of one's own: a deliberate act, in every state of the log."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from chatapp.archive.reading import SUFFIXES, Format, render
from chatapp.archive.records import StoredSession
from chatapp.errors import ArchiveError

__all__ = ["SAYS", "format_of", "free_name", "save"]

SAYS: Final = (
    "The whole conversation is written to this file and nowhere else: .md (Markdown), .json (all "
    "of it, branches and numbers too) or .html. What is kept of the session does not change."
)


def format_of(path: Path) -> Format:
    """The format that a file's name asks for. Raises :class:`ArchiveError` if it is none."""
    for format, suffix in SUFFIXES.items():
        if path.suffix.lower() == suffix:
            return format
    raise ArchiveError(f"{path.name} should end with .md, .json or .html.")


def free_name(folder: Path, stem: str = "conversation", suffix: str = ".md") -> Path:
    """A path in ``folder`` at which nothing is yet."""
    path, number = folder / f"{stem}{suffix}", 1
    while path.exists():
        number += 1
        path = folder / f"{stem}-{number}{suffix}"
    return path


def save(
    session: StoredSession,
    path: Path,
    *,
    format: Format | None = None,
    all_branches: bool = False,
) -> None:
    """Write the session to ``path``, whole or not at all, for its user alone (0600).

    ``format`` None: the one that the name asks for. ``all_branches``: not only the one in sight.
    Raises :class:`ArchiveError`; what was there is left as it was then.
    """
    chosen = format or format_of(path)
    try:
        # A symbolic link stays one: what it leads to is replaced.
        target = Path(os.path.realpath(path))
        with _placed(target) as temporary:
            descriptor = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
                # A lone surrogate is no character, and UTF-8 has none.
                for piece in render(session, chosen, all_branches=all_branches):
                    file.write(piece.encode("utf-8", "replace").decode("utf-8"))
                file.flush()
                os.fsync(file.fileno())
    except OSError as error:
        raise ArchiveError(f"{path} cannot be written: {error.strerror}.") from error
    except ValueError as error:  # a NUL in the path
        raise ArchiveError(f"{str(path)!r} cannot be written: {error}.") from None


@contextlib.contextmanager
def _placed(target: Path) -> Iterator[Path]:
    """A name beside ``target`` that takes its place if all went well, and else is gone."""
    temporary = target.with_name(f".saving-{secrets.token_hex(6)}")
    try:
        yield temporary
        temporary.replace(target)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise
