"""Messages: what people and models said, and nothing else (status and counts live elsewhere)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, cast, get_args

from chatapp.errors import ContextError

Role = Literal["system", "user", "assistant", "tools", "tool"]
"""``tools`` declares the tools that a model may ask for (a JSON list, see
:mod:`chatapp.context.tools`); ``tool`` is what a program answered to such a call."""
ROLES: Final[tuple[str, ...]] = get_args(Role)


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a transcript. ``content`` is plain text; it never holds control tokens."""

    role: Role
    content: str

    def as_dict(self) -> dict[str, str]:
        """The message as it stands in a request."""
        return {"role": self.role, "content": self.content}

    @classmethod
    def from_dict(cls, value: Any) -> Message:
        """Read one message of a request; raises :class:`ContextError` with the reason."""
        if not isinstance(value, dict):
            raise ContextError("A message must be an object with 'role' and 'content'.")
        role, content = value.get("role"), value.get("content")
        if role not in ROLES:
            raise ContextError(f"A message's role must be one of {', '.join(ROLES)}.")
        if not isinstance(content, str):
            raise ContextError("A message's content must be text.")
        # A lone surrogate cannot be written as UTF-8, so no tokenizer could read it.
        return cls(cast(Role, role), content.encode("utf-8", "replace").decode("utf-8"))


def as_dicts(messages: Sequence[Message]) -> list[dict[str, str]]:
    """The messages as they stand in a request."""
    return [{"role": message.role, "content": message.content} for message in messages]
