"""One message of a ChatGPT export: what of it was said, by whom, and what is left out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from chatapp.archive.importing.draft import moment, name_of
from chatapp.archive.importing.skipped import Reason, Tally
from chatapp.context.messages import Role

_ROLES: Final[dict[str, Role]] = {"system": "system", "user": "user", "assistant": "assistant"}
_LEFT_OUT: Final[dict[str, Reason]] = {
    "thoughts": "reasoning",
    "reasoning_recap": "reasoning",
    "user_editable_context": "hidden",
    "model_editable_context": "hidden",
    "execution_output": "tool",
    "system_error": "tool",
    "computer_output": "tool",
    "tether_browsing_display": "tool",
    "tether_browsing_code": "tool",
    "tether_quote": "tool",
}


@dataclass(frozen=True, slots=True)
class Readable:
    """A message that was said. ``model`` is what the export calls the model, if it does."""

    role: Role
    text: str
    created: str | None
    model: str | None


def readable(message: Any, tally: Tally) -> Readable | None:
    """The message, or ``None`` if it is none that was said; what is left out is counted."""
    if not isinstance(message, dict):
        return None  # a node that only holds the tree together
    reason = _left_out(message)
    if reason is not None:
        tally.add(reason)
        return None
    text, attached = _text(message)
    tally.add("attachment", attached)
    role = _ROLES[_dict(message.get("author"))["role"]]
    if not text.strip():
        if not attached and role != "system":  # every conversation begins with an empty one
            tally.add("blank")
        return None
    return Readable(
        role,
        text,
        moment(message.get("create_time")),
        name_of(_dict(message.get("metadata")).get("model_slug")),
    )


def _left_out(message: dict[str, Any]) -> Reason | None:
    """Why this message is not one that was said to somebody, if it is not."""
    role = _dict(message.get("author")).get("role")
    metadata = _dict(message.get("metadata"))
    kind = _dict(message.get("content")).get("content_type")
    if role == "tool":
        return "tool"
    if not isinstance(role, str) or role not in _ROLES:
        return "role"
    if isinstance(kind, str) and kind in _LEFT_OUT:
        return _LEFT_OUT[kind]
    if metadata.get("is_user_system_message"):
        return "hidden"
    # The empty system message at the beginning is hidden as well, and says nothing.
    if metadata.get("is_visually_hidden_from_conversation") and _text(message)[0].strip():
        return "hidden"
    recipient = message.get("recipient")
    if role == "assistant" and isinstance(recipient, str) and recipient not in ("", "all"):
        return "tool"
    return None


def _text(message: dict[str, Any]) -> tuple[str, int]:
    """The text, and how many pictures, sounds and files came with it."""
    content = _dict(message.get("content"))
    texts, attached = [], 0
    parts = content.get("parts")
    for part in parts if isinstance(parts, list) else ():
        if isinstance(part, str):
            texts.append(part)
        elif isinstance(part, dict) and isinstance(part.get("text"), str):
            texts.append(part["text"])  # what was understood of a spoken message
        elif part is not None:
            attached += 1
    if not texts and isinstance(content.get("text"), str):
        texts.append(content["text"])  # content of the type "code"
    # A picture stands among the parts and among the attachments; a file only among the latter.
    named = _dict(message.get("metadata")).get("attachments")
    return "\n".join(texts), max(attached, len(named) if isinstance(named, list) else 0)


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
