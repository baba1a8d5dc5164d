"""Fetch a model file from Hugging Face, going on where an earlier attempt broke off.

``HF_ENDPOINT`` names a mirror instead of the public address; ``HF_TOKEN`` is sent if it is set,
for repositories that ask for an account.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from chatapp.engine.weights.catalogue import HubSource
from chatapp.engine.weights.fetching import Job, SourceError, create, need_space

if TYPE_CHECKING:
    import httpx

__all__ = ["fetch_file"]

_PUBLIC = "https://huggingface.co"
_TIMEOUT = 20.0  # seconds without a byte
_TRIES = 5  # in a row that break off; each one that brought bytes is a step forward


def fetch_file(source: HubSource, job: Job) -> Path:
    """Download the file as ``NAME.part``; return its path.

    Raises ``SourceError``, or :class:`OSError` for what the disk refuses. What has arrived stays
    for the next attempt.
    """
    import httpx  # slow to import, and needed only here

    part = job.partial / f"{job.entry.file}.part"
    if part.exists() and part.stat().st_size > job.entry.bytes:
        part.unlink()
    endpoint = (os.environ.get("HF_ENDPOINT") or _PUBLIC).rstrip("/")
    url = f"{endpoint}/{source.repo}/resolve/{source.revision}/{source.file}"
    token = os.environ.get("HF_TOKEN")
    headers = {"Accept-Encoding": "identity"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    need_space(job, job.entry.bytes - _size(part))
    try:
        with httpx.Client(headers=headers, follow_redirects=True, timeout=_TIMEOUT) as client:
            for left in reversed(range(_TRIES)):
                before = _size(part)
                if before == job.entry.bytes:
                    break
                job.report("connect", before, job.entry.bytes)
                try:
                    _attempt(client, url, part, job)
                except httpx.TransportError:
                    if left == 0 or _size(part) == before:
                        raise
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError):
        raise SourceError("Hugging Face could not be reached", offline=True) from None
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise SourceError(
            f"the connection to Hugging Face broke off after {_size(part) // 10**6:,} of "
            f"{job.entry.bytes // 10**6:,} MB ({type(error).__name__}); "
            f"the next attempt goes on from there"
        ) from None
    return part


def _attempt(client: httpx.Client, url: str, part: Path, job: Job) -> None:
    have, size = _size(part), job.entry.bytes
    with client.stream("GET", url, headers={"Range": f"bytes={have}-"} if have else {}) as answer:
        if answer.status_code in (401, 403):
            raise SourceError("Hugging Face asks for an account (set HF_TOKEN to one's token)")
        if answer.status_code == 416:  # nothing there beyond what has arrived
            part.unlink(missing_ok=True)
            raise SourceError("the file on Hugging Face is smaller than the catalogue says")
        if answer.status_code not in (200, 206):
            raise SourceError(f"Hugging Face answered {answer.status_code}")
        match = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", answer.headers.get("Content-Range", ""))
        goes_on = answer.status_code == 206 and match is not None and int(match[1]) == have
        if answer.status_code == 206 and not goes_on:
            raise SourceError("Hugging Face sent another part of the file than was asked for")
        done = have if goes_on else 0
        with create(part, "ab" if goes_on else "wb") as out:
            for block in answer.iter_raw():
                done += len(block)
                if done > size:
                    break  # the check of the size says what is wrong
                out.write(block)
                job.report("download", done, size)
    if done > size:
        part.unlink()
        raise SourceError("the file on Hugging Face is larger than the catalogue says")


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
