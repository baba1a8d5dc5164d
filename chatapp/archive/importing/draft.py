"""A conversation as it is put together from somebody else's file."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from typing import Any, Final

from chatapp.archive.records import ImportedMessage, ImportedSession, Weights, sha256_of
from chatapp.context.messages import Role

_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_TITLE: Final = 80  # characters


def clean(text: str) -> str:
    """The text as it can be stored: a lone surrogate becomes U+FFFD, all else stays."""
    return _SURROGATE.sub("\ufffd", text)


def title_of(text: str) -> str:
    """A title from the beginning of a text: one line, at most 80 characters."""
    # The first words are enough to look at, however long the text is.
    words = " ".join(text[: _TITLE * 20].split())
    return words if len(words) <= _TITLE else words[: _TITLE - 1].rstrip() + "…"


def moment(value: Any) -> str | None:
    """A time from a file, as it is stored; ``None`` if it is not one.

    Numbers are seconds since 1970; a text is ISO 8601, in UTC unless it says otherwise.
    """
    try:
        if isinstance(value, str):
            at = datetime.fromisoformat(value)
            at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            if not math.isfinite(value) or value <= 0:
                return None
            at = datetime.fromtimestamp(value, UTC)
        else:
            return None
    except (ValueError, OverflowError, OSError):
        return None
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def name_of(value: Any) -> str | None:
    """A name of a model from a file: a text, or nothing."""
    return clean(value) if isinstance(value, str) and value.strip() else None


class Draft:
    """Messages as they are found, parents before their children.

    A message is named by its place, from 0, as :meth:`add` returned it.
    """

    def __init__(self) -> None:
        self._messages: list[ImportedMessage] = []

    def __len__(self) -> int:
        return len(self._messages)

    def add(
        self,
        role: Role,
        content: str,
        parent: int | None,
        *,
        created: str | None = None,
        model: str | None = None,
    ) -> int:
        """Add a message below ``parent`` (``None``: at the beginning); returns its place."""
        weights = Weights(model=model) if role == "assistant" else Weights()
        message = ImportedMessage(
            role=role, content=clean(content), parent=parent, created=created, weights=weights
        )
        self._messages.append(message)
        return len(self._messages) - 1

    def said(self) -> set[tuple[Role, str]]:
        """Who said what, in any order."""
        return {(message.role, message.content) for message in self._messages}

    def finish(
        self,
        *,
        source: str,
        kind: str,
        ident: str | None = None,
        title: Any = None,
        created: str | None = None,
        tip: int | None = None,
    ) -> ImportedSession | None:
        """The conversation; ``None`` if nobody said anything in it.

        ``ident`` names it where it comes from (``None``: its content does); with ``kind`` it makes
        the key. ``tip`` is the message at the end of the branch in sight; where that does not
        decide, the newest branch is chosen. Among siblings exactly one is chosen.
        """
        messages = _with_choice(self._messages, tip)
        system, messages = _system_apart(messages)
        if not any(message.role != "system" for message in messages):
            return None
        content = [system, [[one.role, one.content, one.parent] for one in messages]]
        first = next((one.content for one in messages if one.role == "user"), messages[0].content)
        named = title_of(clean(title)) if isinstance(title, str) else ""
        return ImportedSession(
            key=sha256_of([kind, "id", ident] if ident is not None else [kind, "said", content]),
            source=clean(source),
            title=named or title_of(first) or "untitled",
            system=system,
            messages=tuple(messages),
            created=created or next((one.created for one in messages if one.created), None),
        )


def _with_choice(messages: list[ImportedMessage], tip: int | None) -> list[ImportedMessage]:
    """The same messages, one of each group of siblings chosen."""
    chosen: dict[int | None, int] = {}
    for place, message in enumerate(messages):
        chosen[message.parent] = place  # the newest, unless the branch in sight says otherwise
    while tip is not None:
        parent = messages[tip].parent
        chosen[parent] = tip
        tip = parent
    return [
        _moved(message, message.parent, chosen=chosen[message.parent] == place)
        for place, message in enumerate(messages)
    ]


def _system_apart(messages: list[ImportedMessage]) -> tuple[str, list[ImportedMessage]]:
    """A system message on which all else hangs is the session's system prompt."""
    roots = [message for message in messages if message.parent is None]
    if len(roots) != 1 or roots[0].role != "system":
        return "", messages
    return roots[0].content, [
        _moved(message, message.parent - 1 if message.parent else None, chosen=message.chosen)
        for message in messages[1:]
        if message.parent is not None
    ]


def _moved(message: ImportedMessage, parent: int | None, *, chosen: bool) -> ImportedMessage:
    return ImportedMessage(
        role=message.role,
        content=message.content,
        parent=parent,
        created=message.created,
        chosen=chosen,
        weights=message.weights,
    )
