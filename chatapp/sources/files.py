"""A file's text, as it can become part of a message: text, Markdown, code, PDF."""

from __future__ import annotations

import stat
import unicodedata
from pathlib import Path
from typing import Final

from chatapp.context.parts import Part
from chatapp.errors import SourceError

__all__ = ["MOST_BYTES", "attach", "read_pages", "shown_name"]

MOST_BYTES: Final = 8 << 20
"""The largest text file that is read."""
_MOST_PDF: Final = 64 << 20
_LONGEST_NAME: Final = 120


def attach(path: Path) -> Part:
    """The file as a part of a message. Raises :class:`SourceError` with one sentence."""
    text = "\n\n".join(read_pages(path))
    return Part("file", text, shown_name(path.name))


def shown_name(name: str) -> str:
    """A file's name on one line, with nothing in it that could steer a terminal.

    A long one is cut in its middle: how it ends says what kind of file it is, or which folder.
    """
    safe = "".join("\ufffd" if unicodedata.category(c)[0] in "CZ" and c != " " else c for c in name)
    safe = safe.encode("utf-8", "replace").decode("utf-8").strip() or "file"
    if len(safe) <= _LONGEST_NAME:
        return safe
    end = _LONGEST_NAME // 2
    return f"{safe[: _LONGEST_NAME - end - 1]}…{safe[-end:]}"


def read_pages(path: Path) -> list[str]:
    """The text of a file: a PDF's page by page, any other's as one page.

    Line ends are made ``\\n``, and blank lines at both ends go. Raises :class:`SourceError`.
    """
    name = f"“{shown_name(path.name)}”"
    try:
        path = path.expanduser()
        found = path.stat()
        if stat.S_ISDIR(found.st_mode):
            raise SourceError(f"{name} is a folder. Attach a file, or search the folder (/search).")
        if not stat.S_ISREG(found.st_mode):
            raise SourceError(f"{name} is no ordinary file.")
        with path.open("rb") as file:
            pdf = file.read(5) == b"%PDF-"
        most = _MOST_PDF if pdf else MOST_BYTES
        if found.st_size > most:
            raise SourceError(
                f"{name} is too large: {found.st_size:,} bytes, and at most {most:,} are read."
            )
        if pdf:
            from chatapp.sources.pdf import pages_of

            pages = pages_of(path, name)
        elif path.suffix.lower() == ".pdf" and found.st_size:
            raise SourceError(f"{name} is not a readable PDF: it does not begin like one.")
        else:
            pages = [_text(path.read_bytes(), name)]
    except FileNotFoundError:
        raise SourceError(f"There is no file {name}{_where(path)}.") from None
    except (OSError, RuntimeError, ValueError) as error:  # an unknown ~user; a NUL in the name
        why = getattr(error, "strerror", None) or "its name is no path"
        raise SourceError(f"{name} cannot be read: {why}.") from None
    pages = [_plain(page) for page in pages]
    if not any(pages):
        why = "holds no text (its pages may be pictures)" if pdf else "is empty"
        raise SourceError(f"{name} {why}, so there is nothing to send.")
    return pages


def _where(path: Path) -> str:
    """Where a file was looked for: a relative path does not say it."""
    try:
        folder = path.absolute().parent
        there = " in" if folder.is_dir() else ": there is no folder"
    except OSError:  # the folder that one is in was deleted meanwhile
        return ""
    return f"{there} “{shown_name(str(folder))}”"


def _plain(text: str) -> str:
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = text.encode("utf-8", "replace").decode("utf-8")
    # Blank lines at both ends go; the first line keeps its indentation.
    lines = text.rstrip().split("\n")
    while lines and not lines[0].strip():
        del lines[0]
    return "\n".join(lines)


def _text(data: bytes, name: str) -> str:
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        try:
            return data.decode("utf-16")
        except UnicodeDecodeError:
            raise SourceError(f"{name} begins like UTF-16 text and is none.") from None
    if b"\0" in data:
        raise SourceError(f"{name} is not text: it holds binary data.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise SourceError(
            f"{name} is not text in UTF-8: line {line:,} holds another encoding. Save it as UTF-8."
        ) from None
