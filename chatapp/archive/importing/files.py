"""One entry for every kind of file: recognise it, read it, say what was left out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from chatapp.archive.importing import chatgpt, llm_logs, openai_messages
from chatapp.archive.importing.skipped import Skipped, Tally
from chatapp.archive.records import ImportedSession
from chatapp.errors import ImportFileError

Kind = Literal["openai", "chatgpt", "llm"]


@dataclass(frozen=True, slots=True)
class _Reader:
    """A kind of file. ``unit`` is what one of its conversations is called when it is broken."""

    words: str
    unit: str
    looks_like: Callable[[Path], bool]
    sessions: Callable[[Path, Tally], Iterator[ImportedSession]]


_READERS: Final[dict[Kind, _Reader]] = {
    "openai": _Reader(
        "message JSONL (a line holds one object with 'messages')",
        "line",
        openai_messages.looks_like,
        openai_messages.sessions,
    ),
    "chatgpt": _Reader(
        "conversations.json of a ChatGPT export",
        "conversation",
        chatgpt.looks_like,
        chatgpt.sessions,
    ),
    "llm": _Reader(
        "logs.db of the tool llm",
        "conversation",
        llm_logs.looks_like,
        llm_logs.sessions,
    ),
}
KINDS: Final[tuple[Kind, ...]] = tuple(_READERS)


@dataclass(slots=True)
class Reading:
    """A file that is being read. Iterating reads it from the beginning, one session at a time.

    :attr:`skipped` says what was left out so far; all of it once the iteration has ended. If the
    file turns out to be damaged, the iteration raises :class:`ImportFileError`; the sessions before
    that are good. Keys are stable, so that whoever stores them can read the file once more.
    """

    path: Path
    kind: Kind
    _tally: Tally = field(repr=False)

    def __iter__(self) -> Iterator[ImportedSession]:
        self._tally.clear()
        found = _READERS[self.kind].sessions(self.path, self._tally)
        try:
            yield from found
        except OSError as error:
            raise ImportFileError(
                f"{self.path.name} cannot be read: {error.strerror or error}."
            ) from error

    @property
    def words(self) -> str:
        """What kind of file it is, in words."""
        return _READERS[self.kind].words

    @property
    def skipped(self) -> tuple[Skipped, ...]:
        """What was left out, and why."""
        return self._tally.skipped()


def read(path: Path, kind: Kind | None = None) -> Reading:
    """Recognise a file of conversations, or take it for the ``kind`` that is named.

    Raises :class:`ImportFileError` if it cannot be read or is not of that kind.
    """
    try:
        if not path.is_file():
            raise ImportFileError(
                f"{path.name} is a folder: name the file in it."
                if path.is_dir()
                else f"{path} is not a file."
            )
        # Those that are told by their first bytes come first.
        for each in (kind,) if kind else reversed(KINDS):
            if _READERS[each].looks_like(path):
                return Reading(path, each, Tally(_READERS[each].unit))
        with path.open("rb") as file:
            packed = file.read(4) == b"PK\x03\x04"
    except OSError as error:
        raise ImportFileError(f"{path} cannot be read: {error.strerror or error}.") from error
    hint = " It is a ZIP archive: unpack it first." if packed else ""
    if kind:
        raise ImportFileError(f"{path.name} is not {_READERS[kind].words}.{hint}")
    first, second, third = (reader.words for reader in _READERS.values())
    raise ImportFileError(
        f"{path.name} is none of what can be imported: {first}, {second}, or {third}.{hint}"
    )
