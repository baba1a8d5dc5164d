"""What must hold for every imported session, whatever the file was."""

from __future__ import annotations

from chatapp.archive.records import ImportedSession, canonical_json
from chatapp.context.messages import ROLES


def check(session: ImportedSession) -> None:
    """Parents before children, one choice among siblings, and text that can be stored."""
    assert session.messages
    choices: dict[int | None, int] = {}
    for place, message in enumerate(session.messages):
        assert message.parent is None or 0 <= message.parent < place
        assert message.role in ROLES
        assert message.content
        choices[message.parent] = choices.get(message.parent, 0) + message.chosen
    assert set(choices.values()) == {1}
    assert len(session.key) == 64
    assert session.title
    assert "\n" not in session.title
    texts = [session.title, session.system, session.source]
    texts += [message.content for message in session.messages]
    texts += [message.weights.model or "" for message in session.messages]
    canonical_json(texts).encode()  # no lone surrogate


def branch(session: ImportedSession) -> list[tuple[str, str]]:
    """Who says what on the chosen branch."""
    said: list[tuple[str, str]] = []
    at: int | None = None
    while True:
        below = [
            (place, one)
            for place, one in enumerate(session.messages)
            if one.parent == at and one.chosen
        ]
        if not below:
            return said
        (at, message) = below[0]
        said.append((message.role, message.content))
