"""Evidence in files: a file is there whole, or it is not there."""

from __future__ import annotations

import os
import secrets
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from chatapp.errors import ChatappError
from chatapp.proofs.evidence import Evidence, as_json
from chatapp.proofs.report.page import as_page


def write_page(path: Path, evidence: Sequence[Evidence], *, made: str) -> None:
    """Write the report page. Raises ``ChatappError``, and leaves what was there, if it cannot."""
    write_file(path, as_page(evidence, made=made).encode("utf-8"))


def write_json(path: Path, evidence: Sequence[Evidence]) -> None:
    """Write the JSON form. Raises ``ChatappError``, and leaves what was there, if it cannot."""
    # UTF-8 has no half characters (lone surrogates). Python's escape for one is also JSON's.
    write_file(path, as_json(evidence).encode("utf-8", "backslashreplace"))


def check_target(path: Path) -> Path:
    """Where a file of this name would be written. Raises ``ChatappError`` if it plainly cannot."""
    # A symbolic link stays one: what it leads to is replaced.
    target = Path(os.path.realpath(path))
    if target.exists() and not target.is_file():
        raise ChatappError(f"{path} is not a file, so nothing was written there.")
    if not target.parent.is_dir():
        raise ChatappError(f"{path} cannot be written: there is no folder {target.parent}.")
    return target


def write_file(path: Path, content: bytes) -> None:
    """Write ``content`` whole. Raises ``ChatappError``, and leaves what was there, if it cannot."""
    temporary: Path | None = None
    try:
        target = check_target(path)
        temporary = target.with_name(f".evidence-{secrets.token_hex(6)}")
        # Not tempfile: its files are private, and evidence is made to be passed on.
        with temporary.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(target)
        temporary = None
    except OSError as error:
        raise ChatappError(f"{path} cannot be written: {error.strerror}.") from None
    except ValueError as error:  # a NUL in the path
        raise ChatappError(f"{str(path)!r} cannot be written: {error}.") from None
    finally:
        if temporary:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
