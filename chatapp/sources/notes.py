"""Saved notes: a small file of a person's own, pasted into the system prompt of new sessions.

This is what products call "memory". It is more text in the prompt, and the weights stay the same
file. The file is ``notes.toml`` in the home, private to the user, and plain enough to edit by hand.
"""

from __future__ import annotations

import os
import tempfile
import tomllib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from chatapp.errors import SourceError

__all__ = ["LONGEST", "MOST", "PASTED", "Notes", "load_notes", "save_notes"]

PASTED: Final = "Pasted into the system prompt of each new session. The weights stay the same file."
LONGEST: Final = 1_000
"""Characters of one note."""
MOST: Final = 200
"""Notes in the file."""
_HEAD: Final = f"# Notes for chatapp. While on = true: {PASTED[0].lower()}{PASTED[1:]}\n"


@dataclass(frozen=True, slots=True)
class Notes:
    """``texts`` in the order in which they are pasted, one line each; ``on``: whether they are."""

    on: bool = False
    texts: tuple[str, ...] = ()

    @property
    def sent(self) -> tuple[str, ...]:
        """What a new session is sent of them."""
        return self.texts if self.on else ()

    def with_note(self, text: str) -> Notes:
        """One more note at the end. Raises :class:`SourceError`."""
        note = " ".join(text.split())
        if not note:
            raise SourceError("A note needs some words.")
        if len(note) > LONGEST:
            raise SourceError(
                f"A note may be {LONGEST:,} characters long; this one has {len(note):,}. "
                "Attach longer texts as a file."
            )
        if len(self.texts) >= MOST:
            raise SourceError(f"There are {MOST} notes already; delete one first.")
        if note in self.texts:
            raise SourceError("That note is there already.")
        return replace(self, texts=(*self.texts, note))

    def without(self, number: int) -> Notes:
        """All but the note of this number, from 1. Raises :class:`SourceError`."""
        if not 1 <= number <= len(self.texts):
            there = f"they are numbered 1 to {len(self.texts)}" if self.texts else "there are none"
            raise SourceError(f"There is no note {number}: {there}.")
        return replace(self, texts=self.texts[: number - 1] + self.texts[number:])


def load_notes(path: Path) -> Notes:
    """Read the notes; a missing file means none. Raises :class:`SourceError`."""
    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return Notes()
    except UnicodeDecodeError:
        raise SourceError(f"{path} is not a text file in UTF-8.") from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise SourceError(f"{path} is not valid TOML: {error}.") from None
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror}.") from None
    return _checked(document, path)


def _checked(document: dict[str, Any], path: Path) -> Notes:
    on, texts = document.get("on", False), document.get("notes", [])
    if not isinstance(on, bool):
        raise SourceError(f"{path}: on must be true or false.")
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise SourceError(f"{path}: notes must be a list of texts.")
    notes = Notes(on)
    for number, text in enumerate(texts, 1):
        try:
            notes = notes.with_note(text)
        except SourceError as error:
            raise SourceError(f"{path}, note {number}: {error}") from None
    return notes


def save_notes(path: Path, notes: Notes) -> None:
    """Write the notes in one step, readable by the user alone.

    Raises :class:`SourceError`; the file that was there is then untouched.
    """
    import tomli_w  # only needed here

    path = path.resolve()  # a link to a file kept elsewhere stays a link
    text = _HEAD + tomli_w.dumps({"on": notes.on, "notes": list(notes.texts)})
    temporary = ""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".notes-")
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except (OSError, UnicodeEncodeError) as error:
        if temporary:
            Path(temporary).unlink(missing_ok=True)
        why = error.strerror if isinstance(error, OSError) else "a note holds no readable text"
        raise SourceError(f"{path} cannot be written: {why}.") from None
