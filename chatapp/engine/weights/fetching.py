"""What both ways of fetching a model share: progress, stopping, the disk, and one at a time."""

from __future__ import annotations

import errno
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal

from chatapp.engine.weights.catalogue import Entry
from chatapp.errors import PullError

__all__ = [
    "BLOCK",
    "Job",
    "Progress",
    "SourceError",
    "create",
    "disk_errors",
    "lock",
    "need_space",
]

BLOCK = 2**20  # bytes read or written at a time
_SPARE = 32 * 2**20  # bytes that must stay free on the disk

Stage = Literal["connect", "download", "unpack", "check"]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a pull is: ``done`` of ``total`` bytes of this stage. ``source`` is for a person."""

    stage: Stage
    done: int
    total: int
    source: str


class SourceError(PullError):
    """One source did not give the file; another may. ``offline``: it could not be reached."""

    def __init__(self, message: str, *, offline: bool = False) -> None:
        super().__init__(message)
        self.offline = offline


@dataclass(frozen=True)
class Job:
    """One pull: what is wanted, where the unfinished parts lie, and whom to tell."""

    entry: Entry
    models: Path
    partial: Path
    progress: Callable[[Progress], None]
    cancelled: Callable[[], bool]
    source: str = ""

    def report(self, stage: Stage, done: int, total: int) -> None:
        """Tell how far it is. Raises :class:`PullError` if it was stopped meanwhile."""
        if self.cancelled():
            raise PullError(f"Fetching {self.entry.name} was stopped; nothing in models/ changed.")
        self.progress(Progress(stage, min(done, total), total, self.source))


def create(path: Path, mode: Literal["wb", "ab"]) -> BinaryIO:
    """Open a file to write to, private to the user."""
    flags = os.O_WRONLY | os.O_CREAT | getattr(os, "O_BINARY", 0)
    flags |= os.O_TRUNC if mode == "wb" else os.O_APPEND
    return os.fdopen(os.open(path, flags, 0o600), mode)


@contextmanager
def disk_errors(job: Job) -> Iterator[None]:
    """Turn what the disk refuses into a :class:`PullError` of one sentence."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise PullError(
                f"The disk is full, so {job.entry.name} could not be stored in {job.models}; "
                f"the models that were there are untouched."
            ) from None
        if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
            raise PullError(
                f"{job.models} is read-only, so {job.entry.name} cannot be stored there; "
                f"a file that is there already, or one named with -m FILE, works all the same."
            ) from None
        if error.errno in (errno.EEXIST, errno.ENOTDIR):
            raise PullError(f"{job.models} is not a folder.") from None
        raise PullError(
            f"{job.entry.name} could not be fetched: {error.strerror or error}."
        ) from None


def need_space(job: Job, count: int) -> None:
    """Raise :class:`PullError` unless ``count`` bytes fit on the disk, with some to spare."""
    free = shutil.disk_usage(job.models).free
    if free < count + _SPARE:
        raise PullError(
            f"Fetching {job.entry.name} needs {(count + _SPARE) // 10**6:,} MB of free disk space "
            f"at {job.models}, and there are {free // 10**6:,} MB."
        )


@contextmanager
def lock(path: Path, name: str) -> Iterator[None]:
    """Hold ``path`` for one pull. The system lets go of it when the process ends, however it does.

    The file stays: to delete it would let two pulls hold two files of the same name.
    """
    with create(path, "ab") as file:
        try:
            if sys.platform == "win32":
                import msvcrt

                msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
            else:
                import fcntl

                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in (errno.EAGAIN, errno.EACCES, errno.EDEADLK):
                raise
            raise PullError(
                f"{name} is being fetched by another chatapp at this moment; wait until it is done."
            ) from None
        yield
