"""A folder that is there whole or not at all: written beside its place, then moved into it."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from chatapp.archive.records import MANIFEST_FILE, WITHDRAWN_FILE
from chatapp.errors import ExportError

SCHEMA: Final = "chatapp-export/1"


def partial_of(target: Path) -> Path:
    """Where the export to ``target`` is written until it is complete."""
    return target.with_name(f".partial-{target.name}")


def _replaced_of(target: Path) -> Path:
    return target.with_name(f".replaced-{target.name}")


@contextmanager
def written_aside(target: Path, *, replace: bool) -> Iterator[tuple[Path, bool]]:
    """A new folder to write into; it becomes ``target`` when the block ends without an error.

    Gives the folder, and whether an unfinished one of an earlier export was removed. On any error,
    Ctrl+C included, the folder is removed and ``target`` is as it was; a killed process leaves the
    folder behind, for the next export to remove. Raises :class:`ExportError`.
    """
    target = Path(os.path.realpath(target))
    if not target.name:
        raise ExportError("The root of a disk cannot be an export's folder.")
    partial, lock = partial_of(target), None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        found = _remove_left_over(partial, target)
        _restore(target)
        check_target(target, replace=replace)
        partial.mkdir(mode=0o700)
        lock = _lock(partial)
        try:
            yield partial, found
            sync_folder(partial)
            _move(partial, target)
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)
            raise
    except OSError as error:
        raise ExportError(f"The export to {target} failed: {_reason(error)}") from error
    finally:
        if lock is not None:
            os.close(lock)


def _reason(error: OSError) -> str:
    reason = error.strerror or type(error).__name__
    return f"{reason.lower() if reason[1:2].islower() else reason}. Nothing was left half."


def check_target(target: Path, *, replace: bool) -> None:
    """Refuse a target that holds anything but an export that may be replaced."""
    if not target.exists():
        return
    if not target.is_dir():
        raise ExportError(f"{target} is a file; an export is a folder.")
    names = {entry.name for entry in target.iterdir()}
    if not names:
        return
    if not replace:
        raise ExportError(f"{target} is not empty. Choose another folder, or say --replace.")
    ours = _names_of_export(target)
    if ours is None:
        raise ExportError(f"{target} is not an export, so it is not replaced.")
    if foreign := sorted(names - ours):
        raise ExportError(
            f"{target / foreign[0]} is not part of the export there, so it is not replaced."
        )


def _names_of_export(folder: Path) -> set[str] | None:
    try:
        manifest = json.loads((folder / MANIFEST_FILE).read_bytes())
        if manifest["schema"] != SCHEMA:
            return None
        return {MANIFEST_FILE, WITHDRAWN_FILE, *(file["name"] for file in manifest["files"])}
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return None


def _remove_left_over(partial: Path, target: Path) -> bool:
    if not partial.exists():
        return False
    try:
        lock = _lock(partial)
    except BlockingIOError as error:
        raise ExportError(f"Another export to {target} is under way.") from error
    shutil.rmtree(partial)
    if lock is not None:
        os.close(lock)
    return True


def _lock(folder: Path) -> int | None:
    """A lock that ends with the process; ``None`` where there are none (Windows, some disks).
    Raises :class:`BlockingIOError` if another process holds it."""
    if sys.platform == "win32":
        return None
    import fcntl

    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(handle)
        if isinstance(error, BlockingIOError):
            raise
        return None
    return handle


def _restore(target: Path) -> None:
    """Undo a replacement that was killed between its two renames, or end one after them."""
    replaced = _replaced_of(target)
    if replaced.exists():
        if target.exists():
            shutil.rmtree(replaced)
        else:
            replaced.rename(target)


def _move(partial: Path, target: Path) -> None:
    replaced = _replaced_of(target)
    if target.exists():
        target.rename(replaced)
    try:
        partial.rename(target)
    except BaseException:
        if replaced.exists():
            replaced.rename(target)
        raise
    sync_folder(target.parent)
    shutil.rmtree(replaced, ignore_errors=True)


def sync_folder(folder: Path) -> None:
    """Bring a folder's list of names to the disk, where the system can."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
