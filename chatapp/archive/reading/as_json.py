"""A session as JSON: all of it, in keys that are those of the records.

::

    format, version   "chatapp transcript", 1
    note              what this is, in a sentence
    session           id, title, created, changed, state, messages (their number, all branches),
                      model, tags, source (where it was imported from; null: said here)
    system            the system prompt
    branch            ids of the messages in sight, in order
    messages          parents before children: id, parent, role, content, created, status, note,
                      chosen, sent, turn (number, system, summary, view_first, sampling, window,
                      weights, prompt_sha256, token counts, seconds, tools; null: no reply of a
                      model)
    examples          canonical records: id, kind, session, turn, created, prompt, chosen, rejected,
                      reason, wrong, right, weights, consent

The fields are described in :mod:`chatapp.archive.records`; each object there can be made again from
what is here.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any, Final

from chatapp.archive.reading.hidden import escaped_json
from chatapp.archive.reading.words import IS_A_TRANSCRIPT
from chatapp.archive.records import StoredSession

FORMAT: Final = "chatapp transcript"
VERSION: Final = 1


def as_json(session: StoredSession) -> Iterator[str]:
    """The document in pieces, one message a line."""
    head = {
        "format": FORMAT,
        "version": VERSION,
        "note": IS_A_TRANSCRIPT,
        "session": session.info,
        "system": session.system,
        "branch": [message.id for message in session.branch()],
    }
    yield "{\n"
    for key, value in head.items():
        yield f"{_dumped(key)}: {_dumped(value)},\n"
    yield from _list("messages", session.messages)
    yield ",\n"
    yield from _list("examples", session.examples)
    yield "\n}\n"


def _list(key: str, values: Iterable[Any]) -> Iterator[str]:
    yield f"{_dumped(key)}: ["
    for number, value in enumerate(values):
        yield f"{',' if number else ''}\n  {_dumped(value)}"
    yield "\n]"


def _dumped(value: Any) -> str:
    return escaped_json(json.dumps(value, ensure_ascii=False, default=_plain))


def _plain(value: Any) -> Any:
    """A record as an object of its fields."""
    if is_dataclass(value) and not isinstance(value, type):
        return {each.name: getattr(value, each.name) for each in fields(value)}
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"A {type(value).__name__} cannot be written as JSON.")
